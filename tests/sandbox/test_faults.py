"""Scripted bad days: each answer, and what had happened behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from stellar_sdk import Asset, Keypair, SorobanServer, TransactionEnvelope, xdr

from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


class Payment:
    """A signed payment of one USDC, ready to be sent several times."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.a, self.b = player.person("10"), player.person()
        builder = player.builder(self.a).append_payment_op(self.b.public_key, player.usdc, "1")
        self.text = player.signed(builder, self.a)
        envelope = TransactionEnvelope.from_xdr(self.text, player.passphrase)
        self.hash = envelope.hash_hex()

    def send(self) -> requests.Response:
        return self.player.post_xdr(self.text)

    @property
    def landed(self) -> bool:
        return self.player.balance(self.b.public_key) == 1

    @property
    def found(self) -> bool:
        return self.player.get(f"/transactions/{self.hash}").status_code == 200


@pytest.fixture
def payment(player: Player) -> Payment:
    return Payment(player)


def test_504_before_applies_nothing(payment: Payment) -> None:
    payment.player.fault("/transactions", "504-before")
    answer = payment.send()
    assert (answer.status_code, answer.json()["title"]) == (504, "Timeout")
    assert (payment.landed, payment.found) == (False, False)
    assert payment.send().status_code == 200
    assert payment.landed


def test_504_after_has_applied_it(payment: Payment) -> None:
    payment.player.fault("/transactions", "504-after")
    answer = payment.send()
    assert answer.status_code == 504
    assert answer.json()["extras"]["hash"] == payment.hash
    assert (payment.landed, payment.found) == (True, True)
    assert payment.send().json()["successful"] is True
    assert payment.landed


@pytest.mark.parametrize(("answer", "status"), [("429", 429), ("503", 503)])
def test_refusals_name_when_to_come_back(payment: Payment, answer: str, status: int) -> None:
    payment.player.fault("/transactions", answer)
    found = payment.send()
    assert found.status_code == status
    assert int(found.headers["Retry-After"]) >= 1
    assert not payment.landed


@pytest.mark.parametrize(("answer", "landed"), [("drop", False), ("drop-after", True)])
def test_a_dropped_connection_says_nothing(payment: Payment, answer: str, landed: bool) -> None:
    payment.player.fault("/transactions", answer)
    with pytest.raises(requests.ConnectionError):
        payment.send()
    assert payment.landed is landed


def test_bad_seq_can_follow_a_lost_answer(payment: Payment) -> None:
    payment.player.fault("/transactions", "504-after")
    payment.player.fault("/transactions", "bad-seq")
    assert payment.send().status_code == 504
    second = payment.send()
    assert second.status_code == 400
    assert second.json()["extras"]["result_codes"] == {"transaction": "tx_bad_seq"}
    result = xdr.TransactionResult.from_xdr(second.json()["extras"]["result_xdr"])
    assert result.result.code == xdr.TransactionResultCode.txBAD_SEQ
    assert payment.found
    assert payment.landed


def test_a_polite_failure_is_a_failure(payment: Payment) -> None:
    payment.player.fault("/transactions", "failed-200")
    answer = payment.send()
    assert (answer.status_code, answer.json()["successful"]) == (200, False)
    assert not payment.landed


def test_a_fault_is_used_as_often_as_it_says(payment: Payment) -> None:
    payment.player.fault("/transactions", "503", times=3)
    assert [payment.send().status_code for _ in range(4)] == [503, 503, 503, 200]
    assert payment.player.get("/control/faults").json() == {"faults": []}


def test_faults_meet_only_their_path_and_method(payment: Payment) -> None:
    payment.player.fault("/accounts/*/payments", "503", method="GET", times=5)
    payment.player.fault("/helper", "503", method="GET")
    assert payment.send().status_code == 200
    path = f"/accounts/{payment.b.public_key}"
    assert payment.player.get(path).status_code == 200
    assert payment.player.get(f"{path}/payments").status_code == 503
    listed = payment.player.get("/control/faults").json()["faults"]
    assert [fault["times"] for fault in listed] == [4, 1]
    cleared = payment.player.http.delete(f"{payment.player.url}/control/faults").json()
    assert cleared == {"cleared": 2}
    assert payment.player.get(f"{path}/payments").status_code == 200


def test_a_delay_delays_and_blocks_nobody_else(payment: Payment) -> None:
    payment.player.fault("/fee_stats", "", method="GET", delay=0.3)
    began = time.monotonic()
    assert payment.player.get("/fee_stats").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_lagging_reads_do_not_see_what_has_landed(payment: Payment) -> None:
    player = payment.player
    seen = player.get("/").json()["history_latest_ledger"]
    player.fault("", "lag", method="GET", times=4)
    assert payment.send().status_code == 200
    assert player.get(f"/transactions/{payment.hash}").status_code == 404
    page = player.get(f"/accounts/{payment.b.public_key}/payments").json()
    assert len(page["_embedded"]["records"]) == 1
    assert player.get("/").json()["history_latest_ledger"] == seen
    latest = player.get("/ledgers", order="desc", limit=1).json()["_embedded"]["records"][0]
    assert latest["sequence"] == seen
    assert payment.found


