"""Microphone and loudspeaker as the session sees them."""

from __future__ import annotations

from typing import Protocol

from kiosk.media.device_state import DeviceState

__all__ = ["DeviceState", "Devices"]


class Devices(Protocol):
    """Both calls are bounded in time. The controller never calls one while another is under way."""

    async def open(self) -> DeviceState:
        """Opens what is there. A device that is missing is a state, not an error."""
        ...

    async def close(self) -> None:
        """Idempotent."""
        ...
