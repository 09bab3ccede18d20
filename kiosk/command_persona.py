"""`kiosk persona join`: the persona as the avatar of an agent in any LiveKit room."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from kiosk.command_output import complain
from kiosk.exit_codes import ExitCode
from kiosk.links.abandoned import AbandonedConnects
from kiosk.links.avatar_worker import LEAD_S, AvatarWorker, WorkerTiming
from kiosk.links.contract import AvatarMode, LinkError, Lost, LostReason
from kiosk.log import LogSetup, log_uncaught
from kiosk.persona.behaviour import Behaviour, Temper
from kiosk.persona.heard_face import MOODS
from kiosk.persona.look import Look, LookError, list_looks, load_look
from kiosk.persona.painter import FacePainter
from kiosk.persona.performer import Painter, Performer
from kiosk.resources import resources_dir
from kiosk.settings import LogSettings
from kiosk.signals import EndSignals

LONGEST_TOKEN = 64 * 1024  # characters
SETTLE_S = 15.0
SWITCH_INTERVAL_S = 0.001  # the drawing must not hold up a tick of sound
SMALLEST_SIDE, LARGEST_PICTURE = 64, 3840 * 2160  # pixels


def join(arguments: argparse.Namespace) -> int:
    """The exit status: 0 when asked to leave, or left by the agent; what failed is one line for the operator."""
    width, height = arguments.size
    try:
        _check_size(width, height)
        look = _look(arguments.persona)
        token = _token(arguments.token)
        painter = FacePainter(look, width, height)
    except LookError as error:
        complain(error.operator_line)
        return ExitCode.MISCONFIGURED
    except ValueError as error:
        complain(str(error))
        return ExitCode.MISCONFIGURED
    settings = LogSettings(level=arguments.log_level, file="off")
    setup = LogSetup(settings, [token])
    library = logging.getLogger("livekit")
    level_before = library.level
    if arguments.log_level != "debug":  # what the library says of a failed join, our own line says better
        library.setLevel(logging.CRITICAL)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        # Not the proactor of Windows: it cannot be woken by a signal.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            lost = runner.run(_join(arguments.url, token, look, painter, arguments.fps))
    except Exception as error:  # noqa: BLE001  (the log gets the cause, the screen one line)
        log_uncaught(type(error), error, error.__traceback__)
        return ExitCode.BROKEN
    finally:
        library.setLevel(level_before)
        setup.close()
    if lost is None:
        return ExitCode.OK
    complain(lost.operator_line)
    return ExitCode.MISCONFIGURED if lost.reason is LostReason.REFUSED else ExitCode.FAILED


async def _join(url: str, token: str, look: Look, painter: Painter, fps: int) -> Lost | None:
    asked = asyncio.Event()
    signals = EndSignals(asked.set)
    signals.install()
    try:
        return await perform(url, token, look, painter, fps, asked)
    finally:
        signals.remove()


async def perform(
    url: str,
    token: str,
    look: Look,
    painter: Painter,
    fps: int,
    asked: asyncio.Event,
    *,
    timing: WorkerTiming | None = None,
) -> Lost | None:
    """Joins, and plays until `asked` is set or the room ends. None: all went well; else what went wrong."""
    abandoned = AbandonedConnects()
    behaviour = Behaviour(int.from_bytes(os.urandom(4)), Temper(smile=look.manner.smile, energy=look.manner.energy))

    def set_mood(mode: AvatarMode | None) -> None:
        performer.mood = MOODS[mode]

    worker = AvatarWorker(
        painter.width,
        painter.height,
        fps,
        abandoned,
        on_lips=lambda pcm: performer.hear(pcm),
        on_mode=set_mood,
        timing=timing or WorkerTiming(),
    )
    performer = Performer(painter, behaviour, worker.video, None, latency_s=lambda: LEAD_S, fps=fps)
    try:
        return await _until(asked, _play(worker, performer, url, token))
    except LinkError as error:
        return error.lost
    finally:
        await performer.stop()
        await worker.close()
        await abandoned.settle(SETTLE_S)


async def _play(worker: AvatarWorker, performer: Performer, url: str, token: str) -> Lost | None:
    await worker.join(url, token)
    performer.start()
    return await worker.stay()


async def _until(asked: asyncio.Event, work: Coroutine[Any, Any, Lost | None]) -> Lost | None:
    """What `work` comes to, or None when it was asked to end before."""
    working = asyncio.create_task(work, name="avatar worker")
    asking = asyncio.create_task(asked.wait(), name="end of the avatar worker")
    try:
        await asyncio.wait({working, asking}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, asking):
            task.cancel()
        await asyncio.gather(working, asking, return_exceptions=True)


def _look(persona: str) -> Look:
    """A persona of ours by name, or any by the path of its file. Raises LookError and ValueError."""
    if persona.endswith(".toml"):
        return load_look(Path(persona))
    known = list_looks(resources_dir() / "personas")
    if persona not in known:
        raise ValueError(f"no such persona; known are {', '.join(known)}, or give the path of a .toml file")
    return load_look(known[persona])


def _token(word: str) -> str:
    """`-` stands for the standard input: arguments can be read by every user of the machine. Raises ValueError."""
    if word != "-":
        return word
    try:
        token = sys.stdin.read(LONGEST_TOKEN).strip() if sys.stdin is not None else ""
    except UnicodeDecodeError:
        token = ""
    if not token:
        raise ValueError("no token on the standard input; pipe it in, e.g. kiosk persona join --token - < token.txt")
    return token


def _check_size(width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE or width * height > LARGEST_PICTURE:
        raise ValueError(f"a video of {width}x{height}; from {SMALLEST_SIDE}x{SMALLEST_SIDE} to 3840x2160 can be sent")
