"""Where the product may be led by an address that somebody else chose: nowhere inside."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from offerhub.core import outbound

PUBLIC = "93.184.215.14"


def resolves_to(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolver(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolver


@pytest.fixture
def live(settings: Any) -> None:
    """A network on which money is real."""
    settings.SANDBOX = False


REFUSED = [
    # how it is written
    ("", "url_malformed"),
    ("example.com", "scheme_refused"),
    ("//example.com/", "scheme_refused"),
    ("ftp://example.com/", "scheme_refused"),
    ("file:///etc/passwd", "scheme_refused"),
    ("gopher://example.com/", "scheme_refused"),
    ("javascript:alert(1)", "scheme_refused"),
    ("data:text/plain,x", "scheme_refused"),
    ("https:example.com", "scheme_refused"),
    ("https:/example.com", "scheme_refused"),
    ("https:///example.com", "host_malformed"),
    ("http://example.com/", "scheme_refused"),
    ("https://", "host_malformed"),
    ("https://exa mple.com/", "url_malformed"),
    ("https://example.com/\r\nHost: inside", "url_malformed"),
    ("https://example.com/\tx", "url_malformed"),
    ("https://example.com\\@127.0.0.1/", "url_malformed"),
    ("https://ex\u00e4mple.com/", "url_malformed"),
    ("https://\uff11\uff12\uff17.0.0.1/", "url_malformed"),
    ("https://example.com/" + "a" * 500, "url_too_long"),
    ("https://user:secret@example.com/", "credentials_refused"),
    ("https://example.com@127.0.0.1/", "credentials_refused"),
    ("https://@example.com/", "credentials_refused"),
    ("https://example.com/#part", "fragment_refused"),
    ("https://example.com/#", "fragment_refused"),
    ("https://example.com:x/", "url_malformed"),
    ("https://example.com:99999/", "url_malformed"),
    ("https://-example.com/", "host_malformed"),
    ("https://example..com/", "host_malformed"),
    ("https://exa%6dple.com/", "host_malformed"),
    ("https://[::1/", "url_malformed"),
    ("https://[example.com]/", "url_malformed"),
    # ports
    ("https://example.com:22/", "port_refused"),
    ("https://example.com:80/", "port_refused"),
    ("https://example.com:5432/", "port_refused"),
    ("https://example.com:6379/", "port_refused"),
    ("https://example.com:0/", "port_refused"),
    # addresses that are written in a form which is read in different ways
    ("https://2130706433/", "host_malformed"),
    ("https://0x7f000001/", "host_malformed"),
    ("https://0x7f.0.0.1/", "host_malformed"),
    ("https://017700000001/", "host_malformed"),
    ("https://0177.0.0.1/", "host_malformed"),
    ("https://127.1/", "host_malformed"),
    ("https://127.0.1/", "host_malformed"),
    ("https://1.2.3.4.5/", "host_malformed"),
    ("https://256.0.0.1/", "host_malformed"),
    ("https://example.0x1/", "host_malformed"),
    # addresses inside
    ("https://localhost/", "address_refused"),
    ("https://LOCALHOST./", "address_refused"),
    ("https://127.0.0.1/", "address_refused"),
    ("https://127.255.255.254/", "address_refused"),
    ("https://0.0.0.0/", "address_refused"),
    ("https://10.0.0.1/", "address_refused"),
    ("https://172.16.0.1/", "address_refused"),
    ("https://172.31.255.255/", "address_refused"),
    ("https://192.168.1.1/", "address_refused"),
    ("https://100.64.0.1/", "address_refused"),
    ("https://100.100.100.200/", "address_refused"),
    ("https://169.254.169.254/", "address_refused"),
    ("https://168.63.129.16/", "address_refused"),
    ("https://192.0.0.192/", "address_refused"),
    ("https://192.0.2.1/", "address_refused"),
    ("https://192.88.99.1/", "address_refused"),
    ("https://198.18.0.1/", "address_refused"),
    ("https://198.51.100.1/", "address_refused"),
    ("https://203.0.113.1/", "address_refused"),
    ("https://224.0.0.1/", "address_refused"),
    ("https://240.0.0.1/", "address_refused"),
    ("https://255.255.255.255/", "address_refused"),
    ("https://[::]/", "address_refused"),
    ("https://[::1]/", "address_refused"),
    ("https://[::ffff:127.0.0.1]/", "address_refused"),
    ("https://[::ffff:a9fe:a9fe]/", "address_refused"),
    ("https://[::ffff:8.8.8.8]/", "address_refused"),
    ("https://[::127.0.0.1]/", "address_refused"),
    ("https://[64:ff9b::7f00:1]/", "address_refused"),
    ("https://[64:ff9b:1::a9fe:a9fe]/", "address_refused"),
    ("https://[2002:7f00:1::]/", "address_refused"),
    ("https://[2001:0:7f00:1::]/", "address_refused"),
    ("https://[2001:db8::1]/", "address_refused"),
    ("https://[100::1]/", "address_refused"),
    ("https://[fe80::1]/", "address_refused"),
    ("https://[fe80::1%25eth0]/", "host_malformed"),
    ("https://[2606:4700::1%25eth0]/", "host_malformed"),
    ("https://[fc00::1]/", "address_refused"),
    ("https://[fd00:ec2::254]/", "address_refused"),
    ("https://[fec0::1]/", "address_refused"),
    ("https://[ff02::1]/", "address_refused"),
    ("https://[5f00::1]/", "address_refused"),
]


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(("url", "code"), REFUSED)
def test_nothing_is_sent_to_an_address_like_this(url: str, code: str) -> None:
    with pytest.raises(outbound.Refused) as refused:
        outbound.parse(url)
    assert refused.value.code == code


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("HTTPS://Example.COM./a?b=c", "example.com", 443, "/a?b=c", "example.com"),
        ("https://example.com:8443?x", "example.com", 8443, "/?x", "example.com:8443"),
        ("https://xn--bcher-kva.example/%20", "xn--bcher-kva.example", 443, "/%20", None),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "/", "[2606:4700::1111]"),
        ("https://a_b.example.com/", "a_b.example.com", 443, "/", None),
        ("https://4chan.org/hook", "4chan.org", 443, "/hook", None),
    ],
)
def test_what_is_public_is_gone_to_as_it_is_written(
    url: str, host: str, port: int, path: str, authority: str | None
) -> None:
    target = outbound.parse(url)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert target.authority == (authority or host)
    assert target.secure
    assert not target.loopback


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        [PUBLIC, "10.0.0.1"],  # one bad address among good ones
        ["::ffff:192.168.0.1"],
        ["fe80::1%2"],
        ["64:ff9b::a00:1"],
    ],
)
def test_a_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    target = outbound.parse("https://hooks.example.com/")
    with pytest.raises(outbound.Refused, match="not a public address"):
        asyncio.run(outbound.addresses_of(target, resolves_to(*addresses)))


@pytest.mark.usefixtures("live")
def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rebinding trick: good when it is looked at, bad when it is gone to."""
    asked: list[str] = []
    gone_to: list[tuple[str, str | None]] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    async def open_connection(host: str, port: int, **more: Any) -> Any:
        gone_to.append((host, more.get("server_hostname")))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    target = outbound.parse("https://hooks.example.com/")
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(outbound.connect(target, rebinding))
    assert asked == ["hooks.example.com"]
    assert gone_to == [(PUBLIC, "hooks.example.com")]
    with pytest.raises(outbound.Refused):  # and looked at anew the next time
        asyncio.run(outbound.connect(target, rebinding))
    assert len(gone_to) == 1


