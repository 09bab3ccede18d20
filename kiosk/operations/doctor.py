"""`kiosk doctor`: everything that a visit needs, asked at once; each failing line says how to mend it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from kiosk.clock import Clock
from kiosk.operations.checks import Checker, failed, skipped
from kiosk.operations.doctor_machine import (
    FolderCheck,
    KeyringCheck,
    LedgerCheck,
    LoudspeakerCheck,
    MicrophoneCheck,
    ProgramCheck,
    RendererCheck,
    ScreenCheck,
    SettingsCheck,
)
from kiosk.operations.doctor_network import AskCheck, ClockCheck, NameCheck, ReachCheck, SaidCheck, addresses
from kiosk.operations.probe import Probe
from kiosk.providers.contract import SessionRef
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoomSettings
from kiosk.settings import Settings
from kiosk.settings_error import SettingsError

Ask = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the doctor looks at.

    `settings_error` is set where the settings cannot be used; `settings` then are the defaults. `provider_settings` is
    None, and `ask_provider` too, where the provider cannot even be built; `provider_trouble` then says why.
    """

    settings: Settings
    settings_error: SettingsError | None
    settings_sources: Sequence[str]
    provider_settings: BaseModel | None
    provider_trouble: str
    ask_provider: Ask | None
    ask_own_room: Ask
    open_sessions: Callable[[], Sequence[SessionRef]]
    data_folder: Path
    describe_keyring: Callable[[], str]
    missing_secrets: Sequence[str]


def doctor_checks(subject: Subject, *, screen: Probe, sound: Probe, http: HttpClient, clock: Clock) -> list[Checker]:
    """The checks in the order of the table."""
    settings = subject.settings
    return [
        ProgramCheck(screen),
        SettingsCheck(settings.session.provider, subject.settings_sources, subject.settings_error),
        ScreenCheck(screen),
        RendererCheck(screen, settings.view.renderer),
        LoudspeakerCheck(sound),
        MicrophoneCheck(sound),
        *_network_checks(subject, http, clock),
        _provider_check(subject),
        _own_room_check(settings.livekit, subject.ask_own_room),
        FolderCheck(subject.data_folder),
        LedgerCheck(subject.open_sessions),
        KeyringCheck(subject.describe_keyring, subject.missing_secrets),
    ]


def _network_checks(subject: Subject, http: HttpClient, clock: Clock) -> Iterator[Checker]:
    tables = [subject.provider_settings] if subject.provider_settings else []
    urls = list(dict.fromkeys(url for table in [*tables, subject.settings.livekit] for url in addresses(table)))
    names: set[str] = set()
    places: set[str] = set()
    for url in urls:
        for check, seen in ((NameCheck(url), names), (ReachCheck(url, http, clock), places)):
            if check.name not in seen:
                seen.add(check.name)
                yield check
    yield ClockCheck(urls[0] if urls else None, http, clock)


def _provider_check(subject: Subject) -> Checker:
    name = subject.settings.session.provider
    title = f"provider {name}"
    if subject.settings_error is not None:
        return SaidCheck("provider", skipped("the settings come first"))
    if subject.ask_provider is None:
        what, _, remedy = subject.provider_trouble.partition("; ")
        return SaidCheck(title, failed(what, remedy or "see the settings of this provider in the manual"))
    return AskCheck(title, subject.ask_provider)


def _own_room_check(table: OwnRoomSettings, ask: Ask) -> Checker:
    if not table.url and not table.token_url:
        return SaidCheck("own LiveKit room", skipped("[livekit] is not set; only some providers need it"))
    return AskCheck("own LiveKit room", ask)
