"""Asking a page whether it answers. Only hosts that the configuration names, and only addresses that it could mean.

The name is resolved once, every address is judged, and the connection goes to exactly the one that was judged, so that
a name cannot mean something else a moment later. Redirects are reported, not followed.
"""

import asyncio
import ipaddress
import re
import socket
import time
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from domain.calls import ErrorKind, ToolSpec
from domain.canonical import Json
from domain.tiers import Effect
from tools.port import Arguments, Done, Reading, ToolFailure, Workplace
from tools.schema import number, record, text

_MAX_BODY = 8 << 10
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PROBE = ToolSpec(
    name="http.probe",
    version=1,
    effect=Effect.READ,
    describe="Ask an address on the allow-list with GET: status, time, the beginning of the answer.",
    arguments=record(
        required=["url"],
        url=text("http or https address", at_most=500, pattern=r"^https?://[\x21-\x7e]+$"),
        expect=number("the status that counts as good; 200 when left out", least=100, most=599),
    ),
    selectors=("url",),
    idempotent=True,
    timeout_s=15,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Reading):
    """`allow` holds HOST or HOST:PORT, as the configuration names them; an empty one allows nothing."""

    allow: tuple[str, ...]
    timeout_s: float = 8.0
    spec: ToolSpec = PROBE

    async def perform(self, arguments: Arguments, at: Workplace) -> Done:
        url, host, port = target(arguments["url"])
        literal = permitted(host, port, self.allow)
        address = await _resolved(host, port, literal=literal)
        expected, started = arguments.get("expect", 200), time.monotonic()
        status, headers, body = await self._ask(url, address)
        milliseconds = round((time.monotonic() - started) * 1000)
        data: dict[str, Json] = {
            "url": str(url),
            "status": status,
            "reachable": status is not None,
            "good": status == expected,
            "ms": milliseconds,
            "location": headers.get("Location"),
            "body": body,
        }
        said = f"answered {status} in {milliseconds} ms" if status is not None else f"did not answer: {body}"
        return Done(summary=f"{url} {said}.", data=data)

    async def _ask(self, url: URL, address: Address) -> tuple[int | None, dict[str, str], str]:
        timeout = aiohttp.ClientTimeout(total=self.timeout_s)
        connector = aiohttp.TCPConnector(resolver=_Pinned(address), use_dns_cache=False, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
                session.get(url, allow_redirects=False, headers={"User-Agent": "countersign-probe"}) as answer,
            ):
                body = await answer.content.read(_MAX_BODY)
                return answer.status, dict(answer.headers), body.decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return None, {}, type(error).__name__


def target(text_: str) -> tuple[URL, str, int]:
    """The address in its parts. Raises ToolFailure for what could be read in two ways."""
    try:
        url = URL(text_)
        host, port = (url.host or "").rstrip("."), url.port
    except ValueError as error:
        raise ToolFailure(ErrorKind.ARGUMENTS, f"not an address: {error}") from error
    if url.scheme not in ("http", "https") or url.user or url.password or not host or port is None or url.fragment:
        raise ToolFailure(ErrorKind.ARGUMENTS, "write http or https, a host, no user and no fragment")
    if _address(host) is None and (not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit() or "0x" in host):
        raise ToolFailure(ErrorKind.ARGUMENTS, f"{host!r} is neither a plain host name nor a dotted address")
    return url, host, port


def permitted(host: str, port: int, allow: tuple[str, ...]) -> bool:
    """Whether the allow-list names this very address (True) or this host name (False). Raises ToolFailure."""
    names = {host, f"[{host}]"} if ":" in host else {host}
    if not any(entry in (name, f"{name}:{port}") for entry in allow for name in names):
        why = f"{host}:{port} is not on the allow-list of http.probe: an admin can add it to the configuration"
        raise ToolFailure(ErrorKind.REFUSED, why)
    return _address(host) is not None or host == "localhost"


def refusal(address: Address, *, literal: bool) -> str | None:
    """Why this address is not asked, also when its name is allowed; None when it may be."""
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if mapped is not None:
        return refusal(mapped, literal=literal)
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        if address.is_loopback:
            return None if literal else "it is this machine"
        return "it is link-local, multicast or reserved"
    local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local  # retired, and routed in old networks
    if (address.is_loopback or local or not address.is_global) and not literal:
        return "it is private, and the allow-list has the name only, not the address"
    return None


async def _resolved(host: str, port: int, *, literal: bool) -> Address:
    found = _address(host)
    if found is not None:
        addresses = [found]
    else:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ToolFailure(ErrorKind.TRANSPORT, f"{host} has no address: {error.strerror}") from error
        addresses = [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    for address in addresses:
        if (why := refusal(address, literal=literal)) is not None:
            raise ToolFailure(ErrorKind.REFUSED, f"{host} stands for {address}, which is not asked: {why}")
    return addresses[0]


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class _Pinned(AbstractResolver):
    """Answers every question with the address that was judged."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        own = socket.AF_INET6 if self._address.version == 6 else socket.AF_INET
        return [
            ResolveResult(
                hostname=host, host=str(self._address), port=port, family=own, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """Nothing is held open."""
