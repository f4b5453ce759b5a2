"""The server below: what HTTP allows, and what it must survive."""

from __future__ import annotations

import itertools
import json
import socket
import time

import pytest
import requests

from tests.sandbox.player import Player


def talk(player: Player, *chunks: bytes) -> bytes:
    """Send bytes as they are, and read until the server hangs up or pauses."""
    host, port = player.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
            time.sleep(0.02)
        connection.settimeout(0.5)
        heard = b""
        try:
            while data := connection.recv(65_536):
                heard += data
        except TimeoutError:
            pass
        return heard


def test_several_requests_may_share_one_packet(player: Player) -> None:
    one = b"GET /fee_stats HTTP/1.1\r\nHost: x\r\n\r\n"
    assert talk(player, one * 3).count(b"HTTP/1.1 200 OK") == 3


def test_a_request_may_come_in_pieces(player: Player) -> None:
    body = b'{"perMinute": 7}'
    head = b"POST /control/provider-limit HTTP/1.1\r\nHost: x\r\n"
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    heard = talk(player, head[:20], head[20:] + length, body[:5], body[5:])
    assert heard.endswith(b'{"perMinute": 7, "seconds": 60.0}')


def test_chunked_bodies_are_read(player: Player) -> None:
    head = b"POST /control/provider-limit HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    heard = talk(player, head, b'8\r\n{"perMin\r\n', b'9\r\nute": 12}\r\n', b"0\r\n\r\n")
    assert heard.endswith(b'{"perMinute": 12, "seconds": 60.0}')


def test_expecting_clients_are_told_to_go_on(player: Player) -> None:
    head = b"POST /control/provider-limit HTTP/1.1\r\nExpect: 100-continue\r\n"
    heard = talk(player, head + b"Content-Length: 15\r\n\r\n", b'{"perMinute":3}')
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert heard.endswith(b'{"perMinute": 3, "seconds": 60.0}')


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"x" * 70_000,
    ],
)
def test_nonsense_is_refused_and_harms_nobody(player: Player, nonsense: bytes) -> None:
    assert talk(player, nonsense).startswith(b"HTTP/1.1 400")
    assert player.get("/fee_stats").status_code == 200


def test_a_stream_goes_on_after_the_last_event_that_was_seen(player: Player) -> None:
    a, b = player.person("9"), player.person()
    first = player.pay(a, b.public_key, "1").json()
    player.pay(a, b.public_key, "2")
    seen = str(int(first["paging_token"]) + 1)
    headers = {"Accept": "text/event-stream", "Last-Event-ID": seen}
    url = f"{player.url}/accounts/{b.public_key}/payments?cursor=0"
    with requests.get(url, headers=headers, stream=True, timeout=5) as stream:
        lines = (line.decode() for line in stream.iter_lines())
        frames = (json.loads(line[6:]) for line in lines if line.startswith("data: "))
        data = list(itertools.islice(frames, 2))
    assert stream.headers["content-type"] == "text/event-stream"
    assert data[0] == "hello"
    assert data[1]["amount"] == "2.0000000"
