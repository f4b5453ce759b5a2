"""The demo's client, which gets to the end whatever happens on the way."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from offerhub.demo import client
from offerhub.demo.client import Api, Sandbox
from tests.network import Network

WHOLE = b'{"id": "ord_1"}'


@pytest.fixture
def dying_server() -> Iterator[str]:
    """Dies in the middle of its first answer; the second one is whole."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            for body in (WHOLE[:4], WHOLE):
                with suppress(TimeoutError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(WHOLE)}\r\n\r\n"
                        connection.sendall(head.encode() + body)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_an_answer_that_breaks_off_is_asked_for_again(dying_server: str) -> None:
    said: list[str] = []
    api = Api(dying_server, "key", said.append)
    assert api.post("/orders", {}, key="one") == {"id": "ord_1"}
    assert said == ["the server does not answer"]


def test_payments_are_all_there_however_many_pages_they_are(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    address = network.stranger()
    for number in range(1, 6):
        network.mint(address, str(number))
    told = [p["amount"] for p in Sandbox(network.url).payments(address) if p.get("to") == address]
    assert told == [f"{number}.0000000" for number in range(1, 6)]
