"""Links are made by their grants, and nobody keeps one that was closed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from kiosk.link_choice import LinkChoice, LinkParts
from kiosk.links.abandoned import AbandonedConnects
from kiosk.media.air import Air, Channel
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.thread import MediaThread
from kiosk.providers.contract import LocalGrant, SessionRef
from tests.media_doubles import SilentMicrophone, VoiceLog

GRANT = LocalGrant(SessionRef("local", "v1", None, 0.0), "en")


async def nobody(*_: object) -> Any:
    raise RuntimeError("the persona is ill")


@pytest.fixture
def choice() -> Iterator[LinkChoice]:
    media = MediaThread()

    def parts(channel: Channel) -> LinkParts:
        return LinkParts(
            media, channel.video, channel.voice, channel.microphone, AbandonedConnects(), nobody, nobody, nobody
        )

    yield LinkChoice(Air(FrameMailbox(), VoiceLog(), SilentMicrophone()), parts)
    media.stop()


async def test_a_link_that_was_closed_is_forgotten(choice: LinkChoice) -> None:
    link = choice.make(GRANT)
    assert link.aired
    known = weakref.ref(link)
    await link.close()
    del link
    gc.collect()
    assert known() is None
    assert choice.lip_sync is None
    assert await choice.network() is None


async def test_so_is_one_that_never_opened(choice: LinkChoice) -> None:
    link = choice.make(GRANT)
    with pytest.raises(RuntimeError, match="ill"):
        await link.open(GRANT)
    await link.close()
    known = weakref.ref(link)
    del link
    gc.collect()
    assert known() is None


async def test_what_failed_to_open_is_forgotten_without_a_close(choice: LinkChoice) -> None:
    link = choice.make(GRANT)
    with pytest.raises(RuntimeError, match="ill"):
        await link.open(GRANT)
    known = weakref.ref(link)
    del link
    await choice.make(GRANT).close()  # until its next work the media thread remembers what failed, and where
    gc.collect()
    assert known() is None
