"""A TCP proxy that spoils what passes as networks do: the same faults for the same seed.

    python -m bench.faultproxy --seed 1 --control 7000 --link database 7001 /run/pg/.s.PGSQL.5432

Each `--link NAME PORT UPSTREAM [MARK …]` listens on a port of this machine and passes on to a
socket file or host:port. It begins calm, when every byte passes unchanged. While it rages, every
`--pace` seconds or so one fault is dealt on each link to the connection of the next request:

    reset     after so many more bytes, in the middle of whatever it is, both ends are reset
    delay     the answer comes seconds later
    drop      the request arrives and is done; its answer is lost, and the client is cut off. The
              server may believe in its client for some seconds more
    slices    what follows comes a few bytes at a time, both ways
    silence   nothing passes any more, and after some seconds both ends are reset

Half of the drops wait for a request that has one of the link's marks in it, such as COMMIT. The
control port takes a line, `rage`, `calm` or `counts`, and answers each with the counts as JSON.
"""

import argparse
import asyncio
import json
import random
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CHUNK = 65_536
PACE = 2.0  # seconds between two faults of a link, on average
# What is drawn for each kind: seconds, or bytes for `reset` and `slices`.
RANGES = {
    "reset": (0.0, 900.0),
    "delay": (0.3, 6.0),
    "drop": (0.0, 12.0),
    "slices": (20.0, 400.0),
    "silence": (1.0, 20.0),
}
PIECE, BETWEEN_PIECES = 7, 0.001  # most bytes of a slice, seconds


@dataclass(frozen=True)
class Fault:
    """One fault; `marks` are what its request must have one of, if it matters."""

    kind: str
    amount: float
    marks: tuple[bytes, ...] = ()


class Link:
    """One address, where its connections lead, and the faults that are dealt to them."""

    def __init__(self, name: str, upstream: str, marks: Sequence[bytes], seed: str, pace: float):
        self.name, self._upstream, self._marks = name, upstream, tuple(marks)
        self._chance = random.Random(f"{seed} {name}")  # noqa: S311 (the same each time)
        self._pace, self._due = pace, float("inf")
        self.next = self._draw()
        self.counts: Counter[str] = Counter()

    def rage(self) -> None:
        """Deal faults from now on."""
        self._due = time.monotonic() + self._chance.uniform(0.5, 1.5) * self._pace

    def calm(self) -> None:
        """Deal none from now on; what has begun goes on."""
        self._due = float("inf")

    def meet(self, request: bytes) -> Fault | None:
        """The fault that this request's connection meets."""
        fault = self.next
        if time.monotonic() < self._due:
            return None
        if fault.marks and not any(mark in request for mark in fault.marks):
            return None
        self.next = self._draw()
        self.rage()
        return fault

    def _draw(self) -> Fault:
        kind = self._chance.choice(list(RANGES))
        amount = self._chance.uniform(*RANGES[kind])
        marked = kind == "drop" and self._chance.random() < 0.5  # drawn last: no link shifts it
        return Fault(kind, amount, self._marks if marked else ())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its opening until both ends are closed."""
        self.counts["connections"] += 1
        try:
            far_reader, far_writer = await _open(self._upstream)
        except OSError:
            _reset(writer)
            return
        passage = Passage(self)
        pumps = [
            asyncio.create_task(passage.up(reader, far_writer)),
            asyncio.create_task(passage.down(far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if passage.linger:
                _reset(writer)
                await asyncio.sleep(passage.linger)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, far_writer):
                _reset(end) if passage.cut else end.close()


class Passage:
    """The two directions of one connection, and the fault that it has met."""

    def __init__(self, link: Link) -> None:
        self._link, self._fault, self._left = link, Fault("", 0.0), 0
        self.cut, self.linger = False, 0.0

    async def up(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """What the client sends, until one end is closed or must be."""
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if not self._fault.kind and (fault := self._link.meet(data)):
                    self._fault, self._left = fault, int(fault.amount)
                if not await self._pass(data, sink):
                    return

    async def down(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """What the server answers."""
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self._fault.kind == "drop":
                    marked = " marked" if self._fault.marks else ""
                    self._end(f"drop{marked}", linger=self._fault.amount)
                    return
                if self._fault.kind == "delay":
                    self._note("delay")
                    await asyncio.sleep(self._fault.amount)
                    self._fault = Fault("", 0.0)
                if not await self._pass(data, sink):
                    return

    async def _pass(self, data: bytes, sink: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on after these bytes."""
        if self._fault.kind == "silence":
            await asyncio.sleep(self._fault.amount)
            return self._end("silence")
        if self._fault.kind == "slices":
            data = await self._slice(data, sink)
        if self._fault.kind == "reset" and len(data) >= self._left:
            sink.write(data[: self._left])
            return self._end("reset")
        self._left -= len(data)
        sink.write(data)
        await sink.drain()
        return True

    async def _slice(self, data: bytes, sink: asyncio.StreamWriter) -> bytes:
        """Send a few bytes at a time while there are any to be sliced; the rest."""
        while data and self._left > 0:
            sink.write(data[:PIECE])
            await sink.drain()
            self._left -= PIECE
            data = data[PIECE:]
            await asyncio.sleep(BETWEEN_PIECES)
        if self._left <= 0 and self._fault.kind == "slices":
            self._note("slices")
            self._fault = Fault("", 0.0)
        return data

    def _end(self, kind: str, linger: float = 0.0) -> bool:
        self._note(kind)
        self.cut, self.linger = True, linger
        return False

    def _note(self, kind: str) -> None:
        self._link.counts[kind] += 1


