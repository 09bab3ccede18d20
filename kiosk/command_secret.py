"""`kiosk secret set|list|delete NAME`"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence

from kiosk.command_output import complain, say
from kiosk.exit_codes import ExitCode
from kiosk.keyring_vault import KeyringVault
from kiosk.providers.registry import load_providers
from kiosk.secrets import LONGEST_SECRET, SecretError, SecretStore, known_secrets, secret_folders


def secret_store(names: Sequence[str] | None = None) -> SecretStore:
    """The secrets of this machine and user: those of `names`, or all that any provider knows."""
    known = known_secrets(load_providers()) if names is None else names
    return SecretStore(known, os.environ, secret_folders(os.environ), KeyringVault())


def set_secret(arguments: argparse.Namespace) -> int:
    store = secret_store()
    try:
        name = store.check_name(arguments.name)
        hidden_by = store.set(name, _ask(name))
    except SecretError as error:
        complain(str(error))
        return ExitCode.FAILED
    say(f"{name} is stored in the keyring.")
    if hidden_by:
        say(f"Another value wins over it: {hidden_by}.")
    return ExitCode.OK


def list_secrets(arguments: argparse.Namespace) -> int:
    try:
        holdings = secret_store().holdings()
    except SecretError as error:
        complain(str(error))
        return ExitCode.FAILED
    width = max(len(holding.name) for holding in holdings)
    for holding in holdings:
        hides = f" (hides: {', '.join(holding.overrides)})" if holding.overrides else ""
        say(f"{holding.name:<{width}}  {holding.place or '-'}{hides}")
    return ExitCode.OK


def delete_secret(arguments: argparse.Namespace) -> int:
    try:
        secret_store().delete(arguments.name)
    except SecretError as error:
        complain(str(error))
        return ExitCode.FAILED
    say(f"{arguments.name} is no longer in the keyring.")
    return ExitCode.OK


def _ask(name: str) -> str:
    """From a hidden prompt, or from the standard input. Never from an argument: every user can read those."""
    if sys.stdin is None:
        raise SecretError(f"{name}: nothing to read the value from; run this in a terminal")
    if sys.stdin.isatty():
        try:
            return getpass.getpass(f"{name}: ")
        except EOFError:
            return ""
    try:
        return sys.stdin.read(LONGEST_SECRET + 1)
    except UnicodeDecodeError:
        raise SecretError(f"{name}: the value is no text in UTF-8; nothing was stored") from None
