"""The one HTTP client: time limits, size limits, TLS roots, redaction and the naming of faults in one place.

It speaks once and never retries: when to try again is decided by whoever knows what the call costs.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import re
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kiosk.providers.contract import Broken, Busy, Misconfigured, ProviderError, SessionRef, Unavailable
from kiosk.redact import one_line, redact

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("kiosk.http")

LONGEST_RETRY_AFTER_S = 60.0
_TEXT_LIMIT = 300  # characters of an answer that an operator's line may quote
_NO_HOST = "(no host)"
_EXCERPT_BYTES = 4096  # of the body that are searched for these: the rest is not worth the time
_CREDENTIAL_HEADERS = re.compile(r"(?i)authorization|key|token|secret|cookie")

# OpenSSL's verification codes for a certificate that is not valid at this machine's time.
_NOT_YET_VALID, _EXPIRED = 9, 10


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered, whatever its status.

    `headers` is case-insensitive. `json` is None where the body is no JSON; it may hold secrets. `text` is the start of
    the body, at most 300 characters on one line, redacted. `host` is host:port as asked. `body` is as it came.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    json: object | None = field(repr=False)
    text: str
    host: str = ""
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class AnswerLost(Unavailable):
    """The request may have been carried out, yet no complete answer came: what it created may exist and cost money."""


class HttpClient:
    """Asks servers; every call is bounded in time and in size.

    `timeout_s` bounds a whole call, from the name look-up to the last byte. `secrets` are redacted from all texts,
    besides the credentials of each call's own headers. `ssl_context` replaces the roots of the system and of certifi.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        max_body_bytes: int = 1 << 20,
        user_agent: str = "avatar-kiosk",
        secrets: Iterable[str] = (),
        ssl_context: ssl.SSLContext | None = None,
    ):
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._user_agent = user_agent
        self._secrets = tuple(secrets)
        self._ssl_context = ssl_context
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def warm_up(self) -> None:
        """Loads library and TLS roots now, so that a visitor's first call does not wait for them."""
        async with self._opening:
            if self._client is None and not self._closed:
                # Some 100 ms of import and certificate parsing: too much for the thread that paints.
                self._client = await asyncio.to_thread(self._build)

    async def request(
        self,
        method: str,
        url: str,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        json: object | None = None,
        content: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        """One call. `what` opens the operator's line, e.g. "Start session". Redirects are answers like any other.

        `content` is a body that is no JSON; its type belongs into `headers`.

        Raises `Unavailable` where the server was not reached (name, TLS, connection), `AnswerLost` where it was and no
        complete answer came (time, size, broken off), `Misconfigured` where the call cannot even be written (URL,
        characters in a secret). Never raises because of a status.
        """
        where = host_of(url)
        if where == _NO_HOST:
            raise Misconfigured(f"{what}: the URL cannot be used; it must begin with https:// and name a host")
        if self._closed:
            raise Unavailable(f"{what}: not asked, because the program is closing")
        secrets = (*self._secrets, *_credentials(headers or {}))
        limit = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit):
                await self.warm_up()
                answer, body = await self._exchange(method, url, headers, json, params, limit, content)
        except _BodyTooLongError:
            raise AnswerLost(
                f"{what}: {where} sent more than {self._max_body_bytes} bytes; check that base_url names an API"
            ) from None
        except TimeoutError:
            raise AnswerLost(
                f"{what}: no complete answer from {where} within {limit:g} s; check this machine's network"
            ) from None
        except Exception as error:  # noqa: BLE001  (whatever the HTTP stack throws, callers see a ProviderError)
            # Cut off from its cause: the texts of the HTTP library may quote a header or a whole URL.
            _log.warning("%s: %s", what, one_line(redact(_describe(error), secrets)))
            raise _transport_error(error, what, where) from None
        return HttpAnswer(answer.status_code, answer.headers, _parse(body), _excerpt(body, secrets), where, body)

    async def stream(
        self,
        method: str,
        url: str,
        *,
        what: str,
        accept: str,
        headers: Mapping[str, str] | None = None,
        json: object | None = None,
        timeout_s: float | None = None,
        max_bytes: int = 64 << 20,
    ) -> AsyncGenerator[bytes]:
        """One call whose body is handed on as it comes, in pieces of any size.

        `timeout_s` bounds the wait for the head of the answer, and for each piece. Raises as `request` does; besides,
        the error of its status for an answer without success, and `Broken` where it is not of the type `accept`, e.g.
        "audio/". Closing the generator ends the call.
        """
        where = host_of(url)
        if where == _NO_HOST:
            raise Misconfigured(f"{what}: the URL cannot be used; it must begin with https:// and name a host")
        if self._closed:
            raise Unavailable(f"{what}: not asked, because the program is closing")
        secrets = (*self._secrets, *_credentials(headers or {}))
        limit = self._timeout_s if timeout_s is None else timeout_s
        response: httpx.Response | None = None
        chunks: AsyncIterator[bytes] | None = None
        try:
            with _faults_named(what, where, secrets, limit):
                async with asyncio.timeout(limit):
                    await self.warm_up()
                    response = await self._send(method, url, headers, json, None, limit)
                if not 200 <= response.status_code < 300:
                    async with asyncio.timeout(limit):
                        answer = await self._refusal(response, where, secrets)
                    raise status_error(answer, what=what, now_wall=time.time(), detail=answer.text)
                if not response.headers.get("Content-Type", "").lower().startswith(accept):
                    raise Broken(f"{what}: {where} did not answer with {accept.rstrip('/')}; check base_url")
            taken, chunks = 0, response.aiter_raw()
            while True:
                with _faults_named(what, where, secrets, limit):
                    async with asyncio.timeout(limit):
                        chunk = await anext(chunks, None)
                if chunk is None:
                    return
                taken += len(chunk)
                if taken > max_bytes:
                    raise AnswerLost(f"{what}: {where} sent more than {max_bytes} bytes; check base_url")
                yield chunk
        finally:
            if response is not None:
                await response.aclose()
                await _unwind(chunks)
                if self._client is not None:
                    self._client.cookies.clear()

    async def aclose(self) -> None:
        """Closes all connections. Idempotent; later calls raise `Unavailable`."""
        self._closed = True
        async with self._opening:
            client, self._client = self._client, None
            if client is not None:
                await client.aclose()

    def _build(self) -> httpx.AsyncClient:
        import certifi
        import httpx

        # These two write whole URLs and headers into the log.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        context = self._ssl_context
        if context is None:
            # Both: a company's own root is in the system's store, a bare machine has only certifi's.
            context = ssl.create_default_context()
            context.load_verify_locations(certifi.where())
        return httpx.AsyncClient(
            verify=context,
            follow_redirects=False,  # a redirect would carry the credentials to a host that nobody configured
            headers={"User-Agent": self._user_agent, "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        json: object | None,
        params: Mapping[str, str | int] | None,
        limit: float,
        content: bytes | None,
    ) -> tuple[httpx.Response, bytes]:
        response = await self._send(method, url, headers, json, params, limit, content)
        try:
            body = bytearray()
            # Raw: nothing compressed was asked for, and unpacking is how a small body becomes a huge one.
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_body_bytes:
                    raise _BodyTooLongError
        finally:
            await response.aclose()
            if self._client is not None:
                self._client.cookies.clear()  # a visit leaves nothing behind for the next one
        return response, bytes(body)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        json: object | None,
        params: Mapping[str, str | int] | None,
        limit: float,
        content: bytes | None = None,
    ) -> httpx.Response:
        """The answer without its body, which the caller closes."""
        if self._client is None:
            raise RuntimeError("the HTTP client was closed during a call")
        # Connecting gets half of the time, so that a host that is not there is told apart from one that is slow.
        timeout = (limit / 2, limit, limit, limit)
        request = self._client.build_request(
            method, url, headers=dict(headers or {}), content=content, json=json, params=params, timeout=timeout
        )
        return await self._client.send(request, stream=True)

    async def _refusal(self, response: httpx.Response, where: str, secrets: Iterable[str]) -> HttpAnswer:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > _EXCERPT_BYTES:
                break
        text = _excerpt(bytes(body), secrets)
        return HttpAnswer(response.status_code, response.headers, None, text, where)


