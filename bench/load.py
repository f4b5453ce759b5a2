"""A small load generator: closed-loop clients over keep-alive connections, and what they cost.

Each client sends its next request when the last was answered, so the rate is what the server can
do for that many clients. Processor time is read from the operating system per role, before and
after, because on a shared machine it says more than the clock.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil


class Client:
    """One connection with one key."""

    def __init__(self, base_url: str, api_key: str) -> None:
        parts = urlsplit(base_url)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        self.headers = {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded body of one request. A read is asked again when the server closed
        a connection that had been idle."""
        data = json.dumps(body) if body is not None else None
        self.connection.request(method, path, data, self.headers)
        try:
            answer = self.connection.getresponse()
        except http.client.RemoteDisconnected:
            if method != "GET":
                raise
            self.connection.request(method, path, data, self.headers)
            answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None


@dataclass
class Figures:
    """What a run of one kind of request gave. Times in milliseconds."""

    name: str
    clients: int
    requests: int
    failures: int
    seconds: float
    times: list[float]
    cpu: dict[str, float] = field(default_factory=dict)  # milliseconds per request, by role

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def quantile(self, share: float) -> float:
        """The time within which that share of the requests was answered."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def cpu_seconds(pids: dict[str, list[int]]) -> dict[str, float]:
    """Processor seconds used so far by each role's processes and their children."""
    used = {}
    for role, roots in pids.items():
        total = 0.0
        for pid in roots:
            root = psutil.Process(pid)
            for process in [root, *root.children(recursive=True)]:
                times = process.cpu_times()
                total += times.user + times.system
        used[role] = total
    return used


def measure(
    name: str,
    make_client: Callable[[], Client],
    step: Callable[[Client, int, int], bool],
    *,
    clients: int,
    seconds: float,
    pids: dict[str, list[int]],
    most: int = 1_000_000,
) -> Figures:
    """Run `step(client, client_number, turn)` in a closed loop; it answers whether it succeeded."""
    times: list[list[float]] = [[] for _ in range(clients)]
    failures = [0] * clients
    start = threading.Barrier(clients + 1)
    stop_at = [0.0]

    def work(number: int) -> None:
        client = make_client()
        start.wait()
        turn = 0
        while time.perf_counter() < stop_at[0] and turn < most:
            began = time.perf_counter()
            if not step(client, number, turn):
                failures[number] += 1
            times[number].append((time.perf_counter() - began) * 1000)
            turn += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    before = cpu_seconds(pids)
    began = time.perf_counter()
    stop_at[0] = began + seconds
    start.wait()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    after = cpu_seconds(pids)
    count = sum(len(t) for t in times)
    cpu = {role: (after[role] - before[role]) * 1000 / max(count, 1) for role in pids}
    flat = [t for client_times in times for t in client_times]
    return Figures(name, clients, count, sum(failures), elapsed, flat, cpu)
