"""One request is one request: no retries, no redirects, bounded in size and time."""

import os
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from offerhub.chain import http
from offerhub.chain.types import ChainUnavailable
from tests.chain.relay import Handler, Relay, Reply, running_relay
from tests.network import free_port


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_relay() as server:
        yield server


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_bad_answer_is_asked_for_once_and_raised(relay: Relay, status: int) -> None:
    relay.instead("/x", {"detail": "no"}, status, Retry_After="7")
    with pytest.raises(ChainUnavailable, match=str(status)) as refusal:
        http.read(f"{relay.url}/x")
    assert refusal.value.retry_after == 7
    assert relay.count("/x") == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("99999999999", 300.0), ("Fri, 31 Dec 2027 23:59:59 GMT", None), ("-5", None)],
)
def test_no_server_puts_us_to_sleep_for_long(
    relay: Relay, header: str, seconds: float | None
) -> None:
    relay.instead("/x", {}, 503, Retry_After=header)
    assert http.call("GET", f"{relay.url}/x").retry_after == seconds


def test_a_post_whose_answer_is_lost_is_not_sent_again(relay: Relay) -> None:
    relay.change("/x", lambda reply: None)
    with pytest.raises(ChainUnavailable):
        http.call("POST", f"{relay.url}/x", content=b"{}")
    assert relay.count("/x") == 1


def test_a_connection_serves_many_requests_and_has_one_user_after_a_fork(relay: Relay) -> None:
    for _ in range(5):
        assert http.read(f"{relay.url}/x").body == {}
    assert relay.connections == 1
    child = os.fork()
    if not child:
        try:
            http.read(f"{relay.url}/child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    http.read(f"{relay.url}/x")
    assert relay.connections == 2
    assert relay.count("/child") == 1


def test_a_server_that_is_not_there_is_named_without_its_path() -> None:
    port = free_port()
    with pytest.raises(ChainUnavailable, match=f"^127.0.0.1:{port}: "):
        http.read(f"http://127.0.0.1:{port}/accounts/GSECRETPATH")


def test_a_redirect_is_not_followed(relay: Relay) -> None:
    relay.instead("/x", {}, 302, Location=f"{relay.url}/elsewhere")
    with pytest.raises(ChainUnavailable, match="302"):
        http.read(f"{relay.url}/x")
    assert relay.count("/elsewhere") == 0


def test_a_cookie_is_not_given_back(relay: Relay) -> None:
    seen: list[str | None] = []
    relay.instead("/x", {}, Set_Cookie="a=b")
    http.read(f"{relay.url}/x")

    def look(handler: Handler) -> None:
        seen.append(handler.headers.get("Cookie"))
        handler.close_connection = True

    relay.by_hand("/x", look)
    with pytest.raises(ChainUnavailable):
        http.read(f"{relay.url}/x")
    assert seen == [None]


def test_the_proxy_of_the_machine_is_not_used(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert http.read(f"{relay.url}/x").body == {}


def test_an_answer_without_end_is_cut(relay: Relay) -> None:
    relay.change("/x", lambda reply: Reply(200, {}, b'"' + b"x" * http.MOST + b'"'))
    with pytest.raises(ChainUnavailable, match="over"):
        http.read(f"{relay.url}/x")


def test_an_answer_that_drips_is_given_up(relay: Relay) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    relay.by_hand("/x", drip)
    started = time.monotonic()
    with pytest.raises(ChainUnavailable, match="too long"):
        http.call("GET", f"{relay.url}/x", limit=(1.0, 0.2))
    assert time.monotonic() - started < 2


def test_a_silent_server_is_given_up(relay: Relay) -> None:
    relay.by_hand("/x", lambda handler: time.sleep(1))
    with pytest.raises(ChainUnavailable, match="Timeout"):
        http.call("GET", f"{relay.url}/x", limit=(1.0, 0.2))


def test_a_body_that_breaks_off_is_no_answer(relay: Relay) -> None:
    def half(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"a": ')
        handler.close_connection = True

    relay.by_hand("/x", half)
    with pytest.raises(ChainUnavailable):
        http.read(f"{relay.url}/x")


@pytest.mark.parametrize("content", [b"", b"<html>", b"{", b"[" * 5000, b"\xff\xfe", b"NaN"])
def test_what_is_no_json_is_no_answer(relay: Relay, content: bytes) -> None:
    relay.change("/x", lambda reply: Reply(200, {}, content))
    answer = http.call("GET", f"{relay.url}/x")
    assert not answer.ok
    with pytest.raises(ChainUnavailable):
        http.read(f"{relay.url}/x")


def test_numbers_keep_every_digit_where_it_matters(relay: Relay) -> None:
    text = b'[{"balance": 922337203685.4775807}]'
    relay.change("/x", lambda reply: Reply(200, {}, text))
    assert http.read(f"{relay.url}/x").exact() == [{"balance": Decimal("922337203685.4775807")}]


def test_queries_and_forms_are_escaped(relay: Relay) -> None:
    http.call("GET", f"{relay.url}/x", params={"ids[]": ["a", "b"], "q": "a&b=c/ü"})
    http.call("POST", f"{relay.url}/y", form={"tx": "AA+/="})
    (_, target, _), (_, _, body) = relay.asked
    assert target == "/x?ids%5B%5D=a&ids%5B%5D=b&q=a%26b%3Dc%2F%C3%BC"
    assert body == b"tx=AA%2B%2F%3D"
