"""Going out to addresses that somebody else chose, without being led inside.

The name is resolved once, at each sending; if any of its addresses is not a public one, nothing is
sent; and the connection goes to an address that was looked at, with the name kept for TLS and Host.
So a name that answers differently the second time gains nothing. No redirect is ever followed and
no proxy of the environment is asked, because nothing here knows of either.

On the sandbox network, where no money is real, a marketplace's server may be on this machine:
`http://localhost:3000/hooks` and loopback addresses are allowed there and only there.
"""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]

LONGEST_URL = 500
MOST_TRIED = 2  # addresses of one name that a connection is tried to
# A host as DNS writes it: letters, digits, hyphens, underscores; other scripts as punycode.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
# What an old resolver reads as an IPv4 address although it is not written as one.
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_FORBIDDEN = frozenset('\\"<>^`{|}')

_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier's NAT, and one cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own services behind a public number
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # Teredo, ORCHID and other protocols' own
        "2001:db8::/32",
        "2002::/16",  # 6to4: holds an IPv4 address
        "3fff::/20",
    )
]
# Everything else of IPv6 is link-local, private, multicast, mapped IPv4, NAT64 or nobody's yet.
_GLOBAL_UNICAST = ip_network("2000::/3")


class Refused(Exception):
    """The address must not be gone to. `code` is a word for scripts, the text says why."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True)
class Target:
    """A URL that may be gone to, in parts. `loopback`: it names this machine, on the sandbox."""

    secure: bool
    host: str
    port: int
    path: str
    loopback: bool = False

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


# --- what may be written ----------------------------------------------------------------------
def parse(url: str) -> Target:
    """The parts of a URL; raises Refused with what is wrong about how it is written."""
    if len(url) > LONGEST_URL:
        raise Refused("url_too_long", f"must have at most {LONGEST_URL} characters")
    if not _VISIBLE.fullmatch(url) or _FORBIDDEN & set(url):
        raise Refused("url_malformed", "must be plain ASCII; other scripts as punycode or %-codes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("url_malformed", "is no URL") from None
    if parts.scheme.lower() not in ("https", "http") or not url.lower().startswith(
        f"{parts.scheme.lower()}://"
    ):
        raise Refused("scheme_refused", "must begin with https://")
    if "@" in parts.netloc:
        raise Refused("credentials_refused", "must hold no name or password")
    if parts.fragment or url.endswith("#"):
        raise Refused("fragment_refused", "must hold no #fragment")
    return _target(parts.scheme.lower() == "https", parts.hostname or "", port, _path(url))


def _path(url: str) -> str:
    rest = url.split("://", 1)[1]
    cut = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
    path = rest[cut:]
    return path if path.startswith("/") else f"/{path}"


def _target(secure: bool, host: str, port: int | None, path: str) -> Target:
    host = host.lower().removesuffix(".")
    literal = _literal(host)
    if "%" in host or (literal is None and not (_NAME.fullmatch(host) and len(host) <= 253)):
        raise Refused("host_malformed", "names no host")
    if literal is None and _NUMERIC_END.fullmatch(host):
        raise Refused("host_malformed", "names a host in a form that is read in different ways")
    here = host == "localhost" or (literal is not None and literal.is_loopback)
    loopback = here and settings.SANDBOX
    number = port if port is not None else (443 if secure else 80)
    if not secure and not loopback:
        raise Refused("scheme_refused", "must begin with https://")
    if not loopback and number not in settings.OUTBOUND_PORTS:
        allowed = ", ".join(str(one) for one in settings.OUTBOUND_PORTS)
        raise Refused("port_refused", f"must use one of the ports {allowed}")
    if not 1 <= number <= 65535:
        raise Refused("port_refused", "names no port")
    if host == "localhost" and not loopback:
        raise Refused("address_refused", "leads to this machine")
    target = Target(secure, host, number, path, loopback)
    if literal is not None:
        check_address(str(literal), target)
    return target


def _literal(host: str) -> Address | None:
    with contextlib.suppress(ValueError):
        return ip_address(host)
    return None


# --- where it may lead ------------------------------------------------------------------------
def check_address(text: str, target: Target) -> None:
    """Raise Refused unless the target may lead to this address."""
    address = ip_address(text.partition("%")[0])
    if target.loopback:
        if not address.is_loopback:
            raise Refused("address_refused", f"{target.host} leads to {address}, not to loopback")
    elif not is_public(address):
        raise Refused("address_refused", f"leads to {address}, which is not a public address")


def is_public(address: Address) -> bool:
    """Whether an address is of the internet, and of nobody's network inside."""
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    networks = [*_NOT_PUBLIC, *_denied(tuple(settings.OUTBOUND_DENIED))]
    return not any(address.version == one.version and address in one for one in networks)


@cache
def _denied(networks: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    """What the operator closes beside."""
    return [ip_network(text, strict=False) for text in networks]


_lookups = ThreadPoolExecutor(16, thread_name_prefix="resolve")


async def system_resolver(host: str, port: int) -> list[str]:
    """The operating system's answer. Raises OSError when there is none."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        _lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def addresses_of(target: Target, resolver: Resolver = system_resolver) -> list[str]:
    """Where the target leads now; raises Refused when any of it is not public, OSError when the
    name is unknown."""
    found = await resolver(target.host, target.port)
    if not found:
        raise OSError(f"{target.host} has no address")
    for address in found:
        check_address(address, target)
    return found


# --- going there ------------------------------------------------------------------------------
async def connect(
    target: Target, resolver: Resolver = system_resolver, context: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to an address of the target that was looked at; its certificate must be the
    name's. Raises Refused, OSError, ssl.SSLError."""
    addresses = (await addresses_of(target, resolver))[:MOST_TRIED]
    for address in addresses:
        try:
            if not target.secure:
                return await asyncio.open_connection(address, target.port)
            return await asyncio.open_connection(
                address,
                target.port,
                ssl=context or _tls(),
                server_hostname=target.host,
            )
        except ssl.SSLError:
            raise
        except OSError:
            if address == addresses[-1]:
                raise
    raise AssertionError("unreachable")


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