async def _open(upstream: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if upstream.startswith("/"):
        return await asyncio.open_unix_connection(upstream)
    host, port = upstream.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


def _reset(writer: asyncio.StreamWriter) -> None:
    """End it as a machine that has forgotten the connection does: with a reset."""
    found = writer.get_extra_info("socket")
    if found.family != socket.AF_UNIX and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def run(links: dict[int, Link], control: int) -> None:
    """Listen until the process is ended."""

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = (await reader.readline()).decode().strip()
        for link in links.values():
            if word in {"rage", "calm"}:
                getattr(link, word)()
        writer.write(json.dumps({one.name: one.counts for one in links.values()}).encode())
        writer.close()

    for port, link in links.items():
        await asyncio.start_server(link.serve, "127.0.0.1", port)
    await (await asyncio.start_server(obey, "127.0.0.1", control)).serve_forever()


def tell(control: int, word: str) -> dict[str, dict[str, int]]:
    """Say a word to the proxy with that control port; what each link has counted."""
    with socket.create_connection(("127.0.0.1", control), timeout=10) as session:
        session.sendall(f"{word}\n".encode())
        counts: dict[str, dict[str, int]] = json.loads(session.makefile("rb").read())
    return counts


@contextmanager
def running(
    control: int, links: Sequence[Sequence[object]], seed: str, pace: float = PACE
) -> Iterator[None]:
    """One in a process of its own, listening; ended with the block."""
    command = [sys.executable, "-m", "bench.faultproxy", "--seed", seed, "--pace", str(pace)]
    command += ["--control", str(control)]
    for link in links:
        command += ["--link", *map(str, link)]
    process = subprocess.Popen(command)
    try:
        for _ in range(200):
            with suppress(OSError):
                tell(control, "counts")
                break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.faultproxy")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--pace", type=float, default=PACE)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--link", action="append", nargs="+", required=True)
    options = parser.parse_args()
    links = {
        int(port): Link(name, to, [mark.encode() for mark in marks], options.seed, options.pace)
        for name, port, to, *marks in options.link
    }
    with suppress(KeyboardInterrupt):
        asyncio.run(run(links, options.control))


if __name__ == "__main__":
    main()
