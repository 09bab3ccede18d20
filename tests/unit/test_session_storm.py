"""The whole controller under random visitors, vendors and rooms: in the end nothing is open and nothing is running."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.links.contract import Lost, LostReason
from kiosk.providers.contract import Broken, Busy, Capabilities, Misconfigured, ProviderError, Unavailable
from kiosk.session.limits import Limits
from kiosk.session.view import Phase
from tests import virtual_time
from tests.fakes import FakeLink, FakeProvider
from tests.leaks import running_tasks
from tests.unit.session_kiosk import Kiosk

errors: st.SearchStrategy[ProviderError | None] = st.none() | st.sampled_from(
    [Unavailable("down"), Busy("later", retry_after_s=2.0), Misconfigured("set the key"), Broken("nonsense")]
)
durations = st.sampled_from([0.0, 0.01, 0.3, 5.0, 40.0])
losses = st.builds(Lost, st.sampled_from(LostReason), st.booleans(), st.just("lost"))
SWITCHES = ("other", "other", "back", "unset")
deeds = st.sampled_from(
    ["begin", "begin", "leave", "touch", "lose", "lose", "vanish", "silence", "type", "interrupt", *SWITCHES]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    script=st.lists(st.tuples(deeds, durations), max_size=12),
    provider=st.builds(
        FakeProvider,
        capabilities=st.builds(Capabilities, renews=st.booleans(), hosted_dialogue=st.just(True)),
        start_errors=st.lists(errors, max_size=4),
        end_errors=st.lists(errors, max_size=4),
        renew_errors=st.lists(errors, max_size=2),
        start_s=durations,
        end_s=st.sampled_from([0.0, 0.3, 5.0]),  # a vendor that never answers the end has a test of its own
    ),
    links=st.lists(
        st.builds(partial, st.just(FakeLink), open_s=durations, error=st.none() | losses, frame=st.booleans()),
        max_size=4,
    ),
    with_fallback=st.booleans(),
    loss=losses,
)
def test_after_any_storm_nothing_is_left(
    script: list[tuple[str, float]],
    provider: FakeProvider,
    links: list[partial[FakeLink]],
    with_fallback: bool,
    loss: Lost,
    expected_log: Callable[[str], None],
) -> None:
    expected_log("kiosk.session")

    async def main(path: Path) -> None:
        spare = FakeProvider(name="spare") if with_fallback else None
        other = FakeProvider(name="other", start_s=0.3)
        kiosk = Kiosk(path, provider=provider, fallback=spare, others=(other,), limits=Limits(shutdown_s=300.0))
        kiosk.links.script = dict(enumerate(links, start=1))
        await kiosk.controller.start()
        for deed, wait_s in script:
            await asyncio.sleep(wait_s)
            link = kiosk.links.made[-1] if kiosk.links.made else None
            match deed:
                case "begin":
                    kiosk.begin()
                case "leave":
                    kiosk.actions.leave()
                case "lose" if link is not None:
                    link.emit(loss)
                case "vanish" if link is not None:
                    await link.close()
                case "type":
                    kiosk.actions.type_text("hello")
                case "other" | "unset":
                    kiosk.controller.switch(deed)
                case "back":
                    kiosk.controller.switch(provider.name)
                case "interrupt":
                    kiosk.actions.interrupt()
                case _:
                    kiosk.actions.touch()
        if len(script) % 2:  # half of the storms end in the middle of a visit, half are waited out
            await kiosk.until(lambda: kiosk.phase is Phase.ATTRACT, 3600.0, step_s=1.0)
        await kiosk.controller.shutdown()
        assert not running_tasks()
        assert not kiosk.devices.is_open
        assert not any(link.is_open for link in kiosk.links.made)
        for one in (provider, spare, other):
            if one is not None:
                ended = [session for session, _ in one.ended]
                assert one.open_sessions == set()
                assert len(ended) == len(set(ended)), "a session was ended twice"
        assert kiosk.ledger.entries() == ()

    with tempfile.TemporaryDirectory() as folder:
        virtual_time.run(main(Path(folder) / "ledger.json"))
