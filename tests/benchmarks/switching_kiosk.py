"""`kiosk run` whose operator types: each line on the standard input is the name of the provider that is wanted next."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

from kiosk import app, cli
from kiosk.session.controller import Controller


class TypedSwitches(Controller):
    """The kiosk's controller, with a thread that listens to the operator."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, name="operator", daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._loop.call_soon_threadsafe(self.switch, line.strip())


def main() -> int:
    app.Controller = TypedSwitches  # type: ignore[attr-defined]
    return cli.main(["run", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
