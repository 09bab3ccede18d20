"""The keyring of the operating system, behind one small door.

The library is loaded late (its back-ends talk to D-Bus) and every call is bounded: after an automatic log-in a locked
keyring asks for its password on the screen and waits for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from kiosk.bounded_thread import call_bounded
from kiosk.redact import one_line, redact

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "avatar-kiosk"
LIMIT_S = 8.0
BACKEND_VARIABLE = "PYTHON_KEYRING_BACKEND"
SWITCHED_OFF = "keyring.backends.null.Keyring"  # how the library's manual says to do without a keyring


class VaultError(Exception):
    """The keyring cannot be used; the text is one line for the operator, with the remedy."""


def system_backend() -> KeyringBackend:
    """What the keyring library chose for this machine. Raises `NoKeyring` where the keyring is switched off."""
    if os.environ.get(BACKEND_VARIABLE) == SWITCHED_OFF:  # the library alone takes a tenth of a second to load
        raise _none_safe(SWITCHED_OFF.rpartition(".")[0])
    import keyring

    return keyring.get_keyring()


class NoKeyring(VaultError):
    """There is none on this machine, so it cannot hold anything either."""


class KeyringVault:
    """Every call may raise `VaultError`."""

    def __init__(self, find_backend: Callable[[], KeyringBackend] = system_backend, limit_s: float = LIMIT_S):
        self._find_backend = find_backend
        self._limit_s = limit_s

    def describe(self) -> str:
        """The back-end's name."""
        return self._bounded(lambda backend: backend.name)

    def get(self, names: Iterable[str]) -> dict[str, str]:
        """Those of `names` that the keyring holds."""
        wanted = tuple(names)

        def read(backend: KeyringBackend) -> dict[str, str]:
            return {name: value for name in wanted if (value := backend.get_password(SERVICE, name))}

        return self._bounded(read)

    def set(self, name: str, value: str) -> None:
        self._bounded(lambda backend: backend.set_password(SERVICE, name, value))

    def delete(self, name: str) -> bool:
        """False where the keyring did not hold it."""

        def remove(backend: KeyringBackend) -> bool:
            if backend.get_password(SERVICE, name) is None:
                return False
            backend.delete_password(SERVICE, name)
            return True

        return self._bounded(remove)

    def _bounded[T](self, use: Callable[[KeyringBackend], T]) -> T:
        try:
            return call_bounded(lambda: use(_safe(self._find_backend())), self._limit_s, "keyring")
        except VaultError:
            raise
        except TimeoutError:
            raise VaultError(
                f"the keyring did not answer within {self._limit_s:g} s; unlock it, or keep secrets in a folder"
                " (KIOSK_SECRETS_DIR)"
            ) from None
        except Exception as error:  # noqa: BLE001  (a back-end raises whatever its platform raises)
            said = one_line(redact(f"{type(error).__name__}: {error}"))
            raise VaultError(f"the keyring failed ({said}); unlock it, or keep secrets in a folder") from None


def _safe(backend: KeyringBackend) -> KeyringBackend:
    """The back-end, or the first of a chain, that keeps secrets; a store in plain text is none."""
    chain = getattr(backend, "backends", None)
    for candidate in chain if isinstance(chain, list | tuple) else [backend]:
        if _keeps_secrets(candidate):
            return candidate
    raise _none_safe(type(backend).__module__)


def _none_safe(found: str) -> NoKeyring:
    return NoKeyring(
        f"no safe keyring on this machine (found: {found.rpartition('.')[2]}); start a keyring service,"
        " or keep secrets in a folder (KIOSK_SECRETS_DIR) or in the environment"
    )


def _keeps_secrets(backend: KeyringBackend) -> bool:
    kind = type(backend)
    known_bad = kind.__module__.startswith(("keyrings.alt", "keyring.backends.null", "keyring.backends.fail"))
    # Below 1 the library itself calls a back-end "not recommended"; plain files say so in their names.
    return not known_bad and "plain" not in kind.__name__.lower() and kind.priority >= 1
