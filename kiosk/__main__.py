from __future__ import annotations

from typing import NoReturn

from kiosk.cli import main
from kiosk.leaving import leave


def start() -> NoReturn:
    """What the command `kiosk` and the packaged program call."""
    leave(main())


if __name__ == "__main__":
    start()
