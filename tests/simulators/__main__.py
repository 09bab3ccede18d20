"""A vendor on this machine: `python -m tests.simulators VENDOR`, e.g. deepbrain.

Prints one JSON line when it is ready and runs until SIGTERM, SIGINT or the end of a piped standard input:

    {"settings": {"session": {…}, "providers": {…}, …}, "env": {"KIOSK_…": …}, "status": "http://…", "command": "http://…"}
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import stat
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.livekit_server import LiveKitServer, LiveKitServerError
from tests.simulators.avatar import AvatarOptions
from tests.simulators.control_point import ControlPoint, Status
from tests.simulators.liveavatar_vendor import LiveAvatarVendor
from tests.simulators.picture_track import PictureOptions
from tests.simulators.speech import write_wav
from tests.simulators.stage import ForeignServer, JsonLog, RoomServer, Stage
from tests.simulators.tenbyte_vendor import TenbyteVendor
from tests.simulators.vendors import Vendor, make_vendor, merged_status
from tests.simulators.videosdk_ingest_vendor import IngestVendor

if TYPE_CHECKING:
    from tests.simulators.videosdk_vendor import VideoSdkAgentVendor

VENDORS = ("deepbrain", "agenthuman", "videosdk-agent", "videosdk-ingest", "tenbyte", "liveavatar", "livekit")
GREETING = "Welcome! I am a simulated avatar. Say something, and I will repeat what I heard."
KEY_VARIABLE, SECRET_VARIABLE = "KIOSK_LIVEKIT_API_KEY", "KIOSK_LIVEKIT_API_SECRET"


def size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    pair = int(width), int(height)
    if not all(32 <= side <= 4096 for side in pair):
        raise ValueError
    return pair


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(prog="python -m tests.simulators", description=__doc__.splitlines()[0])
    out.add_argument("vendor", choices=VENDORS)
    out.add_argument("--livekit-url", help=f"another LiveKit server (with {KEY_VARIABLE}, {SECRET_VARIABLE} set)")
    out.add_argument("--port", type=int, default=0, help="of the vendor's API; default: a free one")
    out.add_argument("--avatar-size", type=size, default=(960, 720), metavar="WxH", help="default: 960x720")
    out.add_argument("--fps", type=int, default=30)
    out.add_argument("--frame-code", action="store_true", help="burn the number of each frame into the picture")
    out.add_argument("--voice-only", action="store_true", help="the avatar shows no picture")
    out.add_argument("--beep-flash", action="store_true", help="a flash and a beep at one instant, every 2 s")
    out.add_argument("--respond", choices=("echo", "silent", "talk"), default="echo")
    out.add_argument("--greeting", default=GREETING, help="empty for none")
    out.add_argument("--speech", choices=("stream", "agent", "link"), default="stream", help="agenthuman: who speaks")
    out.add_argument("--role", choices=("viewer", "host"), default="viewer", help="tenbyte: what the kiosk is there")
    out.add_argument("--persona", choices=("off", "room", "whip"), default="off", help="tenbyte, as host: on the stage")
    out.add_argument("--caption", default="", help="small text in the picture")
    out.add_argument("--session-state", action="store_true", help="send packets on topic session.state")
    out.add_argument("--reports", choices=("once", "late", "never", "twice"), default="once")
    out.add_argument("--log", type=Path, help="JSON lines: frames, beeps, what was heard")
    return out


def avatar_options(args: argparse.Namespace) -> AvatarOptions:
    width, height = args.avatar_size
    picture = PictureOptions(width, height, args.fps, frame_code=args.frame_code, beep_flash=args.beep_flash)
    return AvatarOptions(
        picture,
        voice_only=args.voice_only,
        respond=args.respond,
        session_state=args.session_state,
        reports=args.reports,
    )


async def run(args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    watch_standard_input(loop, stop)
    async with AsyncExitStack() as ends:
        vendor, status = await make(args, ends)
        await vendor.start(args.port)
        ends.push_async_callback(vendor.stop)
        control = ControlPoint(status, vendor.command)
        url = await control.start()
        ends.push_async_callback(control.stop)
        ready = {
            # LiveKit's own conversion, which the avatar's picture follows, is BT.601.
            "settings": {**vendor.settings, "view": {"matrix": "bt601", "range": "limited"}},
            "env": vendor.env,
            "status": f"{url}/_simulator/status",
            "command": f"{url}/_simulator/command",
        }
        print(json.dumps(ready), flush=True)
        await stop.wait()
    return 0


async def make(args: argparse.Namespace, ends: AsyncExitStack) -> tuple[Vendor, Status]:
    """The vendor, with all that it performs on. Only some perform in LiveKit's rooms."""
    if args.vendor == IngestVendor.NAME:
        ingest = IngestVendor(args.greeting, args.respond)
        return ingest, ingest.status
    if args.vendor == "videosdk-agent":
        videosdk = make_videosdk(args, Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-simulator-"))))
        return videosdk, videosdk.status
    own: LiveKitServer | None = None
    server: RoomServer
    if args.livekit_url:
        server = ForeignServer(args.livekit_url, os.environ[KEY_VARIABLE], os.environ[SECRET_VARIABLE])
    else:
        own = LiveKitServer()
        ends.callback(own.stop)
        server = own
    log = JsonLog(args.log.open("w", encoding="utf-8", buffering=1) if args.log else None)
    ends.callback(log.close)
    stage = Stage(server, avatar_options(args), caption=args.caption, log=log)
    ends.push_async_callback(stage.close)
    await asyncio.gather(asyncio.to_thread(own.start) if own else asyncio.sleep(0), stage.prepare(args.greeting))
    if args.vendor == TenbyteVendor.NAME:
        tenbyte = TenbyteVendor(stage, args.greeting, args.role, args.persona)
        return tenbyte, lambda: merged_status(tenbyte, stage)
    if args.vendor == LiveAvatarVendor.NAME:
        liveavatar = LiveAvatarVendor(stage, args.greeting)
        return liveavatar, lambda: merged_status(liveavatar, stage)
    vendor = make_vendor(
        args.vendor,
        stage,
        greeting=args.greeting,
        speech=args.speech,
        greeting_wav=await write_greeting(args, stage, ends),
    )
    return vendor, lambda: merged_status(vendor, stage)


def make_videosdk(args: argparse.Namespace, folder: Path) -> VideoSdkAgentVendor:
    # Loaded only where it is wanted: it needs the vendor's package, which brings a media library of its own.
    from tests.simulators.videosdk_guest import GuestOptions
    from tests.simulators.videosdk_vendor import VideoSdkAgentVendor

    width, height = args.avatar_size
    options = GuestOptions(
        video=not args.voice_only,
        echo=args.respond == "echo",
        width=width,
        height=height,
        fps=args.fps,
        frame_code=args.frame_code,
    )
    return VideoSdkAgentVendor(options, args.greeting, folder)


async def write_greeting(args: argparse.Namespace, stage: Stage, ends: AsyncExitStack) -> Path | None:
    """The greeting as a sound file, for a kiosk that speaks through the face; gone when we end."""
    if args.vendor != "agenthuman" or args.speech != "stream" or not args.greeting:
        return None
    folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-simulator-"))
    path = Path(folder) / "greeting.wav"
    write_wav(path, await asyncio.to_thread(stage.speech.render, args.greeting))
    return path


def watch_standard_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Whoever started us through a pipe and went away leaves nobody to stop us. A terminal or /dev/null is no pipe."""
    try:
        descriptor = sys.stdin.fileno()
        piped = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError, AttributeError):
        return
    if not piped:
        return

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stop.set()

    loop.add_reader(descriptor, read)


def main() -> int:
    args = parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    # The library logs the whole token where one is refused.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    if args.livekit_url and not (os.environ.get(KEY_VARIABLE) and os.environ.get(SECRET_VARIABLE)):
        parser().error(f"--livekit-url needs {KEY_VARIABLE} and {SECRET_VARIABLE}")
    try:
        return asyncio.run(run(args))
    except LiveKitServerError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
