"""Event streams: 200 open ones and 50 requests a second together, memory a stream, and what the
event loop costs ordinary requests beside the threaded server that it took the place of."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests

from bench.instance import ROOT, Instance
from bench.load import Client, measure
from offerhub.supervisor import ports

STREAMS = 200
PER_SECOND = 50
ORDERS = 5  # every so manieth request makes an order, and so an event


class Readers:
    """Open streams on a loop of their own, and what they have heard."""

    def __init__(self, instance: Instance, count: int) -> None:
        self.instance, self.count = instance, count
        self.open = 0
        self.heard: list[list[tuple[str, int, float]]] = [[] for _ in range(count)]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._tasks: list[Any] = []

    def __enter__(self) -> "Readers":
        self._thread.start()
        for number in range(self.count):
            self._tasks.append(asyncio.run_coroutine_threadsafe(self._read(number), self._loop))
        until = time.perf_counter() + 60
        while self.open < self.count:
            assert time.perf_counter() < until, f"{self.open} streams are open"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: Any) -> None:
        for task in self._tasks:
            task.cancel()
        time.sleep(0.2)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _read(self, number: int) -> None:
        parts = urlsplit(self.instance.base_url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            b"GET /api/v1/events/stream?types=order.* HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Authorization: Bearer " + self.instance.api_key.encode() + b"\r\n\r\n"
        )
        status = await reader.readline()
        assert b" 200 " in status, status
        self.open += 1
        try:
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    self.heard[number].append((event["cursor"], event["sequence"], time.time()))
        finally:
            writer.transport.abort()


def run(instance: Instance, seconds: float) -> dict[str, Any]:
    """All figures."""
    client = Client(instance.base_url, instance.api_key)
    for name in ("stream-buyer", "stream-seller"):
        client.call("POST", "/api/v1/users", {"externalId": name})
    results: dict[str, Any] = {"loop": _beside_threads(instance, seconds)}
    alone = _requests(instance, seconds * 3)
    empty = _memory(instance)
    with Readers(instance, STREAMS) as readers:
        time.sleep(2)
        full = _memory(instance)
        together = _requests(instance, seconds * 3)
        time.sleep(2)
        heard = [[cursor for cursor, _, _ in one] for one in readers.heard]
    return results | {
        "streams": STREAMS,
        "kB_each": round((full - empty) / 1024 / STREAMS, 1),
        "requests_per_second": together["per_second"],
        "p50_ms": [alone["p50_ms"], together["p50_ms"]],
        "p99_ms": [alone["p99_ms"], together["p99_ms"]],
        "web_cpu_share": [alone["cpu"], together["cpu"]],
        "failed": alone["failed"] + together["failed"],
        "events_each": len(heard[0]),
        "streams_that_differ": sum(one != heard[0] for one in heard),
    }


def _memory(instance: Instance) -> int:
    """What the web processes have for themselves, in bytes."""
    (web,) = instance.pids()["web"]
    processes = [psutil.Process(web), *psutil.Process(web).children(recursive=True)]
    return sum(process.memory_full_info().uss for process in processes)


def _requests(instance: Instance, seconds: float) -> dict[str, Any]:
    """PER_SECOND requests a second, each sent when its time has come."""
    clients = [Client(instance.base_url, instance.api_key) for _ in range(10)]
    times: list[float] = []
    failures = [0]
    (web,) = instance.pids()["web"]
    began, cpu = time.perf_counter(), _cpu(web)

    def work(number: int) -> None:
        client = clients[number]
        for turn in range(number, int(PER_SECOND * seconds), len(clients)):
            due = began + turn / PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            if turn % ORDERS == 0:
                sale = {"buyerId": "stream-buyer", "sellerId": "stream-seller", "amount": 1}
                status, _ = client.call("POST", "/api/v1/orders", sale | {"description": "Bench"})
            else:
                status, _ = client.call("GET", "/api/v1/orders?limit=1")
            failures[0] += status not in (200, 201)
            times.append((time.perf_counter() - due) * 1000)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    ordered = sorted(times)
    return {
        "per_second": round(len(times) / took, 1),
        "p50_ms": round(ordered[len(ordered) // 2], 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
        "cpu": round((_cpu(web) - cpu) / took, 2),
        "failed": failures[0],
    }


def _cpu(root: int) -> float:
    processes = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


# --- beside the threaded server -----------------------------------------------------------------
@contextmanager
def _threaded(instance: Instance) -> Iterator[tuple[str, int]]:
    """The same application under gunicorn's threads, on the same database."""
    (web,) = instance.pids()["web"]
    url = f"http://127.0.0.1:{(port := ports.any_free())}"
    command = [sys.executable, "-m", "gunicorn", "offerhub.wsgi:application", "--preload"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2"]
    command += ["--threads", "8", "--keep-alive", "75", "--no-control-socket"]
    environment = psutil.Process(web).environ()
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment)
    try:
        for _ in range(300):
            try:
                if requests.get(f"{url}/readyz", timeout=2).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.2)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _beside_threads(instance: Instance, seconds: float) -> dict[str, Any]:
    """Rate and processor time of the loop as ratios to the threaded server's, taken in turns."""
    (web,) = instance.pids()["web"]

    def me(client: Client, number: int, turn: int) -> bool:
        return client.call("GET", "/api/v1/me")[0] == 200

    def listed(client: Client, number: int, turn: int) -> bool:
        return client.call("GET", "/api/v1/orders")[0] == 200

    def order(client: Client, number: int, turn: int) -> bool:
        sale = {"buyerId": "stream-buyer", "sellerId": "stream-seller", "amount": 1}
        return client.call("POST", "/api/v1/orders", sale | {"description": "B"})[0] == 201

    found: dict[str, Any] = {}
    with _threaded(instance) as (url, pid):
        servers = {"loop": (instance.base_url, web), "threads": (url, pid)}
        for name, step in {"GET /me": me, "list orders": listed, "create order": order}.items():
            best: dict[str, list[float]] = {"loop": [], "threads": []}
            cpu: dict[str, list[float]] = {"loop": [], "threads": []}
            for kind in ("loop", "threads") * 3:
                base, root = servers[kind]
                figures = measure(
                    name,
                    lambda base=base: Client(base, instance.api_key),  # type: ignore[misc]
                    step,
                    clients=8,
                    seconds=seconds / 2,
                    pids={"web": [root]},
                )
                best[kind].append(figures.rate)
                cpu[kind].append(figures.cpu["web"])
            found[name] = {
                "rate": round(max(best["loop"]) / max(best["threads"]), 2),
                "cpu": round(min(cpu["loop"]) / min(cpu["threads"]), 2),
            }
    return found