def host_of(url: str) -> str:
    """Host and, where given, port of `url`: the only part of it that may be shown."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or _NO_HOST
        return one_line(f"{host}:{parts.port}" if parts.port else host, 120)
    except ValueError:
        return _NO_HOST


def retry_after_s(headers: Mapping[str, str], now_wall: float) -> float | None:
    """Seconds to wait by `Retry-After` (seconds or HTTP date), 0 to 60; None where there is none or it is garbage."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?", value):
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now_wall
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def status_error(
    answer: HttpAnswer,
    *,
    what: str,
    now_wall: float,
    detail: str = "",
    remedy: str = "",
    session: SessionRef | None = None,
) -> ProviderError:
    """The typed error for an answer that is none of success, by its HTTP status alone.

    `detail` is what the vendor said (redacted); `remedy` replaces the general advice. The caller raises it.
    """
    kind, advice = _class_of(answer.status)
    said = f" ({one_line(detail)})" if detail else ""
    line = f"{what}: {answer.host} answered HTTP {answer.status}{said}; {remedy or advice}"
    wait = retry_after_s(answer.headers, now_wall) if kind in (Busy, Unavailable) else None
    return kind(line, session=session, retry_after_s=wait)


def _class_of(status: int) -> tuple[type[ProviderError], str]:
    match status:
        case 401:
            return Misconfigured, "check the secret of this provider"
        case 403:
            return Misconfigured, "the account may not do this: check plan and rights"
        case 404:
            return Misconfigured, "check base_url and the ids in the settings"
        case 408:
            return Unavailable, "the kiosk tries again"
        case 429:
            return Busy, "too many calls or sessions: the kiosk waits and tries again"
        case _ if 300 <= status < 400:
            return Misconfigured, "it redirects elsewhere: check base_url"
        case _ if 400 <= status < 500:
            return Misconfigured, "the vendor refuses the request: check the settings of this provider"
        case _ if status >= 500:
            return Unavailable, "the vendor's service has a fault: the kiosk tries again"
        case _:
            return Broken, "the vendor's documents know no such answer: report it to the vendor"


