"""Webhooks: how fast a backlog goes out, and whether everything arrives when everything fails.

First a backlog for a consumer that answers well, as a ratio to bare posts to the same consumer in
the same run. Then 10,000 events for one that fails three times in ten, while the deliverer is
killed again and again; the waits between tries are cut short by the sandbox's clock.
"""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from bench.instance import ROOT, Instance
from bench.load import Client, cpu_seconds

BACKLOG = 1000
ORDERS = 5000  # each is created and cancelled: two events
KILLS = 5
FAILING = 30  # of a hundred posts
CLIENTS = 8


@contextmanager
def consuming(failing: int) -> Iterator[str]:
    """A consumer in a process of its own; its address."""
    command = [sys.executable, "-m", "bench.consumer", str(failing)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def run(instance: Instance, orders: int = ORDERS) -> dict[str, Any]:
    """Both figures."""
    client = Client(instance.base_url, instance.api_key)
    for name in ("hook-buyer", "hook-seller"):
        client.call("POST", "/api/v1/users", {"externalId": name})
    with consuming(0) as url:
        results = _backlog(instance, client, url)
    with consuming(FAILING) as url:
        results |= _proof(instance, client, url, orders)
    return results


def _endpoint(client: Client, url: str) -> dict[str, Any]:
    body = {"url": f"{url}/hooks", "types": ["order.*"]}
    status, made = client.call("POST", "/api/v1/webhook-endpoints", body)
    assert status == 201, made
    found: dict[str, Any] = made
    return found


def _make_orders(instance: Instance, count: int) -> None:
    """So many orders, each created and cancelled at once."""

    def work(number: int) -> None:
        client = Client(instance.base_url, instance.api_key)
        for _ in range(number, count, CLIENTS):
            sale = {"buyerId": "hook-buyer", "sellerId": "hook-seller", "amount": 1}
            status, order = client.call("POST", "/api/v1/orders", sale | {"description": "Bench"})
            assert status == 201, order
            client.call("POST", f"/api/v1/orders/{order['id']}/cancel", {})

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))


def _heard(url: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(url, timeout=30).json()
    return found


def _backlog(instance: Instance, client: Client, url: str) -> dict[str, Any]:
    endpoint = _endpoint(client, url)
    (deliverer,) = instance.pids()["deliverer"]
    os.kill(deliverer, signal.SIGSTOP)
    _make_orders(instance, BACKLOG // 2)
    limit = _bare_posts(url)
    before = cpu_seconds({"deliverer": [deliverer]})["deliverer"]
    began = time.perf_counter()
    os.kill(deliverer, signal.SIGCONT)
    while (count := _heard(url)["done"]) < BACKLOG:
        assert time.perf_counter() - began < 300, f"{count} of {BACKLOG}"
        time.sleep(0.05)
    took = time.perf_counter() - began
    cpu = cpu_seconds({"deliverer": [deliverer]})["deliverer"] - before
    client.call("DELETE", f"/api/v1/webhook-endpoints/{endpoint['id']}")
    return {
        "backlog": BACKLOG,
        "per_second": round(BACKLOG / took),
        "of_bare_posts": round(BACKLOG / took / limit, 2),
        "cpu_ms_each": round(cpu * 1000 / BACKLOG, 2),
    }


def _bare_posts(url: str, seconds: float = 3.0) -> float:
    """Posts a second that ten threads get through, each with a connection of its own."""
    parts, body = urlsplit(url), b"{}" * 200

    def work(_: int) -> int:
        count, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
            connection.request("POST", "/bare", body, {"Connection": "close"})
            connection.getresponse().read()
            connection.close()
            count += 1
        return count

    with ThreadPoolExecutor(10) as pool:
        return sum(pool.map(work, range(10))) / seconds


def _proof(instance: Instance, client: Client, url: str, orders: int) -> dict[str, Any]:
    endpoint, wanted = _endpoint(client, url), orders * 2
    requests.put(url, data=endpoint["secret"], timeout=30)
    start = client.call("GET", f"/api/v1/events?subject={endpoint['id']}")[1]["nextCursor"]
    began, killed = time.perf_counter(), 0
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(_make_orders, instance, orders)
        seen, quiet_since = -1, time.perf_counter()
        while True:
            heard = _heard(url)
            if killed < KILLS and heard["done"] > wanted * (killed + 1) // (KILLS + 2):
                for pid in instance.pids()["deliverer"]:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            if heard["posts"] != seen:
                seen, quiet_since = heard["posts"], time.perf_counter()
            if making.done() and not _waiting(instance, endpoint["id"]):
                break
            if making.done() and time.perf_counter() - quiet_since > 2.0:
                _let_time_pass(instance)
            assert time.perf_counter() - began < 1800, heard
            time.sleep(0.5)
        making.result()
    return _judged(url, _log(instance, start), wanted) | {
        "killed": killed,
        "seconds": round(time.perf_counter() - began),
    }


def _waiting(instance: Instance, endpoint: str) -> bool:
    client = Client(instance.base_url, instance.api_key)  # a kept connection ends when it is quiet
    path = f"/api/v1/webhook-endpoints/{endpoint}/deliveries?status=PENDING&limit=1"
    return bool(client.call("GET", path)[1]["data"])


def _let_time_pass(instance: Instance) -> None:
    answer = requests.post(
        f"{instance.sandbox_url}/control/clock", json={"advance": "PT1H"}, timeout=30
    )
    assert answer.ok, answer.text


def _log(instance: Instance, after: str) -> list[dict[str, Any]]:
    """What the log says that happened to orders since a place in it."""
    client = Client(instance.base_url, instance.api_key)
    found: list[dict[str, Any]] = []
    while True:
        path = f"/api/v1/events?types=order.*&limit=100&after={after}"
        status, page = client.call("GET", path)
        assert status == 200, page
        found += page["data"]
        if not page["hasMore"]:
            return found
        after = page["nextCursor"]


def _judged(url: str, log: list[dict[str, Any]], wanted: int) -> dict[str, Any]:
    """What the consumer did, which must be what the log says: each event once, in the order of its
    object, and nothing that the published library did not accept."""
    heard = _heard(f"{url}/all")
    done: dict[str, list[Any]] = heard["done"]
    assert len(log) == wanted, f"the log has {len(log)} events, not {wanted}"
    missing, more = {event["id"] for event in log} - set(done), set(done) - {e["id"] for e in log}
    assert not missing, f"{len(missing)} events never arrived, such as {min(missing)}"
    assert not more, f"{len(more)} came that the log does not have, such as {min(more)}"
    assert heard["refused"] == 0, f"{heard['refused']} signatures were refused"
    assert heard["differing"] == 0, f"{heard['differing']} repeats said something else"
    for what, order in (("first heard", heard["first"]), ("done", list(done))):
        sequences: dict[str, list[int]] = defaultdict(list)
        for message in order:
            subject, sequence = done[message]
            sequences[subject].append(sequence)
        wrong = [s for s, found in sequences.items() if found != list(range(1, len(found) + 1))]
        assert not wrong, f"{len(wrong)} objects were {what} out of order, such as {wrong[0]}"
    return {
        "events": wanted,
        "done_once_each": len(done),
        "posts": heard["posts"],
        "posts_per_event": round(heard["posts"] / wanted, 2),
        "answered_503": heard["failed"],
        "repeats_after_success": heard["repeated"],
        "signatures_accepted": heard["posts"] - heard["refused"],
        "out_of_order": 0,
    }
