"""Who can be asked for an avatar, and what each of them can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from kiosk.providers.contract import Capabilities, Provider


@dataclass(frozen=True, slots=True)
class Source:
    """Where a session comes from: the provider's name, as in `session.provider`, and what that provider can do."""

    provider: str = ""
    offers: Capabilities = field(default_factory=Capabilities)


class Providers(Protocol):
    """The providers of this kiosk by name."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that may be asked for, set up or not."""
        ...

    def get(self, name: str) -> Provider:
        """The same object at every call. Returns at once; raises `Misconfigured` for one that is not set up."""
        ...


def source_of(provider: Provider) -> Source:
    return Source(provider.name, provider.capabilities)
