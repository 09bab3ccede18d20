"""The operator's PIN: who may open the operator's screen. No Qt here."""

from __future__ import annotations

import hmac
import re

from kiosk.clock import Clock

TRIES = 5
WAIT_S = 60.0
PIN = re.compile(r"[0-9]{4,12}")


class PinLock:
    """After `TRIES` wrong PINs in a row nothing is believed for `WAIT_S` seconds: a PIN is short."""

    def __init__(self, pin: str | None, clock: Clock) -> None:
        """`pin`: empty for none, None while it is not known yet: until `learn` nothing opens.

        Raises `ValueError` for anything that the keypad of the screen cannot type.
        """
        self._pin = None if pin is None else _checked(pin)
        self._clock = clock
        self._wrong = 0
        self._until = 0.0

    def learn(self, pin: str) -> None:
        """Raises `ValueError`, and stays shut, for anything that the keypad of the screen cannot type."""
        self._pin = _checked(pin)

    @property
    def known(self) -> bool:
        return self._pin is not None

    @property
    def needed(self) -> bool:
        return self._pin != ""

    @property
    def wait_s(self) -> float:
        """How long no PIN is believed; 0 when one may be tried."""
        return max(0.0, self._until - self._clock.monotonic())

    def opens(self, typed: str) -> bool:
        if self._pin is None or self.wait_s > 0.0:
            return False
        # In constant time, though nobody measures it through a touch screen.
        if hmac.compare_digest(typed.encode(), self._pin.encode()):
            self._wrong = 0
            return True
        self._wrong += 1
        if self._wrong >= TRIES:
            self._wrong, self._until = 0, self._clock.monotonic() + WAIT_S
        return False


def _checked(pin: str) -> str:
    if pin and PIN.fullmatch(pin) is None:
        raise ValueError("a PIN is 4 to 12 digits")
    return pin
