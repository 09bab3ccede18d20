"""The command line: `kiosk [run]`, `doctor`, `sessions`, `config`, `secret`, `persona`, `self-test`.

Only the chosen command is imported: `--version` and `--help` load neither Qt nor any media library.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from kiosk import __version__
from kiosk.exit_codes import ExitCode

_HELP = {
    "run": "open the kiosk (the default)",
    "doctor": "check what a visit needs, and say how to mend it",
    "sessions": "list what is open at the vendors and what it cost, or end it",
    "config": "check, show or find the settings",
    "secret": "keep keys and tokens in the keyring of this machine",
    "persona": "let the kiosk's own avatar speak for an agent elsewhere",
    "self-test": "check that this build works on this machine",
}


Command = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Never repeats what was typed: a secret may stand where it should not."""

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"invalid choice: .*? \(choose", "not a known word (choose", message)
        message = re.sub(r"(unrecognized arguments):.*", "unknown or too many arguments", message, flags=re.DOTALL)
        message = re.sub(r"(invalid \w+ value): .*", r"\1", message, flags=re.DOTALL)
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.DOTALL)
        self.print_usage(sys.stderr)
        self.exit(ExitCode.MISCONFIGURED, f"{self.prog}: {message}\n")


def window_size(text: str) -> tuple[int, int]:
    """`1280x720` -> (1280, 720), in pixels."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if found is None:
        raise argparse.ArgumentTypeError("a size is written WIDTHxHEIGHT, e.g. 1280x720")
    return int(found[1]), int(found[2])


def seconds(text: str) -> float:
    """A time above 0 and at most a year."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 31_536_000:
        raise argparse.ArgumentTypeError("a number of seconds above 0 is needed")
    return value


def frame_rate(text: str) -> int:
    """Pictures a second, 1 to 60."""
    if not re.fullmatch(r"\d{1,2}", text) or not 1 <= int(text) <= 60:
        raise argparse.ArgumentTypeError("a whole number of pictures a second is needed, 1 to 60")
    return int(text)


def build_parser() -> Parser:
    parser = Parser(prog="kiosk", description="A desktop kiosk that shows a talking avatar.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"kiosk {__version__}")
    # A fixed metavar keeps the inner commands out of sight.
    commands = parser.add_subparsers(dest="command", required=True, metavar=f"{{{','.join(_HELP)}}}")

    run = _add(commands, "run", _run)
    _add_config(run)
    run.add_argument("--provider", metavar="P", help="take this provider instead of the one in the settings")
    shape = run.add_mutually_exclusive_group()
    shape.add_argument("--windowed", type=window_size, metavar="WxH", help="a window of this size, not full screen")
    shape.add_argument("--kiosk", action="store_true", help="fill the screen, on top, without a way out")
    run.add_argument("--auto-start", action="store_true", help="begin a visit without a touch")
    run.add_argument("--for", dest="for_s", type=seconds, metavar="SECONDS", help="end cleanly after so long")
    run.add_argument("--report", type=Path, metavar="F.json", help="write what happened into this file at the end")
    run.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    run.add_argument("--log-json", action="store_true", help="one JSON object a line")

    doctor = _add(commands, "doctor", _doctor)
    _add_config(doctor)
    doctor.add_argument("--provider", metavar="P", help="check this provider instead of the one in the settings")
    doctor.add_argument("--json", action="store_true")

    sessions = _add(commands, "sessions", _sessions)
    _add_config(sessions)
    sessions.add_argument("action", nargs="?", choices=("list", "end"), default="list", help="list is the default")
    sessions.add_argument("--json", action="store_true", help="the list as JSON")

    config = commands.add_parser("config", help=_HELP["config"], allow_abbrev=False)
    config_actions = config.add_subparsers(dest="action", required=True)
    for action, carry_out, text in (
        ("check", _config_check, "find every mistake in the settings"),
        ("show", _config_show, "print the settings in force and where each was set"),
        ("path", _config_path, "print where settings, data and log are"),
    ):
        _add_config(_add(config_actions, action, carry_out, text))

    secret = commands.add_parser("secret", help=_HELP["secret"], allow_abbrev=False)
    secret_actions = secret.add_subparsers(dest="action", required=True)
    setting = _add(secret_actions, "set", _set_secret, "read a value hidden, or from stdin")
    setting.add_argument("name", metavar="NAME")
    _add(secret_actions, "list", _list_secrets, "print the names and where each is set")
    deleting = _add(secret_actions, "delete", _delete_secret, "take a value out of the keyring")
    deleting.add_argument("name", metavar="NAME")

    persona = commands.add_parser("persona", help=_HELP["persona"], allow_abbrev=False)
    persona_actions = persona.add_subparsers(dest="action", required=True)
    joining = _add(persona_actions, "join", _join_as_persona, "join a LiveKit room as the avatar of its agent")
    joining.add_argument("--url", required=True, metavar="URL", help="the media server, e.g. wss://host")
    joining.add_argument("--token", required=True, metavar="T", help="a room token for an agent; - reads it from stdin")
    joining.add_argument("--persona", default="mara", metavar="P", help="a name, or the path of a .toml file")
    joining.add_argument("--size", type=window_size, default=(1280, 720), metavar="WxH", help="of the video")
    joining.add_argument("--fps", type=frame_rate, default=30, metavar="N", help="pictures a second, 1 to 60")
    joining.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")

    test = _add(commands, "self-test", _self_test)
    test.add_argument("--json", action="store_true")
    test.add_argument("--screenshot", type=Path, metavar="F", help="save what the window shows")

    voice = commands.add_parser("voice-process", allow_abbrev=False)
    voice.set_defaults(carry_out=_voice_process)
    ears = commands.add_parser("ears-process", allow_abbrev=False)
    ears.add_argument("--model", type=Path)
    ears.set_defaults(carry_out=_ears_process)

    probe = commands.add_parser("probe", allow_abbrev=False)
    probe.set_defaults(carry_out=_probe)
    probe.add_argument("what", choices=("screen", "window", "frame", "sound"))
    probe.add_argument("--renderer", default="auto", choices=("auto", "opengl", "raster"))
    probe.add_argument("--screenshot", type=Path)
    probe.add_argument("--speaker", default="")
    probe.add_argument("--microphone", default="")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status; see `ExitCode`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "run")
    arguments = build_parser().parse_args(words)
    from kiosk.command_output import complain

    try:
        command: Command = arguments.carry_out
        return int(command(arguments))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  (a traceback on the screen helps nobody and may hold a secret)
        complain(f"unexpected fault: {type(error).__name__}: {error}; please report this line")
        return ExitCode.BROKEN


