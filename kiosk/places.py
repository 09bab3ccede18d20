"""Where the kiosk keeps its files on this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import platformdirs

APP = "kiosk"
CONFIG_NAME = "kiosk.toml"


def system_config_file(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The settings of the whole machine, written by its administrator."""
    if platform == "win32":
        return Path(environ.get("PROGRAMDATA") or r"C:\ProgramData") / APP / CONFIG_NAME
    if platform == "darwin":
        return Path("/Library/Application Support") / APP / CONFIG_NAME
    return Path("/etc") / APP / CONFIG_NAME


def user_config_file() -> Path:
    return platformdirs.user_config_path(APP, appauthor=False) / CONFIG_NAME


def data_dir() -> Path:
    """Holds the ledger and what else must outlive the process."""
    return platformdirs.user_data_path(APP, appauthor=False)


def log_file() -> Path:
    return platformdirs.user_log_path(APP, appauthor=False) / "kiosk.log"


def ledger_file() -> Path:
    """Which vendor sessions may still be open."""
    return data_dir() / "ledger.json"


def usage_file() -> Path:
    """What vendor sessions have cost, by day."""
    return data_dir() / "usage.json"
