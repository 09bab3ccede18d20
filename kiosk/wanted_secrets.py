"""Which secrets a kiosk with these settings can use, and for which of them the keyring is worth the wait."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from kiosk.provider_choice import choosable
from kiosk.providers.local import CALL_TOKEN, SPEECH_KEY
from kiosk.providers.own_room import ROOM_SECRETS
from kiosk.providers.registry import ProviderEntry
from kiosk.settings import LOCAL, Settings
from kiosk.settings_check import provider_settings
from kiosk.settings_error import SettingsError


def needed_secrets(settings: Settings, entries: Mapping[str, ProviderEntry]) -> tuple[str, ...]:
    """The names that can be of use with these settings: to the providers between which the operator may switch, and to
    the own room."""
    chosen = choosable(settings, entries)
    names = {name: None for one in chosen for name in entries[one].secrets}
    if set(chosen) != {LOCAL}:
        names |= dict.fromkeys(ROOM_SECRETS)
    return tuple(_of_use(settings, names))


def keyring_secrets(settings: Settings, entries: Mapping[str, ProviderEntry], found: Container[str]) -> tuple[str, ...]:
    """Those that the keyring is to be asked for, once `found` came from elsewhere.

    A keyring takes a quarter of a second to load, more where it is locked. A provider that has a way in already needs
    no second one.
    """
    names: dict[str, None] = {}
    for one in choosable(settings, entries):
        ways = [tuple(_of_use(settings, way)) for way in _ways_in(settings, entries[one])]
        if not any(all(name in found for name in way) for way in ways):
            names |= dict.fromkeys(name for way in ways for name in way if name not in found)
    return tuple(names)


def _ways_in(settings: Settings, entry: ProviderEntry) -> tuple[tuple[str, ...], ...]:
    if entry.ways_in is None:
        return (entry.secrets,)
    try:
        return entry.ways_in(provider_settings(settings, entry), settings.livekit)
    except SettingsError:  # whoever makes the provider tells it
        return (entry.secrets,)


def _of_use(settings: Settings, names: Iterable[str]) -> Iterable[str]:
    idle = {CALL_TOKEN: not settings.call.url, SPEECH_KEY: settings.speech is None}
    return (name for name in names if not idle.get(name))
