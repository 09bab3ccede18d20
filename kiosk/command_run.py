"""`kiosk run`: settings, secrets and log, then the kiosk itself."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys

from kiosk.bounded_thread import in_thread
from kiosk.command_config import command_line_settings, no_provider_line
from kiosk.command_output import complain
from kiosk.command_secret import secret_store
from kiosk.exit_codes import ExitCode
from kiosk.log import LogSetup, log_uncaught
from kiosk.notice_rule import error_output, shows_window
from kiosk.options import RunOptions
from kiosk.preload import Preload, preloaded
from kiosk.providers.contract import Misconfigured
from kiosk.providers.registry import load_providers
from kiosk.redact import redact
from kiosk.secrets import OPERATOR_PIN, SecretError
from kiosk.settings import LOCAL
from kiosk.settings_error import SettingsError, settings_error_text
from kiosk.settings_load import config_files, load_settings
from kiosk.wanted_secrets import keyring_secrets, needed_secrets

_log = logging.getLogger("kiosk.run")


def run(arguments: argparse.Namespace) -> int:
    """The exit status of the run; what the operator must mend is one line on the standard error output."""
    options = RunOptions(
        config=arguments.config,
        provider=arguments.provider,
        windowed=arguments.windowed,
        kiosk=arguments.kiosk,
        auto_start=arguments.auto_start,
        for_s=arguments.for_s,
        report=arguments.report,
    )
    # Nothing of what a start makes is garbage: the collector would look through all of it a dozen times. Later the
    # kiosk says when it looks (kiosk.garbage).
    gc.disable()
    try:
        return _run(arguments, options)
    finally:
        gc.enable()


def _run(arguments: argparse.Namespace, options: RunOptions) -> int:
    entries = load_providers()
    files = config_files(os.environ, options.config)
    try:
        settings = load_settings(files, entries, os.environ, command_line_settings(arguments)).settings
    except SettingsError as error:
        return _refuse(options, options.provider or "", error.operator_line, settings_error_text(error))
    if settings.session.provider not in entries:
        return _refuse(options, settings.session.provider, no_provider_line(list(entries)))
    log = LogSetup(settings.log)
    try:
        needed = needed_secrets(settings, entries)
        store = secret_store((*needed, OPERATOR_PIN))
        secrets = store.load_at_once((*needed, OPERATOR_PIN))
        missing = keyring_secrets(settings, entries, secrets)
        finding = in_thread(lambda: store.load(missing), "secrets") if missing else None
        with Preload(preloaded(settings, entries[settings.session.provider])):
            from kiosk import app  # takes its time, and so may the keyring

            if finding is not None:
                secrets |= finding.result()
            log.plant(secrets.values())
            if settings.session.fallback == LOCAL and LOCAL not in entries:
                _log.info("no fallback: the kiosk's own persona is not built into this version")
            # The first face does not wait for the keyring.
            return app.run(settings, secrets, options, lambda: store.load((OPERATOR_PIN,)).get(OPERATOR_PIN, ""))
    except (Misconfigured, SettingsError) as error:
        return _refuse(options, settings.session.provider, error.operator_line)
    except SecretError as error:
        return _refuse(options, settings.session.provider, str(error))
    except Exception as error:  # noqa: BLE001  (the log gets the traceback, the screen one line)
        log_uncaught(type(error), error, error.__traceback__)
        return ExitCode.BROKEN
    finally:
        log.close()


def _refuse(options: RunOptions, provider: str, line: str, text: str = "") -> int:
    """`text`: the same at greater length, for a window."""
    complain(line)
    if options.report:
        from kiosk.report import ReportedError, RunReport, write_report

        report = RunReport(provider, errors=(ReportedError("misconfigured", line),), exit=ExitCode.MISCONFIGURED)
        try:
            write_report(options.report, report)
        except OSError as error:
            complain(f"the report cannot be written to {options.report} ({error.strerror})")
    attended = not (options.auto_start or options.kiosk or options.for_s or options.report)
    if shows_window(os.environ, sys.platform, error_output(sys.stderr), attended=attended):
        from kiosk import app

        app.show_notice(redact(text or line))
    return ExitCode.MISCONFIGURED
