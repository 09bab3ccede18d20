"""`kiosk config check|show|path`"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from kiosk import places
from kiosk.command_output import complain, say
from kiosk.exit_codes import ExitCode
from kiosk.providers.registry import load_providers
from kiosk.settings_check import provider_settings
from kiosk.settings_error import SettingsError
from kiosk.settings_load import config_files, load_settings
from kiosk.toml_text import KeyPath, write_toml


def command_line_settings(arguments: argparse.Namespace) -> dict[KeyPath, object]:
    """The settings that options stand for; the options of a command that has fewer are missing."""
    found = {
        ("session", "provider"): getattr(arguments, "provider", None),
        ("log", "level"): getattr(arguments, "log_level", None),
        ("log", "json"): True if getattr(arguments, "log_json", False) else None,
    }
    return {path: value for path, value in found.items() if value is not None}


def check(arguments: argparse.Namespace) -> int:
    """All problems of all tables, also of providers that are not selected."""
    entries = load_providers()
    try:
        loaded = load_settings(config_files(os.environ, arguments.config), entries, os.environ, every_provider=True)
    except SettingsError as error:
        for problem in error.problems:
            complain(str(problem))
        return ExitCode.MISCONFIGURED
    sources = dict.fromkeys(origin.source for origin in loaded.origins.values())
    say(f"The settings are valid. They come from: {', '.join(sources) or 'the defaults alone'}")
    if loaded.settings.session.provider not in entries:
        say(no_provider_line(list(entries)))
    return ExitCode.OK


def show(arguments: argparse.Namespace) -> int:
    """The settings in force, as TOML, each with its place. Secrets are no settings, so there is none in it."""
    entries = load_providers()
    try:
        loaded = load_settings(config_files(os.environ, arguments.config), entries, os.environ)
    except SettingsError as error:
        complain(error.operator_line)
        return ExitCode.MISCONFIGURED
    settings = loaded.settings
    tables: dict[str, Any] = settings.model_dump(by_alias=True)
    if entry := entries.get(settings.session.provider):
        own = provider_settings(settings, entry).model_dump(by_alias=True)
        tables["providers"] = {**tables["providers"], entry.name: own}
    say(write_toml(tables, {path: str(origin) for path, origin in loaded.origins.items()}))
    return ExitCode.OK


def path(arguments: argparse.Namespace) -> int:
    """Where settings are looked for, in the order in which they win, and where data and log go."""
    files = config_files(os.environ, arguments.config)
    rows = [
        ("system settings", _state(files.system)),
        ("user settings", _state(files.user)),
        ("data", str(places.data_dir())),
        ("log", str(places.log_file())),
    ]
    say("\n".join(f"{name:<16} {where}" for name, where in rows))
    return ExitCode.OK


def no_provider_line(available: list[str]) -> str:
    return (
        "the kiosk's own persona is not built into this version; set [session] provider to one of: "
        f"{', '.join(available)} (see kiosk config path)"
    )


def _state(file: Path) -> str:
    try:
        return f"{file}{'' if file.exists() else ' (does not exist)'}"
    except OSError:
        return f"{file} (cannot be read)"
