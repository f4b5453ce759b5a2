"""The controls: money, time and ledgers on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from stellar_sdk import Asset, Keypair

from offerhub.sandbox.clock import duration
from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


def post(player: Player, name: str, body: object) -> requests.Response:
    return player.http.post(f"{player.url}/control/{name}", json=body)


def test_health_publishes_what_clients_need(player: Player) -> None:
    assert player.health["networkPassphrase"] == "Offerhub Sandbox Network ; 2026"
    expected = {
        "usdcIssuer", "usdcContract", "nativeContract", "factoryAddress",
        "trustlessWorkFeeAddress", "trustlessWorkApiKey", "latestLedger", "seed", "providerLimit",
    }  # fmt: skip
    assert expected <= set(player.health)
    assert "re-implemented" in player.health["note"]
    assert player.health["usdcContract"] == player.usdc.contract_id(player.passphrase)
    assert player.health["nativeContract"] == Asset.native().contract_id(player.passphrase)


def test_minting_to_an_account_is_a_real_payment(player: Player) -> None:
    a = player.person()
    answer = player.control("mint", address=a.public_key, amount="12.3456789")
    assert str(player.balance(a.public_key)) == "12.3456789"
    (record,) = player.operations(answer["hash"])
    assert (record["type"], record["from"], record["amount"]) == (
        "payment", player.issuer, "12.3456789",
    )  # fmt: skip


def test_minting_to_a_contract_is_a_token_transfer(player: Player) -> None:
    deal = Deal(player).deploy()
    answer = player.control("mint", address=deal.contract, amount=3)
    assert player.held(deal.contract) == 3
    (record,) = player.operations(answer["hash"])
    assert record["type"] == "invoke_host_function"
    (change,) = record["asset_balance_changes"]
    assert (change["type"], change["to"], change["amount"]) == ("mint", deal.contract, "3.0000000")


def test_minting_without_a_trustline_says_why_not(player: Player) -> None:
    a = player.friend()
    answer = post(player, "mint", {"address": a.public_key, "amount": "1"})
    assert answer.status_code == 409
    assert "trustline" in answer.json()["error"]
    assert answer.json()["resultCodes"]["operations"] == ["op_no_trust"]
    unknown = post(player, "mint", {"address": Keypair.random().public_key, "amount": "1"})
    assert unknown.json()["resultCodes"]["operations"] == ["op_no_destination"]


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1.00000001", "x", None, True, "922337203685.4775808"]
)
def test_impossible_amounts_are_refused(player: Player, amount: object) -> None:
    a = player.person()
    assert post(player, "mint", {"address": a.public_key, "amount": amount}).status_code == 400
    assert player.balance(a.public_key) == 0


def test_the_largest_amount_and_one_stroop_are_exact(player: Player) -> None:
    a, b = player.person("922337203685.4775807"), player.person("0.0000001")
    assert str(player.balance(a.public_key)) == "922337203685.4775807"
    assert player.balance(b.public_key) == Decimal("0.0000001")
    full = post(player, "mint", {"address": a.public_key, "amount": "0.0000001"})
    assert full.json()["resultCodes"]["operations"] == ["op_line_full"]


def test_another_issuers_dollar_is_another_asset(player: Player) -> None:
    a = player.person("1")
    refused = post(player, "asset", {"code": "USDC", "to": a.public_key, "amount": "5"})
    assert refused.status_code == 409
    code, issuer = refused.json()["asset"].split(":")
    assert issuer != player.issuer
    wrong = Asset(code, issuer)
    trust = player.builder(a).append_change_trust_op(wrong)
    assert player.submit(trust, a).status_code == 200
    player.control("asset", code="USDC", to=a.public_key, amount="5")
    assert player.balance(a.public_key, wrong) == 5
    assert player.balance(a.public_key) == 1
    other = post(player, "asset", {"code": "USDC", "to": a.public_key, "amount": "5",
                                   "issuerSeed": "third"})  # fmt: skip
    assert other.json()["asset"].split(":")[1] not in (issuer, player.issuer)


def test_a_stranger_can_dust_a_contract(player: Player) -> None:
    deal = Deal(player).funded()
    player.control("asset", code="DUST", to=deal.contract, amount="1")
    state = player.get("/control/state").json()["contracts"][deal.contract]
    assert state["balance"] == "500.0000000"
    assert sorted(state["balances"].values()) == ["1.0000000", "500.0000000"]


def test_freezing_and_clawing_back(player: Player) -> None:
    a, b = player.person("10"), player.person()
    player.control("trustline", address=a.public_key, authorized=False)
    assert player.pay(a, b.public_key, "1").status_code == 400
    player.control("trustline", address=a.public_key, authorized=True)
    assert player.pay(a, b.public_key, "1").status_code == 200
    player.control("clawback", address=a.public_key, amount="4")
    assert player.balance(a.public_key) == 5


def test_what_is_held_equals_what_was_issued(player: Player) -> None:
    deal = Deal(player).funded(500)
    deal.dispute()
    deal.resolve({deal.buyer.public_key: 200, deal.seller.public_key: 300})
    state = player.get("/control/state").json()
    issued = f"USDC:{player.issuer}"
    assert state["supply"][issued] == "1000.0000000"
    held = sum(Decimal(account.get(issued, "0")) for account in state["accounts"].values())
    assert held == 1000
    assert state["contracts"][deal.contract]["balance"] == "0.0000000"


def closed(player: Player) -> tuple[int, float]:
    (latest,) = player.get("/ledgers", order="desc", limit=1).json()["_embedded"]["records"]
    moment = datetime.strptime(latest["closed_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return latest["sequence"], moment.timestamp()


def test_advancing_the_clock_closes_the_ledgers_between(player: Player) -> None:
    before, then = closed(player)
    answer = player.control("clock", advance="P7D")
    after, now = closed(player)
    assert 604_800 <= now - then <= 604_805
    assert after - before == 120_960
    assert answer["latestLedger"] == after
    middle = player.get(f"/ledgers/{before + 60_480}").json()["closed_at"]
    half = datetime.strptime(middle, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert abs(half - then - 302_400) <= 10


def test_advancing_outdates_an_envelope(player: Player) -> None:
    a = player.friend()
    text = player.signed(player.builder(a, timeout=60).append_bump_sequence_op(0), a)
    player.control("clock", advance=61)
    answer = player.post_xdr(text)
    assert answer.json()["extras"]["result_codes"] == {"transaction": "tx_too_late"}


def test_with_a_stopped_clock_a_submission_waits_for_the_next_ledger(player: Player) -> None:
    a, b = player.person("1"), player.person()
    text = player.signed(player.builder(a).append_payment_op(b.public_key, player.usdc, "1"), a)
    player.control("clock", mode="manual")
    answers: list[requests.Response] = []
    waiting = threading.Thread(
        target=lambda: answers.append(
            requests.post(f"{player.url}/transactions", {"tx": text}, timeout=30)
        )
    )
    waiting.start()
    while not player.get("/control/clock").json()["waiting"]:
        assert waiting.is_alive()
        time.sleep(0.01)
    assert player.balance(b.public_key) == 0
    stood = player.get("/control/clock").json()
    player.control("clock", advance=5)
    waiting.join()
    assert [answer.status_code for answer in answers] == [200]
    assert player.balance(b.public_key) == 1
    assert player.get("/control/clock").json()["latestLedger"] == stood["latestLedger"] + 1


def test_a_stopped_clock_stands_still(player: Player) -> None:
    player.control("clock", mode="manual")
    first = player.get("/control/clock").json()
    time.sleep(0.05)
    assert player.get("/control/clock").json() == first
    player.control("clock", mode="auto")
    assert player.get("/control/clock").json()["mode"] == "auto"


def test_nobody_waits_for_ever(start: Callable[..., Player]) -> None:
    player = start(patience=0.05)
    a = player.friend()
    text = player.signed(player.builder(a).append_payment_op(a.public_key, Asset.native(), "1"), a)
    player.control("clock", mode="manual")
    assert player.post_xdr(text).status_code == 504
    player.control("ledgers", close=1)
    landed = player.post_xdr(text)
    assert (landed.status_code, landed.json()["successful"]) == (200, True)


def test_several_transactions_share_a_ledger_in_order(start: Callable[..., Player]) -> None:
    player = start()
    a, b = player.person("10"), player.person()
    builder = player.builder(a)
    texts = []
    for amount in ("1", "2", "3"):
        builder.operations.clear()
        builder.append_payment_op(b.public_key, player.usdc, amount)
        texts.append(player.signed(builder, a))
    player.control("clock", mode="manual")
    for text in texts:
        assert player.post_xdr(text, "/transactions_async").status_code == 201
    player.control("ledgers", close=1)
    page = player.get(f"/accounts/{b.public_key}/payments", join="transactions").json()
    found = page["_embedded"]["records"][1:]
    assert [r["amount"] for r in found] == ["1.0000000", "2.0000000", "3.0000000"]
    assert len({r["transaction"]["ledger"] for r in found}) == 1
    assert len({r["id"] for r in found}) == 3


def test_ledgers_close_on_demand(player: Player) -> None:
    before, then = closed(player)
    player.control("ledgers", close=7)
    after, now = closed(player)
    assert after == before + 7
    assert now >= then


def test_an_idle_network_still_closes_ledgers(player: Player) -> None:
    before, _ = closed(player)
    running: Any = player.control("clock", advance=4)
    assert running["mode"] == "auto"
    player.control("clock", advance=1)
    time.sleep(0.01)
    after, _ = closed(player)
    assert after > before


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("clock", {}),
        ("clock", {"advance": "P1M"}),
        ("clock", {"advance": -5}),
        ("clock", {"advance": True}),
        ("clock", {"mode": "fast"}),
        ("clock", {"speed": 2}),
        ("ledgers", {"close": 0}),
        ("provider-limit", {"perMinute": -1}),
        ("faults", {"answer": "505"}),
        ("faults", {}),
        ("faults", {"answer": "429", "times": 0}),
        ("faults", {"answer": "tampered", "mutation": "no-such"}),
        ("faults", {"answer": "429", "surprise": 1}),
        ("mint", []),
    ],
)
def test_a_wrong_control_is_refused_with_a_reason(player: Player, name: str, body: object) -> None:
    answer = post(player, name, body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_durations() -> None:
    assert [duration(d) for d in ("P7D", "PT90M", "P1W", "P1DT1S", 30)] == [
        604_800, 5_400, 604_800, 86_401, 30,
    ]  # fmt: skip
    for wrong in ("", "P", "P1Y", "7D", "PT", None, -1, 1.5):
        with pytest.raises(ValueError, match="duration"):
            duration(wrong)
