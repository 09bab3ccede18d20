"""The providers of this kiosk: each is made when it is first asked for, and closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kiosk.providers.contract import Misconfigured, Provider
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.settings import LOCAL, Settings
from kiosk.settings_check import provider_settings
from kiosk.settings_error import SettingsError

Guard = Callable[[Provider], Provider]


def unguarded(provider: Provider) -> Provider:
    return provider


def choosable(settings: Settings, entries: Mapping[str, ProviderEntry]) -> tuple[str, ...]:
    """Who can be chosen while the kiosk runs: who is named in the settings, has a table there, or needs none."""
    named = {settings.session.provider, settings.session.fallback, LOCAL, *settings.providers}
    return tuple(sorted(name for name in named if name in entries))


class ProviderChoice:
    """Implements the session's `Providers`. `guard` wraps each provider when it is made."""

    def __init__(
        self,
        settings: Settings,
        entries: Mapping[str, ProviderEntry],
        context: ProviderContext,
        guard: Guard = unguarded,
    ) -> None:
        self._settings = settings
        self._entries = entries
        self._context = context
        self._guard = guard
        self._made: dict[str, Provider] = {}
        self.names = choosable(settings, entries)

    def get(self, name: str) -> Provider:
        """Raises `Misconfigured`."""
        if name not in self.names:
            raise Misconfigured(
                f"provider {name} is not set up here; known: {', '.join(self.names)}; add a table [providers.{name}]"
            )
        if name not in self._made:
            self._made[name] = self._guard(self._create(self._entries[name]))
        return self._made[name]

    async def aclose(self) -> None:
        for provider in self._made.values():
            await provider.aclose()

    def _create(self, entry: ProviderEntry) -> Provider:
        try:
            return entry.create(provider_settings(self._settings, entry), self._context)
        except SettingsError as error:
            raise Misconfigured(error.operator_line) from None
