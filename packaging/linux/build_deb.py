"""Makes the Debian package from the frozen folder: `build_deb.py FOLDER OUTPUT-FOLDER`.

Its `Depends` are read off the native files, never guessed: a library that comes from no known package fails the build.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from elf import needs_of
from host_packages import UnknownLibraryError, depends_for
from licences import gather

import kiosk

ROOT = Path(__file__).resolve().parents[2]
NAME = "avatar-kiosk"
# Opened by name at run time, so no file's header mentions them: PortAudio, and ALSA's way to the sound server.
OPENED_BY_NAME = ["libportaudio2", "libasound2-plugins"]
# A machine without a graphics driver paints with Mesa's software rasteriser.
RECOMMENDS = ["libgl1-mesa-dri", "libegl-mesa0", "libglx-mesa0", "pulseaudio | pipewire-pulse"]

CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: Avatar Kiosk contributors <noreply@localhost>
Installed-Size: {size_kib}
Depends: {depends}
Recommends: {recommends}
Section: video
Priority: optional
Description: desktop kiosk that shows a talking avatar
 A visitor walks up to a screen, a face greets them, they talk and it answers.
 Full screen, native, without a browser. Face, voice and wits come from a vendor
 over a real-time room.
"""


def stage(bundle: Path, tree: Path) -> None:
    """Lays out the files as they will stand on the machine."""
    program = tree / "opt" / NAME
    shutil.copytree(bundle, program, symlinks=True)
    command = tree / "usr" / "bin" / "kiosk"
    command.parent.mkdir(parents=True)
    command.symlink_to(f"../../opt/{NAME}/kiosk")

    applications = tree / "usr" / "share" / "applications"
    applications.mkdir(parents=True)
    shutil.copy(ROOT / "packaging" / "linux" / f"{NAME}.desktop", applications)
    for drawing, size in (("kiosk.svg", "scalable"), ("kiosk.png", "256x256")):
        icon = tree / "usr" / "share" / "icons" / "hicolor" / size / "apps" / f"{NAME}{Path(drawing).suffix}"
        icon.parent.mkdir(parents=True)
        shutil.copy(ROOT / "resources" / "icons" / drawing, icon)

    documents = tree / "usr" / "share" / "doc" / NAME
    documents.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", documents / "copyright")
    without = gather(bundle, ROOT / "packaging" / "requirements.lock", program / "licences")
    if without:
        raise SystemExit(f"package: no licence text found for {', '.join(without)}")


def normalise_modes(tree: Path) -> int:
    """Sets the usual modes, whatever the builder's umask; returns the size in KiB."""
    size = 0
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
        size += path.stat().st_size if path.is_file() else 4096
    return size // 1024


def main() -> int:
    """Exit 1 with one line where a library or a licence is unaccounted for."""
    bundle, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    needs = needs_of(bundle)
    floor = ".".join(map(str, needs.glibc))
    print(f"package: needs glibc {floor} or newer (because of {needs.glibc_from.relative_to(bundle)})")
    try:
        depends = depends_for(needs.libraries)
    except UnknownLibraryError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    depends = [f"libc6 (>= {floor})", *(entry for entry in depends if entry != "libc6"), *OPENED_BY_NAME]

    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    package = output / f"{NAME}_{kiosk.__version__}_{architecture}.deb"
    with tempfile.TemporaryDirectory(dir=output) as folder:
        tree = Path(folder) / NAME
        stage(bundle, tree)
        control = tree / "DEBIAN" / "control"
        size = normalise_modes(tree)
        control.parent.mkdir(mode=0o755)
        control.write_text(
            CONTROL.format(
                name=NAME,
                version=kiosk.__version__,
                architecture=architecture,
                size_kib=size,
                depends=", ".join(dict.fromkeys(depends)),
                recommends=", ".join(RECOMMENDS),
            )
        )
        subprocess.run(["dpkg-deb", "-Zxz", "--root-owner-group", "--build", tree, package], check=True)
    print(f"package: {size // 1024} MiB in {bundle.name}/, {package.stat().st_size >> 20} MiB in {package.name}")
    print(f"package: Depends: {', '.join(depends)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
