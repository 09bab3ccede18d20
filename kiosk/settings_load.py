"""Reads the settings from all their layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiosk import places
from kiosk.providers.registry import ProviderEntry
from kiosk.settings import Settings
from kiosk.settings_check import check
from kiosk.settings_layers import Layer, Origin, command_line_layer, environment_layer, file_layer, merge
from kiosk.toml_text import KeyPath


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """`user_required`: the operator named this file, so it must exist."""

    system: Path
    user: Path
    user_required: bool = False


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """`origins` tells where each key that is not a default was set."""

    settings: Settings
    origins: Mapping[KeyPath, Origin]


def config_files(environ: Mapping[str, str], config: Path | None = None) -> ConfigFiles:
    """The files of this machine and user; `config` (option --config) stands in for the user's file."""
    return ConfigFiles(
        places.system_config_file(environ), places.user_config_file() if config is None else config, config is not None
    )


def load_settings(
    files: ConfigFiles,
    entries: Mapping[str, ProviderEntry],
    environ: Mapping[str, str],
    command_line: Mapping[KeyPath, object] | None = None,
    *,
    every_provider: bool = False,
) -> LoadedSettings:
    """Raises `SettingsError`, which holds every problem found, and nothing else.

    The tables of providers that are neither selected nor the fallback are checked only with `every_provider`.
    """
    layer = merged_layers(files, entries, environ, command_line or {})
    return LoadedSettings(check(layer, entries, every_provider=every_provider), layer.origins)


def merged_layers(
    files: ConfigFiles,
    entries: Mapping[str, ProviderEntry],
    environ: Mapping[str, str],
    command_line: Mapping[KeyPath, object],
) -> Layer:
    return merge(
        [
            file_layer(files.system, required=False),
            file_layer(files.user, required=files.user_required),
            environment_layer(environ, lambda spelled: _provider_name(spelled, entries)),
            command_line_layer(command_line),
        ]
    )


def _provider_name(spelled: str, entries: Mapping[str, ProviderEntry]) -> str:
    """The provider that a variable of the environment means; it cannot spell a `-`."""
    usual = spelled.replace("_", "-")
    if usual in entries:
        return usual
    return next((name for name in entries if name.replace("-", "_") == spelled), spelled)
