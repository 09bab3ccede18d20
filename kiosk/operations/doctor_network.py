"""What a visit needs of the network: names, TLS, the right time, and credentials that are accepted."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import BaseModel

from kiosk.bounded_thread import await_bounded
from kiosk.clock import Clock
from kiosk.operations.checks import CheckResult, failed, from_operator_line, ok, skipped, warning
from kiosk.providers.contract import ProviderError
from kiosk.providers.http import HttpAnswer, HttpClient, host_of

MOST_CLOCK_ERROR_S = 60.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ASKABLE = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def addresses(settings: BaseModel) -> Iterator[str]:
    """Every URL among the texts of a settings table, in the order of its fields."""
    yield from _urls(settings.model_dump())


def _urls(values: Mapping[str, Any]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, Mapping):
            yield from _urls(value)
        elif isinstance(value, str) and (parts := _split(value)) and parts.hostname:
            yield value


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in _ASKABLE else None


def _web_address(url: str) -> str:
    """The same place as a web page: a signalling server answers there as well."""
    parts = urlsplit(url)
    return urlunsplit((_ASKABLE[parts.scheme], parts.netloc.rpartition("@")[2], parts.path or "/", "", ""))


class NameCheck:
    """DNS."""

    limit_s = 8.0

    def __init__(self, url: str):
        parts = urlsplit(url)
        self.name = f"name {parts.hostname}"
        self._host = parts.hostname or ""
        self._scheme = _ASKABLE[parts.scheme]

    async def run(self) -> CheckResult:
        if getproxies().get(self._scheme) and not proxy_bypass(self._host):
            return skipped("the proxy of this machine looks names up")
        try:
            found = await await_bounded(
                lambda: socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM), self.limit_s - 1, "dns"
            )
        except TimeoutError:
            return failed("the name server does not answer", "check the network cable or Wi-Fi, then the DNS settings")
        except (OSError, UnicodeError):
            return failed("the name is not found", "check the address in the settings, then network and DNS")
        return ok(f"{len({entry[4][0] for entry in found})} address(es)")


class ReachCheck:
    """Connection, TLS and certificate: any HTTP answer at all proves them."""

    limit_s = 12.0

    def __init__(self, url: str, http: HttpClient, clock: Clock):
        self.name = f"reach {host_of(url)}"
        self._url = url
        self._http = http
        self._clock = clock

    async def run(self) -> CheckResult:
        began = self._clock.monotonic()
        try:
            answer = await _ask(self._http, self._url)
        except ProviderError as error:
            return from_operator_line(error.operator_line)
        took_ms = (self._clock.monotonic() - began) * 1000
        parts = urlsplit(self._url)
        if answer.status == 407:
            return failed("the proxy of this machine wants a log-in", "put it into HTTPS_PROXY, or free this host")
        if _ASKABLE[parts.scheme] == "http":
            if parts.hostname in _LOOPBACK:
                return ok(f"answers in {took_ms:.0f} ms (this machine, without TLS)")
            return warning(f"answers in {took_ms:.0f} ms without TLS", "use https:// or wss:// in the settings")
        return ok(f"certificate valid, answers in {took_ms:.0f} ms")


class ClockCheck:
    """This machine's clock against the Date header of a server that it needs anyway."""

    name = "clock"
    limit_s = 12.0

    def __init__(self, url: str | None, http: HttpClient, clock: Clock):
        self._url = url
        self._http = http
        self._clock = clock

    async def run(self) -> CheckResult:
        if self._url is None:
            return skipped("no server is set that could tell the time")
        before = self._clock.wall()
        try:
            answer = await _ask(self._http, self._url)
        except ProviderError:
            return skipped(f"{host_of(self._url)} could not be asked")
        after = self._clock.wall()
        try:
            told = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            return skipped(f"{answer.host} tells no time")
        # The header has whole seconds and was written somewhere between the two readings.
        error = before - told - 1 if before > told + 1 else min(after - told, 0.0)
        if abs(error) <= MOST_CLOCK_ERROR_S:
            return ok(f"within {max(1.0, abs(error)):.0f} s of {answer.host}")
        way = "ahead of" if error > 0 else "behind"
        return warning(
            f"{abs(error):.0f} s {way} {answer.host}",
            "switch on the setting of the time by the network (NTP): tokens and certificates depend on it",
        )


class AskCheck:
    """A cheap authenticated call: of the provider, or of the own room. `ask` raises `ProviderError`."""

    limit_s = 20.0

    def __init__(self, name: str, ask: Callable[[], Awaitable[str]]):
        self.name = name
        self._ask = ask

    async def run(self) -> CheckResult:
        try:
            return ok(await self._ask())
        except ProviderError as error:
            return from_operator_line(error.operator_line)


class SaidCheck:
    """A check whose answer is known before anything is asked."""

    limit_s = 1.0

    def __init__(self, name: str, result: CheckResult):
        self.name = name
        self._result = result

    async def run(self) -> CheckResult:
        return self._result


async def _ask(http: HttpClient, url: str) -> HttpAnswer:
    return await http.request("GET", _web_address(url), what=f"Reach {host_of(url)}", timeout_s=10.0)