def test_rpc_lags_too(payment: Payment) -> None:
    player = payment.player
    with SorobanServer(f"{player.url}/rpc") as rpc:
        before = rpc.get_latest_ledger().sequence
        player.fault("/rpc", "lag", times=3)
        payment.send()
        assert rpc.get_transaction(payment.hash).status.value == "NOT_FOUND"
        assert rpc.get_latest_ledger().sequence == before
        assert all(e.ledger <= before for e in rpc.get_events(start_ledger=1).events)
        assert rpc.get_transaction(payment.hash).status.value == "SUCCESS"


def test_lag_can_hide_a_number_of_ledgers_for_a_while(payment: Payment) -> None:
    player = payment.player
    player.fault("/transactions/", "lag", method="GET", ledgers=2, **{"for": 30})
    payment.send()
    assert not payment.found
    player.control("ledgers", close=1)
    assert not payment.found
    player.control("ledgers", close=1)
    assert payment.found


def send_path(deal: Deal, path: str, body: dict[str, Any], who: Keypair) -> tuple[int, Any]:
    sent = deal.player.send(deal.player.envelope(path, body), who)
    return sent.status, sent.body


def test_faults_of_the_escrow_api_speak_its_words(player: Player) -> None:
    deal = Deal(player).deploy()
    path, body = deal.path("fund-escrow"), deal.fund_body(500)

    def scripted(answer: str) -> tuple[int, Any]:
        player.fault("/helper/send-transaction", answer)
        return send_path(deal, path, body, deal.buyer)

    status, found = scripted("failed-200")
    assert (status, found["status"]) == (200, "FAILED")
    assert scripted("429")[0] == 429
    assert scripted("503")[0] == 503
    assert scripted("504-before")[0] == 504
    status, found = scripted("bad-seq")
    assert (status, "tx_bad_seq" in found["message"]) == (400, True)
    assert player.held(deal.contract) == 0
    assert scripted("504-after")[0] == 504
    assert player.held(deal.contract) == 500


def test_an_archived_entry_fails_the_call_in_a_ledger_and_is_charged(player: Player) -> None:
    deal = Deal(player).deploy()
    path, body = deal.path("fund-escrow"), deal.fund_body(500)
    before = player.sequence(deal.buyer), player.balance(deal.buyer.public_key, Asset.native())
    player.fault("/helper/send-transaction", "entry-archived")
    status, found = send_path(deal, path, body, deal.buyer)
    assert (status, found) == (200, {"status": "FAILED", "message": "entry_archived"})
    assert player.held(deal.contract) == 0
    assert player.sequence(deal.buyer) == before[0] + 1
    assert player.balance(deal.buyer.public_key, Asset.native()) < before[1]
    assert send_path(deal, path, body, deal.buyer)[0] == 200
    assert player.held(deal.contract) == 500


def test_a_lost_deploy_is_found_by_its_engagement(player: Player) -> None:
    deal = Deal(player)
    player.fault("/helper/send-transaction", "504-after")
    text = player.envelope("/deployer/single-release", deal.body)
    assert player.send(text, deal.buyer).status == 504
    rows = player.http.get(
        f"{player.url}/helper/get-escrows-by-signer",
        params={"signer": deal.buyer.public_key, "engagementId": "ord_1"},
        headers=player.key,
    ).json()
    assert len(rows) == 1
    again = player.send(text, deal.buyer)
    assert again.ok
    assert again.body["contractId"] == rows[0]["contractId"]


def test_the_provider_limit_counts_per_minute(start: Callable[..., Player]) -> None:
    player = start(provider_limit=50)
    assert player.health["providerLimit"] == 50

    def call() -> requests.Response:
        return player.build("/helper/get-escrows-by-signer", {}, "GET")

    assert [call().status_code for _ in range(50)] == [200] * 50
    over = call()
    assert over.status_code == 429
    assert 1 <= int(over.headers["Retry-After"]) <= 61
    assert "Too Many Requests" in over.json()["message"]
    assert player.get("/fee_stats").status_code == 200
    player.control("clock", advance=int(over.headers["Retry-After"]))
    assert call().status_code == 200
    player.control("provider-limit", perMinute=1)
    assert [call().status_code for _ in range(2)] == [200, 429]
    player.control("provider-limit", perMinute=0)
    assert {call().status_code for _ in range(60)} == {200}
