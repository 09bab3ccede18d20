"""How long anything may take, and what the providers can do: the numbers that the state machine is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.session.policies import Backoff
from kiosk.session.source import Source


@dataclass(frozen=True, slots=True)
class Limits:
    """All times in seconds. `main` and `fallback` are filled in by the controller from its providers."""

    idle_s: float = 45.0  # without touch, typed text, caption or speaking avatar
    max_visit_s: float = 600.0
    welcome: bool = True  # show notice and language choice; False: the first touch connects
    language: str = "en"  # until the visitor chooses one

    welcome_s: float = 60.0
    connect_s: float = 30.0  # from the choice of language, or of another avatar, to the first picture, with retries
    ahead_s: float = 8.0  # from the touch to the first picture of a session that was begun ahead, else it is given up
    connect_notice_s: float = 8.0  # from here on the visitor is asked for a moment's patience
    recover_s: float = 40.0  # from the loss of the link to the next picture, retries included
    goodbye_s: float = 4.0
    apology_s: float = 8.0  # a screen that explains a fault stays longer
    idle_warning_s: float = 10.0
    end_warning_s: float = 30.0
    stall_notice_s: float = 2.0  # age of the picture from which "one moment" is shown
    stall_limit_s: float = 12.0  # age of the picture of giving up the link: 10 s without network heal

    connect_tries: int = 3
    recover_tries: int = 5
    retry: Backoff = field(default_factory=Backoff)
    reopen: Backoff = field(
        default_factory=lambda: Backoff(5.0, 60.0)
    )  # out of service, before the next visitor may try

    end_tries: int = 6
    end_retry: Backoff = field(default_factory=lambda: Backoff(1.0, 30.0))
    call_s: float = 30.0  # one call of a provider other than start, should it break its promise to be bounded
    close_s: float = 10.0  # closing the link, opening or closing the devices, likewise
    handover_s: float = 3.0  # a new session waits this long for the end of the one that it replaces
    ledger_keep_s: float = 7 * 86_400.0  # after this no vendor still holds a session open
    shutdown_s: float = 10.0  # all that is left to do when the kiosk stops

    max_text: int = 2000  # characters of one typed message

    main: Source = field(default_factory=lambda: Source("main"))
    fallback: Source | None = None
