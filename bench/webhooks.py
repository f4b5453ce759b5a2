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
from standardwebhooks import Webhook

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
    while (count := _heard(url)["first"]) < BACKLOG:
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
    began, killed = time.perf_counter(), 0
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(_make_orders, instance, orders)
        seen, quiet_since = -1, time.perf_counter()
        while True:
            heard = _heard(url)
            if killed < KILLS and heard["first"] > wanted * (killed + 1) // (KILLS + 2):
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
    return _judged(url, endpoint["secret"], wanted) | {
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


def _judged(url: str, secret: str, wanted: int) -> dict[str, Any]:
    whole = _heard(f"{url}/all")
    first, verifier = whole["first"], Webhook(secret)
    sequences: dict[str, list[int]] = defaultdict(list)
    for subject, sequence, body, headers in first.values():
        sequences[subject].append(sequence)
        # The verifier refuses what is older than five minutes, so it is told the time of then.
        verifier.verify(body, _fresh(verifier, body, headers))
    return {
        "events": wanted,
        "arrived": len(first),
        "posts": whole["posts"],
        "posts_per_event": round(whole["posts"] / wanted, 2),
        "out_of_order": sum(found != sorted(found) for found in sequences.values()),
    }


def _fresh(verifier: Webhook, body: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers as they came, unless they are too old to be verified now: then their signature is
    compared with the one that the library makes for that time."""
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    if (datetime.now(UTC) - at).total_seconds() < 240:
        return headers
    assert verifier.sign(headers["webhook-id"], at, body) in headers["webhook-signature"].split()
    now = datetime.now(UTC)
    signature = verifier.sign(headers["webhook-id"], now, body)
    return {
        **headers,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
