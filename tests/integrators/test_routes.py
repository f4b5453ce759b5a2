"""The sandbox's routes: pretend deposits, faults of one's own, time travel; nowhere else."""

import importlib
import re
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import clear_url_caches

from offerhub import urls as product_urls
from offerhub.api import own_views
from offerhub.core import clock
from offerhub.integrators import urls
from offerhub.integrators.views import Scenarios
from offerhub.sandbox.scenario_table import DESTINATIONS, SCENARIOS
from tests.http import Api
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
ROUTES = ["scenarios", "deposits", "faults", "clock"]


def test_a_pretend_deposit_is_credited_like_any_other(place: World, its_api: Api) -> None:
    ann = place.user("ann")
    body, key = {"userId": "ann", "amount": "12.5000001"}, {"Idempotency-Key": "d1"}
    paid = its_api.post("/sandbox/deposits", body, status=201, headers=key)
    assert (paid["userId"], paid["amount"]) == (ann.id, "12.5000001")
    assert its_api.post("/sandbox/deposits", body, status=201, headers=key) == paid
    place.watch()
    assert its_api.get("/users/ann/balance")["available"] == "12.5000001"
    deposits = its_api.get("/deposits")["data"]
    assert [d["status"] for d in deposits if d["userId"] == ann.id] == ["CREDITED"]
    assert its_api.post("/sandbox/deposits", {**body, "userId": "nobody"}, status=422)
    other = World(place.network)
    stranger = Api(its_api.url.removesuffix("/api/v1"), other.key())
    stranger.post("/sandbox/deposits", body, status=422)
    only_orders = Api(its_api.url.removesuffix("/api/v1"), place.key("orders:write"))
    for route in ROUTES[1:]:
        only_orders.post(f"/sandbox/{route}", {}, status=403)
    only_orders.get("/sandbox/scenarios", status=403)
    assert place.differences() == []


def test_a_fault_meets_ones_own_marketplace_alone(place: World, its_api: Api) -> None:
    place.user("ann", money="20")
    other = World(place.network)
    other.user("eve", money="20")
    theirs = Api(its_api.url.removesuffix("/api/v1"), other.key())
    wanted = {"on": "WITHDRAWAL_SEND", "answer": "504-before", "times": 3}
    fault = its_api.post("/sandbox/faults", wanted, status=201)
    assert (fault["on"], fault["answer"], fault["times"]) == ("WITHDRAWAL_SEND", "504-before", 3)
    assert its_api.get("/sandbox/faults")["data"] == [fault]
    assert theirs.get("/sandbox/faults")["data"] == []
    out = {"amount": 3, "destination": place.stranger()}
    assert theirs.post("/withdrawals", {"userId": "eve", **out}, status=201)["status"] == (
        "COMPLETED"
    )
    assert its_api.get("/sandbox/faults")["data"] == [fault]  # it did not meet it
    assert theirs.request("DELETE", "/sandbox/faults").json() == {"cleared": 0}
    headers = {"Prefer": "respond-async"}
    own = its_api.post("/withdrawals", {"userId": "ann", **out}, status=202, headers=headers)
    place.settle()
    assert its_api.get(f"/withdrawals/{own['id']}")["status"] == "COMPLETED"
    its_api.post("/sandbox/faults", {**wanted, "userId": "ann"}, status=201)
    assert its_api.request("DELETE", "/sandbox/faults").json()["cleared"] >= 1
    assert its_api.get("/sandbox/faults")["data"] == []
    slow = its_api.post("/sandbox/faults", {"on": "WITHDRAWAL_SEND", "answer": "slow"}, status=201)
    assert (slow["answer"], slow["delay"]) == ("slow", 10)
    its_api.request("DELETE", "/sandbox/faults")
    slower = {"on": "WITHDRAWAL_SEND", "answer": "slow", "delay": 1}
    assert its_api.post("/sandbox/faults", slower, status=201)["delay"] == 1
    began = time.monotonic()
    out["amount"] = 2
    paid = its_api.post("/withdrawals", {"userId": "ann", **out}, status=201)
    assert paid["status"] == "COMPLETED"
    assert time.monotonic() - began >= 1
    assert its_api.get("/sandbox/faults")["data"] == []
    for wrong in ({"answer": "lag"}, {"on": "EVERYTHING"}, {"times": 101}, {"delay": 31}):
        its_api.post("/sandbox/faults", {**wanted, **wrong}, status=400)
    assert place.differences() == other.differences() == []


def test_time_goes_on_for_network_and_product_within_bounds(place: World, its_api: Api) -> None:
    before = clock.now()
    moved = its_api.post("/sandbox/clock", {"advance": "P1D"}, status=201)
    assert (clock.now() - before).total_seconds() >= 86_400
    assert moved["latestLedger"] > 17_000
    for wrong in ("P367D", "PT30S", "-P1D", 5):
        its_api.post("/sandbox/clock", {"advance": wrong}, status=400)


def test_the_tables_say_what_there_is(place: World, its_api: Api) -> None:
    shown = its_api.get("/sandbox/scenarios")
    assert shown["enabled"] is True
    told = {(s.what, s.amount, s.happens, s.ends) for s in SCENARIOS}
    assert {(a["what"], a["amount"], a["happens"], a["ends"]) for a in shown["amounts"]} == told
    assert {(d["name"], d["happens"]) for d in shown["destinations"]} == set(DESTINATIONS.items())
    readme = (ROOT / "offerhub/integrators/README.md").read_text()
    for text in (readme, Scenarios.get.__doc__ or ""):
        rows = re.findall(r"^ *\| (withdrawal|order) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.M)
        assert set(rows) == told and len(rows) == len(told)


@pytest.mark.parametrize("network", ["testnet", "mainnet"])
def test_on_a_real_network_there_are_no_such_routes(
    network: str, monkeypatch: pytest.MonkeyPatch, committed: None
) -> None:
    client = Client(HTTP_HOST="localhost")
    assert client.get("/api/v1/sandbox/scenarios").status_code == 401
    with monkeypatch.context() as patched:
        patched.setattr(django_settings, "OFFERHUB_NETWORK", network)
        _reload()
        for route in ROUTES:
            for verb in ("get", "post", "delete"):
                answer = getattr(client, verb)(f"/api/v1/sandbox/{route}")
                assert answer.status_code == 404, route
                assert answer.json()["code"] == "not_found"
    _reload()
    assert client.get("/api/v1/sandbox/scenarios").status_code == 401


def _reload() -> None:
    importlib.reload(urls)
    importlib.reload(product_urls)
    clear_url_caches()
    own_views._document.cache_clear()