def _add(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    carry_out: Command,
    text: str | None = None,
) -> Parser:
    parser = commands.add_parser(name, help=text or _HELP[name], allow_abbrev=False)
    parser.set_defaults(carry_out=carry_out)
    return parser


def _add_config(parser: Parser) -> None:
    parser.add_argument("--config", type=Path, metavar="F", help="read this file instead of the user's kiosk.toml")


# One import each, written out: the tool that freezes the program follows nothing else.


def _run(arguments: argparse.Namespace) -> int:
    from kiosk.command_run import run

    return run(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    from kiosk.command_checks import doctor

    return doctor(arguments)


def _sessions(arguments: argparse.Namespace) -> int:
    from kiosk.command_sessions import sessions

    return sessions(arguments)


def _self_test(arguments: argparse.Namespace) -> int:
    from kiosk.command_checks import self_test

    return self_test(arguments)


def _probe(arguments: argparse.Namespace) -> int:
    from kiosk.command_checks import probe

    return probe(arguments)


def _voice_process(arguments: argparse.Namespace) -> int:
    from kiosk.persona.espeak_process import main as serve

    return serve()


def _ears_process(arguments: argparse.Namespace) -> int:
    from kiosk.persona.ears_process import main as serve

    return serve(["--model", str(arguments.model)] if arguments.model else [])


def _config_check(arguments: argparse.Namespace) -> int:
    from kiosk.command_config import check

    return check(arguments)


def _config_show(arguments: argparse.Namespace) -> int:
    from kiosk.command_config import show

    return show(arguments)


def _config_path(arguments: argparse.Namespace) -> int:
    from kiosk.command_config import path

    return path(arguments)


def _join_as_persona(arguments: argparse.Namespace) -> int:
    from kiosk.command_persona import join

    return join(arguments)


def _set_secret(arguments: argparse.Namespace) -> int:
    from kiosk.command_secret import set_secret

    return set_secret(arguments)


def _list_secrets(arguments: argparse.Namespace) -> int:
    from kiosk.command_secret import list_secrets

    return list_secrets(arguments)


def _delete_secret(arguments: argparse.Namespace) -> int:
    from kiosk.command_secret import delete_secret

    return delete_secret(arguments)
