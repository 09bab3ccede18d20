"""Sends a picture and a voice by WHIP for as long as it is let: a connection that is lost is built anew.

Everything on one loop, which should be no other's: aiortc packs and encrypts in Python.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.rtcrtpsender import RTCRtpSender

from kiosk.links.waiting import either
from kiosk.links.whip import IceServer, WhipClient, WhipError
from kiosk.links.whip_queues import PictureQueue, VoiceQueue
from kiosk.links.whip_tracks import PictureTrack, VoiceTrack

log = logging.getLogger("kiosk.whip")

GATHER_S = 10.0
CONNECT_S = 15.0
CLOSE_S = 3.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
H264_BASELINE = "42e01f"
NO_PATH = "the far side answered, but no media path opened within {:.0f} s; allow UDP through the firewall, both ways"


class WhipPublisher:
    """`run` once; cancel it to end."""

    def __init__(self, client: WhipClient, pictures: PictureQueue, voice: VoiceQueue, on_up: Callable[[], None]):
        """`on_up`: a connection is there, for the first time or again."""
        self._client = client
        self._pictures = pictures
        self._voice = voice
        self._on_up = on_up
        self._ice_servers: Sequence[IceServer] = ()  # as the latest answer offered them

    async def run(self) -> None:
        """Returns only where no other try makes sense; the log says why."""
        failures = 0
        while True:
            wait_s: float | None = None
            try:
                await self._once()
                failures = 0
                log.warning("the persona is not on the stage: the connection broke off; a new one is built")
            except WhipError as error:
                wait_s = error.wait_s
                failures += 1
                if not error.retry:
                    log.error("the persona is not on the stage: %s", error.operator_line)
                    return
                log.warning("the persona is not on the stage: %s", error.operator_line)
            ceiling_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures, 16))
            await asyncio.sleep(max(wait_s or 0.0, random.uniform(0.2, ceiling_s)))  # noqa: S311 - jitter, no secret

    async def _once(self) -> None:
        """One connection, until it is lost. Raises `WhipError` where it does not come about."""
        servers = [RTCIceServer(one.url, one.username or None, one.credential or None) for one in self._ice_servers]
        # An empty list, not None: the library would ask a public server of its own choice.
        peer = RTCPeerConnection(RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        connected, over = asyncio.Event(), asyncio.Event()

        def on_change() -> None:
            if peer.connectionState == "connected":
                connected.set()
            elif peer.connectionState in ("failed", "closed"):
                over.set()

        peer.on("connectionstatechange", on_change)
        try:
            taken = await self._negotiate(peer)
            await either(connected, over, CONNECT_S)
            if not connected.is_set():
                raise WhipError(NO_PATH.format(CONNECT_S), retry=True)
            log.info("the persona is on the stage, by WHIP; what was taken: %s", taken)
            self._on_up()
            await over.wait()
        finally:
            await self._client.end()
            await _bounded_close(peer)

    async def _negotiate(self, peer: RTCPeerConnection) -> str:
        """Which credential was taken."""
        try:
            async with asyncio.timeout(GATHER_S):
                peer.addTransceiver(VoiceTrack(self._voice), direction="sendonly")
                video = peer.addTransceiver(PictureTrack(self._pictures), direction="sendonly")
                video.setCodecPreferences(video_codecs())
                await peer.setLocalDescription(await peer.createOffer())
        except (TimeoutError, OSError, ValueError) as error:
            self._ice_servers = ()  # those that the far side offered may be of no use
            raise WhipError(f"no offer could be made ({type(error).__name__}); check the network", retry=True) from None
        answer = await self._client.publish(peer.localDescription.sdp)
        self._ice_servers = answer.ice_servers
        try:
            await peer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        except Exception as error:  # noqa: BLE001 - whatever the parser of the library stumbles over
            line = f"the far side's answer cannot be used ({type(error).__name__}); report this line to the vendor"
            raise WhipError(line, retry=False) from None
        return answer.credential


def video_codecs() -> list[RTCRtpCodecCapability]:
    """VP8 and H.264 in the one profile that everybody takes, with retransmission."""
    known = RTCRtpSender.getCapabilities("video").codecs
    return [
        codec
        for codec in known
        if codec.mimeType.lower() in ("video/vp8", "video/rtx")
        or (codec.mimeType.lower() == "video/h264" and codec.parameters.get("profile-level-id") == H264_BASELINE)
    ]


async def _bounded_close(peer: RTCPeerConnection) -> None:
    """A sender whose task died of an error would never confirm its end."""
    closing = asyncio.ensure_future(peer.close())
    _, late = await asyncio.wait({closing}, timeout=CLOSE_S)
    if late:
        log.warning("a WHIP connection did not close within %.0f s", CLOSE_S)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
