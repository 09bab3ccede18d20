"""Secrets by name: from the environment, from files in a folder, from the keyring of the operating system.

The first place that holds a name wins. Values are handed out to the program only; nothing here prints or logs one.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kiosk.keyring_vault import KeyringVault, NoKeyring, VaultError
from kiosk.providers.own_room import ROOM_SECRETS
from kiosk.providers.registry import ProviderEntry

_log = logging.getLogger("kiosk.secrets")

FOLDER_VARIABLE = "KIOSK_SECRETS_DIR"
SYSTEMD_VARIABLE = "CREDENTIALS_DIRECTORY"
LONGEST_SECRET = 16_384  # bytes
OPERATOR_PIN = "KIOSK_OPERATOR_PIN"
"""Opens the operator's screen; without it the keys alone do."""


class SecretError(Exception):
    """One line for the operator, with the remedy; never a value."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Where a secret was found. `place` is empty where it is not set; `overrides` are places that it hides."""

    name: str
    place: str
    overrides: tuple[str, ...] = ()


def known_secrets(entries: Mapping[str, ProviderEntry]) -> tuple[str, ...]:
    """Every name that some provider, the own room or the operator's screen can use."""
    return tuple(sorted({name for entry in entries.values() for name in entry.secrets} | {*ROOM_SECRETS, OPERATOR_PIN}))


def secret_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders that the environment names: one file for each secret, called like it."""
    return tuple(Path(environ[name]) for name in (FOLDER_VARIABLE, SYSTEMD_VARIABLE) if environ.get(name))


class SecretStore:
    """`known` are the names that exist; asking for another raises `SecretError` with the nearest one."""

    def __init__(self, known: Sequence[str], environ: Mapping[str, str], folders: Sequence[Path], vault: KeyringVault):
        self._known = tuple(known)
        self._environ = environ
        self._folders = tuple(folders)
        self._vault = vault

    def load(self, names: Iterable[str]) -> dict[str, str]:
        """Those of `names` that are set. A keyring that cannot be used counts as empty, with a line in the log.

        Raises `SecretError` for a file that is there and cannot be used.
        """
        wanted = [self.check_name(name) for name in names]
        found = self.load_at_once(wanted)
        missing = [name for name in wanted if name not in found]
        if missing:
            try:
                found |= self._vault.get(missing)
            except NoKeyring as error:
                _log.info("%s", error)
            except VaultError as error:
                _log.warning("%s", error)
        return found

    def load_at_once(self, names: Iterable[str]) -> dict[str, str]:
        """Those of `names` that stand in the environment or in a file; the keyring, which takes its time, is not asked.

        Raises `SecretError` for a file that is there and cannot be used.
        """
        return {name: value for name in names if (value := self._outside_keyring(name))}

    def holdings(self) -> list[Holding]:
        """Where each known secret is. Raises `SecretError`."""
        try:
            in_keyring = set(self._vault.get(self._known))
        except VaultError:
            in_keyring = set()
        found = []
        for name in self._known:
            places = ["environment"] if self._environ.get(name) else []
            places += [str(folder / name) for folder in self._folders if _read(folder / name)]
            places += ["keyring"] if name in in_keyring else []
            found.append(Holding(name, places[0] if places else "", tuple(places[1:])))
        return found

    def keyring_line(self) -> str:
        """The keyring's name. Raises `VaultError`."""
        return self._vault.describe()

    def set(self, name: str, value: str) -> str:
        """Puts `value` into the keyring; returns the place that hides it, or an empty text. Raises `SecretError`."""
        self.check_name(name)
        value = value.strip()
        if not value:
            raise SecretError(f"{name}: the value is empty; nothing was stored")
        if len(value.encode("utf-8", "replace")) > LONGEST_SECRET or not value.isprintable():
            raise SecretError(f"{name}: the value is no single line of text; nothing was stored")
        try:
            self._vault.set(name, value)
        except VaultError as error:
            raise SecretError(f"{name} was not stored: {error}") from None
        if self._environ.get(name):
            return "environment"
        return next((str(folder / name) for folder in self._folders if _read(folder / name)), "")

    def delete(self, name: str) -> None:
        """Takes it out of the keyring. Raises `SecretError` where it is not there."""
        self.check_name(name)
        try:
            deleted = self._vault.delete(name)
        except VaultError as error:
            raise SecretError(f"{name} was not deleted: {error}") from None
        if not deleted:
            raise SecretError(f"{name} is not in the keyring; see where it is: kiosk secret list")

    def check_name(self, name: str) -> str:
        """`name` if it is known. Raises `SecretError`."""
        if name in self._known:
            return name
        near = difflib.get_close_matches(name.upper(), self._known, n=1, cutoff=0.7)
        # The name is not repeated: a person may have typed the value in its place.
        guess = f"did you mean {near[0]}? " if near else ""
        raise SecretError(f"no secret of this name; {guess}Known: {', '.join(self._known)}")

    def _outside_keyring(self, name: str) -> str:
        if value := self._environ.get(name, "").strip():
            return value
        return next((value for folder in self._folders if (value := _read(folder / name))), "")


def _read(path: Path) -> str:
    """The secret in a file, or an empty text where there is no such file. Raises `SecretError`."""
    try:
        if not path.exists():
            return ""
        if not path.is_file() or path.stat().st_size > LONGEST_SECRET:
            raise SecretError(f"{path} is no file with one secret; write the value alone into it")
        return path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}); check its rights") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} is no text in UTF-8; write the value alone into it") from None
