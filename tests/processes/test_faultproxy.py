"""The proxy of the soak passes every byte while it is calm, and does what its faults are named for.

The server here answers each line with the line and what it has heard so far, so a test sees what
arrived, whatever became of the answer.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from secrets import token_bytes

import pytest

from bench import faultproxy
from bench.faultproxy import Fault, Link
from offerhub.supervisor import ports

SIZE = 300_000


class Server:
    """Echoes; remembers what it heard and how connections ended."""

    def __init__(self) -> None:
        self.port, self.heard, self.ended = ports.any_free(), bytearray(), list[str]()
        self.pieces, self.gone = list[int](), threading.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.heard += data
                self.pieces.append(len(data))
                writer.write(data)
                await writer.drain()
            self.ended.append("closed")
        except ConnectionResetError:
            self.ended.append("reset")
        finally:
            writer.close()
            self.gone.set()


class Rig:
    """A server, a link to it, and a client's connections through the link."""

    def __init__(self, server: Server, link: Link, port: int) -> None:
        self.server, self.link, self._port = server, link, port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=5)

    def deal(self, kind: str, amount: float, *marks: bytes) -> None:
        """The next request meets this."""
        self.link.next = Fault(kind, amount, marks)
        self.link._due = 0.0


@pytest.fixture
def rig() -> Iterator[Rig]:
    server, port = Server(), ports.any_free()
    link = Link("line", f"127.0.0.1:{server.port}", [b"COMMIT"], "1", 3600.0)
    loop, listening = asyncio.new_event_loop(), list[asyncio.Server]()

    async def listen() -> None:
        for answer, where in ((server.answer, server.port), (link.serve, port)):
            listening.append(await asyncio.start_server(answer, "127.0.0.1", where))

    loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield Rig(server, link, port)

    async def end() -> None:
        for one in listening:
            one.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def receive(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (data := connection.recv(65_536)):
        found += data
    return bytes(found)


def read_from(port: int) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as client:
        return client.recv(10)


def test_while_it_is_calm_every_byte_passes_as_it_was(rig: Rig) -> None:
    sent = token_bytes(SIZE)
    with closing(rig.connect()) as client:
        threading.Thread(target=client.sendall, args=(sent,)).start()
        assert receive(client, SIZE) == sent
    assert rig.server.gone.wait(5)
    assert (bytes(rig.server.heard), rig.server.ended) == (sent, ["closed"])
    assert rig.link.counts == {"connections": 1}


def test_a_reset_comes_at_its_byte_and_is_one_for_both_ends(rig: Rig) -> None:
    rig.deal("reset", 3)
    with closing(rig.connect()) as client:
        client.sendall(b"abcdef")
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    assert rig.server.gone.wait(5)
    assert (bytes(rig.server.heard), rig.server.ended) == (b"abc", ["reset"])
    assert rig.link.counts["reset"] == 1


def test_a_delayed_answer_comes_whole_and_late(rig: Rig) -> None:
    rig.deal("delay", 0.4)
    with closing(rig.connect()) as client:
        began = time.monotonic()
        client.sendall(b"one")
        assert receive(client, 3) == b"one"
        assert time.monotonic() - began >= 0.4
        client.sendall(b"two")
        assert receive(client, 3) == b"two"
    assert rig.link.counts["delay"] == 1


def test_a_dropped_answer_is_of_a_request_that_arrived_and_has_the_mark(rig: Rig) -> None:
    rig.deal("drop", 1.5, b"COMMIT", b"SUBMIT")
    with closing(rig.connect()) as client:
        client.sendall(b"SELECT")
        assert receive(client, 6) == b"SELECT"
        client.sendall(b"COMMIT")
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    # The server has it, and believes in its client for a moment more.
    assert (bytes(rig.server.heard), rig.server.ended) == (b"SELECTCOMMIT", [])
    assert rig.server.gone.wait(5)
    assert (rig.link.counts["drop marked"], rig.link.counts["drop"]) == (1, 0)


def test_slices_change_no_byte(rig: Rig) -> None:
    rig.deal("slices", 60)
    sent = token_bytes(200)
    with closing(rig.connect()) as client:
        client.sendall(sent)
        assert receive(client, 200) == sent
        client.sendall(b"more")
        assert receive(client, 4) == b"more"
    # The kernel may hand over two slices as one.
    assert len(rig.server.pieces) > 3 and rig.server.pieces[0] % faultproxy.PIECE == 0
    assert (bytes(rig.server.heard), rig.server.pieces[-1]) == (sent + b"more", 4)
    assert rig.link.counts["slices"] == 1


def test_a_silent_connection_passes_nothing_and_is_then_reset(rig: Rig) -> None:
    rig.deal("silence", 0.4)
    with closing(rig.connect()) as client:
        began = time.monotonic()
        client.sendall(b"anybody?")
        with pytest.raises(ConnectionResetError):
            client.recv(10)
        assert time.monotonic() - began >= 0.4
    assert rig.server.gone.wait(5)
    assert bytes(rig.server.heard) == b""
    with closing(rig.connect()) as client:  # the others go on
        client.sendall(b"here")
        assert receive(client, 4) == b"here"


def test_one_seed_deals_the_same_faults_and_each_link_its_own() -> None:
    def dealt(name: str, seed: str) -> list[Fault]:
        link = Link(name, "", [b"COMMIT"], seed, 1.0)
        found = []
        for _ in range(200):
            found.append(link.next)
            link._due = 0.0
            assert link.meet(b"COMMIT") == found[-1]
        return found

    first = dealt("database", "1")
    assert first == dealt("database", "1")
    assert first != dealt("database", "2")
    assert first != dealt("redis", "1")
    assert {fault.kind for fault in first} == set(faultproxy.RANGES)
    drops = [fault for fault in first if fault.kind == "drop"]
    assert 0 < sum(bool(fault.marks) for fault in drops) < len(drops)


def test_the_process_listens_rages_on_command_and_tells_its_counts() -> None:
    control, port, nobody = ports.any_free(), ports.any_free(), ports.any_free()
    with faultproxy.running(control, [("line", port, f"127.0.0.1:{nobody}", "X")], "1"):
        assert faultproxy.tell(control, "rage") == {"line": {}}
        with pytest.raises(ConnectionResetError):  # nobody is behind it
            read_from(port)
        assert faultproxy.tell(control, "calm") == {"line": {"connections": 1}}