@contextmanager
def _faults_named(what: str, where: str, secrets: Iterable[str], limit: float) -> Iterator[None]:
    """Whatever the HTTP stack throws leaves as a `ProviderError`, cut off from its cause as in `HttpClient.request`."""
    try:
        yield
    except ProviderError:
        raise
    except TimeoutError:
        raise AnswerLost(
            f"{what}: no complete answer from {where} within {limit:g} s; check this machine's network"
        ) from None
    except Exception as error:  # noqa: BLE001
        _log.warning("%s: %s", what, one_line(redact(_describe(error), secrets)))
        raise _transport_error(error, what, where) from None


async def _unwind(chunks: AsyncIterator[bytes] | None) -> None:
    """Lets the generators within `chunks`, whose response is closed, run to their end.

    Broken off in the middle they would be left to the garbage collector, which ends each in a task of its own.
    """
    with suppress(Exception):  # "the stream has been closed", in one form or another
        while chunks is not None and await anext(chunks, None) is not None:
            pass


class _BodyTooLongError(Exception):
    """The body passed the size limit."""


def _credentials(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if _CREDENTIAL_HEADERS.search(name):
            yield value
            yield value.rsplit(" ", 1)[-1]


def _parse(body: bytes) -> object | None:
    def refuse(constant: str) -> float:
        raise ValueError(constant)

    try:
        parsed: object = jsonlib.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
    return parsed


def _excerpt(body: bytes, secrets: Iterable[str]) -> str:
    text = redact(body[:_EXCERPT_BYTES].decode("utf-8", "replace"), secrets)
    if len(body) > _EXCERPT_BYTES:
        text = text[: -_EXCERPT_BYTES // 4]  # the cut may have split a secret, which then is not recognised
    return one_line(text, _TEXT_LIMIT)


def _transport_error(error: Exception, what: str, where: str) -> ProviderError:
    import httpx

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unavailable(f"{what}: {_certificate_line(cause, where)}")
        if isinstance(cause, ssl.SSLError):
            return Unavailable(f"{what}: no TLS with {where}; check base_url and any proxy on the way")
        if isinstance(cause, socket.gaierror):
            return Unavailable(f"{what}: the name of {where} is not found; check this machine's network and DNS")
        if isinstance(cause, ConnectionRefusedError):
            return Unavailable(f"{what}: {where} refuses the connection; check base_url and any firewall")
    if isinstance(error, httpx.ConnectTimeout):
        return Unavailable(f"{what}: no connection to {where} in time; check this machine's network and any firewall")
    if isinstance(error, httpx.TimeoutException):
        return AnswerLost(f"{what}: no complete answer from {where} in time; check this machine's network")
    if isinstance(error, httpx.ProxyError):
        return Unavailable(f"{what}: the proxy on the way to {where} failed; check the proxy settings of this machine")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Misconfigured(f"{what}: the URL at {where} cannot be used; it must begin with https:// and name a host")
    if isinstance(error, httpx.LocalProtocolError | ValueError | TypeError):
        return Misconfigured(
            f"{what}: a setting or secret holds characters that cannot be sent to {where}; set it anew"
        )
    if isinstance(error, httpx.RemoteProtocolError):
        return AnswerLost(
            f"{what}: {where} broke off or did not answer in HTTP; check base_url and any proxy on the way"
        )
    if isinstance(error, httpx.ConnectError):
        return Unavailable(f"{what}: no connection to {where}; check this machine's network")
    return AnswerLost(f"{what}: the connection to {where} failed; check this machine's network")


def _certificate_line(error: ssl.SSLCertVerificationError, where: str) -> str:
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        when = "is not valid yet" if error.verify_code == _NOT_YET_VALID else "has expired"
        return f"the certificate of {where} {when} by this machine's time; check the clock of this machine"
    return f"the certificate of {where} is not trusted; check base_url, the clock, and any proxy that opens TLS"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, groups included, each once."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
        waiting += [cause for cause in (current.__cause__, current.__context__) if cause is not None]


def _describe(error: Exception) -> str:
    return " <- ".join(f"{type(cause).__name__}: {cause}" for cause in _causes(error))
