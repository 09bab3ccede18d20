"""`kiosk doctor`, `kiosk self-test`, and `kiosk probe`, the second process that both of them ask."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import threading
from collections.abc import Mapping

from pydantic import BaseModel

from kiosk import __version__, places
from kiosk.clock import SystemClock
from kiosk.command_config import command_line_settings, no_provider_line
from kiosk.command_output import complain, say
from kiosk.command_secret import secret_store
from kiosk.exit_codes import ExitCode
from kiosk.keyring_vault import KeyringVault
from kiosk.operations.checks import NamedResult, all_passed, as_json, as_table, failed, run_checks
from kiosk.operations.doctor import Subject, doctor_checks
from kiosk.operations.probe import ProcessProbe
from kiosk.operations.self_test import WATCHDOG_S, self_test_checks
from kiosk.providers.contract import Misconfigured, Provider
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom
from kiosk.providers.registry import ProviderContext, ProviderEntry, load_providers
from kiosk.resources import resources_dir
from kiosk.secrets import SecretError
from kiosk.session.ledger import FileLedger
from kiosk.settings import Settings
from kiosk.settings_check import provider_settings
from kiosk.settings_error import SettingsError
from kiosk.settings_load import config_files, load_settings
from kiosk.wanted_secrets import needed_secrets


def doctor(arguments: argparse.Namespace) -> int:
    _hush()
    results = asyncio.run(_doctor(arguments))
    return _tell(results, as_json=arguments.json, versions=_versions())


def self_test(arguments: argparse.Namespace) -> int:
    _hush()
    watchdog = threading.Timer(WATCHDOG_S, _give_up, [arguments.json])
    watchdog.daemon = True
    watchdog.start()
    results = asyncio.run(_self_test(arguments))
    watchdog.cancel()
    return _tell(results, as_json=arguments.json, versions=_versions())


def probe(arguments: argparse.Namespace) -> int:
    from kiosk import checks_wiring

    _hush()
    match arguments.what:
        case "screen":
            found = checks_wiring.probe_screen()
        case "window":
            found = checks_wiring.probe_window(arguments.renderer, arguments.screenshot)
        case "frame":
            found = checks_wiring.probe_frame()
        case _:
            found = checks_wiring.probe_sound(arguments.speaker, arguments.microphone)
    say(json.dumps(found))
    return ExitCode.OK


async def _self_test(arguments: argparse.Namespace) -> list[NamedResult]:
    picture = ["--screenshot", str(arguments.screenshot.absolute())] if arguments.screenshot else []
    checks = self_test_checks(
        window=ProcessProbe(["window", *picture], limit_s=15.0),
        frame=ProcessProbe(["frame"], limit_s=15.0),
        sound=ProcessProbe(["sound"], limit_s=15.0),
        find_resources=resources_dir,
        provider_names=lambda: list(load_providers()),
        data_folder=places.data_dir(),
    )
    return await run_checks(checks, SystemClock())


async def _doctor(arguments: argparse.Namespace) -> list[NamedResult]:
    clock = SystemClock()
    entries = load_providers()
    files = config_files(os.environ, arguments.config)
    error: SettingsError | None = None
    sources: tuple[str, ...] = ()
    try:
        loaded = load_settings(files, entries, os.environ, command_line_settings(arguments))
        settings = loaded.settings
        sources = tuple(dict.fromkeys(origin.source for origin in loaded.origins.values()))
    except SettingsError as caught:
        settings, error = Settings(), caught
    needed = needed_secrets(settings, entries)
    try:
        secrets: Mapping[str, str] = await asyncio.to_thread(secret_store().load, needed)
        secrets_trouble = ""
    except SecretError as caught_secret:
        secrets, secrets_trouble = {}, str(caught_secret)
    http = HttpClient(secrets=secrets.values())
    own_room = OwnRoom(settings.livekit, secrets, http, clock)
    entry = entries.get(settings.session.provider)
    table = provider_settings(settings, entry) if entry and not error else None
    provider, trouble = _build(entry, table, ProviderContext(http, secrets, own_room, clock))
    if entry is None:
        trouble = no_provider_line(list(entries))
    subject = Subject(
        settings=settings,
        settings_error=error,
        settings_sources=sources,
        provider_settings=table,
        provider_trouble=secrets_trouble or trouble,
        ask_provider=provider.check if provider and not secrets_trouble else None,
        ask_own_room=own_room.check,
        open_sessions=FileLedger(places.ledger_file(), clock).entries,
        data_folder=places.data_dir(),
        describe_keyring=KeyringVault().describe,
        missing_secrets=[name for name in needed if name not in secrets],
    )
    screen = ProcessProbe(["screen"], limit_s=12.0)
    sound = ProcessProbe(
        ["sound", f"--speaker={settings.audio.speaker}", f"--microphone={settings.audio.microphone}"], limit_s=12.0
    )
    try:
        checks = doctor_checks(subject, screen=screen, sound=sound, http=http, clock=clock)
        return await run_checks(checks, clock, secrets.values())
    finally:
        if provider is not None:
            await provider.aclose()
        await http.aclose()


def _build(
    entry: ProviderEntry | None, table: BaseModel | None, context: ProviderContext
) -> tuple[Provider | None, str]:
    if entry is None or table is None:
        return None, ""
    try:
        return entry.create(table, context), ""
    except Misconfigured as error:
        return None, error.operator_line


def _tell(results: list[NamedResult], *, as_json: bool, versions: Mapping[str, str]) -> int:
    say(_json(results, versions) if as_json else as_table(results))
    return ExitCode.OK if all_passed(results) else ExitCode.FAILED


def _json(results: list[NamedResult], versions: Mapping[str, str]) -> str:
    return as_json(results, versions=dict(versions))


def _versions() -> dict[str, str]:
    return {"kiosk": __version__, "python": platform.python_version(), "platform": platform.platform()}


def _hush() -> None:
    """The answers are the table; what libraries log beside it would only confuse."""
    logging.getLogger().addHandler(logging.NullHandler())


def _give_up(as_json: bool) -> None:
    """Native code hangs: nothing but ending the process helps, and whoever waits must still get an answer."""
    result = failed(f"the self-test did not end within {WATCHDOG_S:g} s", "kiosk doctor names the driver that hangs")
    results = [NamedResult("watchdog", result, WATCHDOG_S)]
    say(_json(results, _versions()) if as_json else as_table(results))
    complain(result.line)
    os._exit(ExitCode.FAILED)
