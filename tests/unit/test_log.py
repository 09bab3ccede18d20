"""The log: what a person, a machine and a file get, and what none of them gets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.log import LogSetup, log_loop_exception
from kiosk.settings import LogSettings

SECRET = "pl4nted-s3cret"
SAID = "where is my parcel"


class Output:
    """A log with a stream to look into and a file."""

    def __init__(self, folder: Path):
        self.file = folder / "logs" / "kiosk.log"
        self.stream = io.StringIO()
        self._setup: LogSetup | None = None

    def start(self, *, as_json: bool = False, level: str = "info", file: str | None = None) -> None:
        settings = LogSettings.model_validate({"level": level, "json": as_json, "file": file or str(self.file)})
        self._setup = LogSetup(settings, [SECRET], stream=self.stream)

    def stop(self) -> None:
        if self._setup:
            self._setup.close()
            self._setup.close()

    @property
    def screen(self) -> str:
        return self.stream.getvalue()

    @property
    def both(self) -> str:
        return self.screen + self.file.read_text()


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Output]:
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.getLogger().level)
    out = Output(tmp_path)
    yield out
    out.stop()
    assert hooks == (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.getLogger().level)


def fail(secret: str) -> None:
    raise RuntimeError(f"refused: {secret}")


def test_a_line_for_people(output: Output) -> None:
    output.start()
    logging.getLogger("kiosk.session").info("visit started")
    logging.getLogger("kiosk.session").debug("not this")
    assert output.screen.count("\n") == 1
    assert output.screen.endswith("INFO    kiosk.session  visit started\n")
    assert "visit started" in output.file.read_text()


def test_a_line_for_machines_keeps_fields_but_nothing_personal(output: Output) -> None:
    output.start(as_json=True)
    logging.getLogger("kiosk.session").info("entered %s", "live", extra={"state": "live", "text_pii": SAID, "n": 3})
    record = json.loads(output.screen)
    assert record["level"] == "info"
    assert record["logger"] == "kiosk.session"
    assert record["message"] == "entered live"
    assert (record["state"], record["n"]) == ("live", 3)
    assert SAID not in output.both


@pytest.mark.parametrize("as_json", [False, True])
def test_secrets_do_not_get_through(output: Output, expected_log: Callable[[str], None], as_json: bool) -> None:
    expected_log("asked with|it broke")
    output.start(as_json=as_json, level="debug")
    log = logging.getLogger("kiosk.acme")
    log.warning("asked with %s", SECRET, extra={"url": f"wss://x/?access_token={SECRET}", "rest": {"key": SECRET}})
    try:
        fail(SECRET)
    except RuntimeError:
        log.exception("it broke")
    assert SECRET not in output.both


def test_the_screen_names_the_cause_and_the_file_the_way_there(
    output: Output, expected_log: Callable[[str], None]
) -> None:
    expected_log("it broke")
    output.start()
    try:
        fail("no such device")
    except RuntimeError:
        logging.getLogger("kiosk.media").exception("it broke")
    assert output.screen.endswith("ERROR   kiosk.media  it broke (RuntimeError: refused: no such device)\n")
    assert "Traceback" not in output.screen
    assert "in fail" in output.file.read_text()


def test_no_traceback_reaches_the_screen_from_any_hook(output: Output, expected_log: Callable[[str], None]) -> None:
    expected_log("failed|callback|ignored|unhandled")
    output.start()
    try:
        fail(SECRET)
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    thread = threading.Thread(target=fail, args=(SECRET,), name="worker")
    thread.start()
    thread.join()

    class Fragile:
        def __del__(self) -> None:
            fail(SECRET)

    Fragile()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(log_loop_exception)
    loop.call_soon(fail, SECRET)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    log_loop_exception(loop, {})
    assert "the program failed (RuntimeError" in output.screen
    assert "thread worker failed (RuntimeError" in output.screen
    assert "ERROR   kiosk.log  exception ignored (RuntimeError" in output.screen
    assert "Exception in callback" in output.screen
    assert "Traceback" not in output.screen
    assert SECRET not in output.both


def test_ctrl_c_is_no_failure(output: Output) -> None:
    output.start()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert output.screen.endswith("INFO    kiosk.log  interrupted\n")


def test_warnings_of_libraries_are_logged(output: Output, expected_log: Callable[[str], None]) -> None:
    expected_log("is old")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        output.start()
        warnings.warn("this call is old", DeprecationWarning, stacklevel=1)
        output.stop()
    assert "py.warnings" in output.screen
    assert output.screen.count("\n") == 1


def test_a_log_file_that_cannot_be_written_does_not_stop_the_kiosk(
    output: Output, tmp_path: Path, expected_log: Callable[[str], None]
) -> None:
    expected_log("no log file")
    (tmp_path / "taken").write_text("")
    output.start(file=str(tmp_path / "taken" / "kiosk.log"))
    logging.getLogger("kiosk.x").info("still here")
    assert "check [log] file" in output.screen
    assert "still here" in output.screen


def test_the_file_can_be_switched_off(output: Output) -> None:
    output.start(file="off")
    logging.getLogger("kiosk.x").info("only the screen")
    assert not output.file.exists()


def test_a_closed_output_harms_nothing(output: Output, capfd: pytest.CaptureFixture[str]) -> None:
    output.start()
    output.stream.close()
    logging.getLogger("kiosk.x").info("nobody reads this")
    output.stream = io.StringIO()
    assert capfd.readouterr().err == ""


def test_a_wrong_format_string_prints_no_traceback(
    output: Output, expected_log: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    output.start()
    record = logging.LogRecord("kiosk.x", logging.INFO, __file__, 1, "%d things", ("two",), None)
    for handler in logging.getLogger().handlers:
        if handler.filters and handler.filter(record):
            handler.handle(record)
    assert "%d things" in output.screen
    assert "Traceback" not in capfd.readouterr().err


def test_lines_are_not_lost_while_a_library_turns_the_standard_error_output_away() -> None:
    program = """
import logging, os
from kiosk.log import LogSetup
from kiosk.settings import LogSettings
setup = LogSetup(LogSettings(file="off"))
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
os.write(2, b"a native library")
logging.getLogger("kiosk").info("the kiosk")
setup.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "the kiosk" in done.stderr
    assert "a native library" not in done.stderr
