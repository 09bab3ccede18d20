"""Runs the built program's self-test, from the frozen folder and from the unpacked .deb, with nothing of the checkout.

Any line that the program writes to stderr fails: a warning that nobody reads is a fault that nobody mends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import kiosk

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.display import Display  # noqa: E402 (needs the line above where the project is not installed)
from tests.sound import SoundServer  # noqa: E402

LIMIT_S = 120.0  # a watchdog, far above what it takes


class PackageError(Exception):
    """The built program does not do what it must."""


def run(program: Path, *arguments: str, environment: dict[str, str]) -> str:
    """What it wrote to stdout. Raises PackageError on a bad exit or a word on stderr."""
    what = " ".join([program.name, *arguments])
    try:
        done = subprocess.run(
            [program, *arguments],
            env=environment,
            cwd=environment["HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(f"{what}: no end after {LIMIT_S:.0f} s") from error
    if done.returncode != 0:
        raise PackageError(f"{what}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    if done.stderr.strip():
        raise PackageError(f"{what}: unexpected words on stderr\n{done.stderr}")
    return done.stdout


def check(program: Path, environment: dict[str, str]) -> None:
    """Version and self-test of one built program. Raises PackageError."""
    version = run(program, "--version", environment=environment)
    if kiosk.__version__ not in version.split():
        raise PackageError(f"--version says {version.strip()!r}, not {kiosk.__version__}")
    answer = run(program, "self-test", "--json", environment=environment)
    try:
        report = json.loads(answer)
    except json.JSONDecodeError as error:
        raise PackageError(f"self-test --json wrote no JSON: {error}\n{answer}") from error
    print(json.dumps(report, indent=2))


def main() -> int:
    """Exit 1 with the first fault."""
    packages = sorted((ROOT / ".build").glob(f"avatar-kiosk_{kiosk.__version__}_*.deb"))
    if not packages:
        print("package-test: no .deb in .build; run `make package` first", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="kiosk-package-") as folder, Display() as display, SoundServer() as sound:
        unpacked, home = Path(folder) / "deb", Path(folder) / "home"
        home.mkdir()
        subprocess.run(["dpkg-deb", "-x", packages[-1], unpacked], check=True)
        # Nothing of the checkout: no PYTHONPATH, no .venv on PATH, no settings of the person who runs this.
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", **display.env(), **sound.env()}
        for name, program in (
            ("folder", ROOT / ".build" / "dist" / "kiosk" / "kiosk"),
            (packages[-1].name, unpacked / "usr" / "bin" / "kiosk"),
        ):
            print(f"package-test: {name}", flush=True)
            try:
                check(program, environment)
            except PackageError as fault:
                print(f"package-test: {fault}", file=sys.stderr)
                return 1
    print("package-test: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
