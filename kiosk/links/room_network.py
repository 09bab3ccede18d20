"""What LiveKit's library counts about the tracks that are shown and played."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from livekit import rtc
from livekit.rtc._proto.stats_pb2 import RtcStats

from kiosk.media.statistics import NetworkStatistics, StreamStatistics

log = logging.getLogger("kiosk.link")

ANSWER_S = 1.0  # it takes milliseconds while the library lives


async def read_network(video: rtc.Track | None, voice: rtc.Track | None) -> NetworkStatistics | None:
    """None where there is no track, or no answer in time."""
    try:
        async with asyncio.timeout(ANSWER_S):
            seen = [] if video is None else await video.get_stats()
            heard = [] if voice is None else await voice.get_stats()
    except TimeoutError:
        log.debug("the media library does not tell its figures in time")
        return None
    except Exception as error:  # noqa: BLE001 - the library raises nothing finer, for instance where a track just left
        log.debug("the media library does not tell its figures: %s", error)
        return None
    return network_of(seen, heard)


def network_of(seen: Iterable[RtcStats], heard: Iterable[RtcStats]) -> NetworkStatistics | None:
    """`seen` and `heard`: what a track's `get_stats` gave. None where neither tells anything."""
    seen, heard = list(seen), list(heard)
    if not seen and not heard:
        return None
    return NetworkStatistics(_rtt_s([*seen, *heard]), _stream(seen), _stream(heard))


def _rtt_s(stats: Iterable[RtcStats]) -> float | None:
    for one in stats:
        if one.WhichOneof("stats") == "candidate_pair":
            pair = one.candidate_pair.candidate_pair
            if pair.nominated and pair.responses_received:
                return pair.current_round_trip_time
    return None


def _stream(stats: Iterable[RtcStats]) -> StreamStatistics | None:
    for one in stats:
        if one.WhichOneof("stats") == "inbound_rtp":
            rtp = one.inbound_rtp
            inbound, received = rtp.inbound, rtp.received
            return StreamStatistics(
                source=f"{inbound.track_identifier}/{rtp.stream.ssrc}",
                packets=received.packets_received,
                lost=received.packets_lost,
                jitter_s=received.jitter,
                buffered_s=inbound.jitter_buffer_delay,
                emitted=inbound.jitter_buffer_emitted_count,
                decoding_s=inbound.total_decode_time,
                captured_s=inbound.estimated_playout_timestamp / 1000 or None,
                freezes=inbound.freeze_count if rtp.stream.kind == "video" else None,
            )
    return None