def test_on_the_sandbox_this_machine_may_be_named_and_nothing_else_inside() -> None:
    for url in ("http://localhost:3000/x", "http://127.0.0.1:9/x", "http://[::1]:3000/"):
        assert outbound.parse(url).loopback
    for url in ("http://example.com/", "http://10.0.0.1:3000/", "https://192.168.0.1/"):
        with pytest.raises(outbound.Refused):
            outbound.parse(url)
    target = outbound.parse("http://localhost:3000/x")
    with pytest.raises(outbound.Refused, match="not to loopback"):
        asyncio.run(outbound.addresses_of(target, resolves_to("10.0.0.1")))
    with pytest.raises(outbound.Refused, match="not a public address"):
        named = outbound.parse("https://hooks.example.com/")
        asyncio.run(outbound.addresses_of(named, resolves_to("127.0.0.1")))


@pytest.mark.usefixtures("live")
def test_an_operator_closes_networks_that_look_public(settings: Any) -> None:
    settings.OUTBOUND_DENIED = ["8.8.8.0/24"]
    with pytest.raises(outbound.Refused):
        outbound.parse("https://8.8.8.8/")
    outbound.parse("https://8.8.4.4/")
    settings.OUTBOUND_PORTS = [9443]
    with pytest.raises(outbound.Refused, match="9443"):
        outbound.parse("https://example.com/")
