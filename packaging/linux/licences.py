"""Gathers the licence texts of everything that the bundle carries."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

from elf import native_files
from host_packages import library_paths, package_of

# Packages that carry neither text nor name of their licence -> its text on Debian and Ubuntu.
_COMMON = {"espeakng-loader": Path("/usr/share/common-licenses/GPL-3")}
_LICENCE = re.compile(r"(^|/)(licen[cs]e|copying|notice|authors)[^/]*$|\.dist-info/licenses/", re.IGNORECASE)


def locked_names(lock: Path) -> list[str]:
    """The packages of a lock file that apply to this system."""
    found = re.findall(r"^([a-z0-9][a-z0-9._-]*)==\S+( ; .*?)? \\$", lock.read_text(), re.MULTILINE)
    return [name for name, marker in found if "win32" not in marker and "darwin" not in marker]


def gather(bundle: Path, lock: Path, target: Path) -> list[str]:
    """Copies the texts to `target`, one folder each; returns the names for which no text was found."""
    without = []
    for name in locked_names(lock):
        if not _copy_python(name, target / name):
            without.append(name)
    python = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    if python.exists():
        (target / "python").mkdir(parents=True)
        shutil.copy(python, target / "python" / "LICENSE.txt")
    elif not _copy_debian(Path(sys.executable).resolve(), target):
        without.append("python")
    # Libraries of the build host that PyInstaller took along because something in the bundle needs them.
    paths = library_paths()
    for path in native_files(bundle):
        if path.name in paths and path.parent.name == "_internal" and not _copy_debian(paths[path.name], target):
            without.append(path.name)
    return without


def _copy_python(name: str, folder: Path) -> bool:
    metadata = distribution(name)
    texts = [file for file in metadata.files or [] if _LICENCE.search(str(file))]
    folder.mkdir(parents=True)
    for text in texts:
        source = Path(str(text.locate()))
        if source.is_file():
            shutil.copy(source, folder / "-".join(text.parts[1:]))
    expression = metadata.metadata.get("License-Expression") or metadata.metadata.get("License") or ""
    if name in _COMMON and _COMMON[name].is_file():
        shutil.copy(_COMMON[name], folder / "LICENSE")
    if not any(folder.iterdir()) and expression:
        # Qt for Python names its licences but ships no text.
        (folder / "LICENSE").write_text(
            f"{name} {metadata.version}: {expression}\nTexts on Debian and Ubuntu: /usr/share/common-licenses/\n"
        )
    return any(folder.iterdir())


def _copy_debian(file: Path, target: Path) -> bool:
    package = package_of(file)
    text = Path("/usr/share/doc") / (package or "none") / "copyright"
    if not text.is_file():
        return False
    (target / text.parent.name).mkdir(parents=True, exist_ok=True)
    shutil.copy(text, target / text.parent.name / "copyright")
    return True
