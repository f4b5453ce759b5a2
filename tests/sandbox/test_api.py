"""The escrow API's manners: keys, validation, reads, and what it does not do."""

from __future__ import annotations

from typing import Any

import pytest
from stellar_sdk import Asset, TransactionBuilder, TransactionEnvelope

from offerhub.sandbox.soroban import deployed_id
from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


@pytest.mark.parametrize("key", [None, "", "wrong.key"])
def test_every_call_needs_the_key(player: Player, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key}
    for method, path in (
        ("POST", "/deployer/single-release"),
        ("POST", "/escrow/single-release/fund-escrow"),
        ("PUT", "/escrow/multi-release/update-escrow"),
        ("POST", "/helper/send-transaction"),
        ("GET", "/helper/get-escrow-by-contract-ids"),
        ("POST", "/indexer/update-from-txHash"),
        ("POST", "/helper/nowhere"),
    ):
        answer = player.http.request(method, player.url + path, json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["statusCode"] == 401


def complaints(player: Player, path: str, body: object) -> list[str]:
    answer = player.build(path, body)  # type: ignore[arg-type]
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "Bad Request"
    found: list[str] = answer.json()["message"]
    return found


def test_a_deploy_body_is_checked_as_a_whole(player: Player) -> None:
    path = "/deployer/single-release"
    assert complaints(player, path, []) != []
    found = complaints(player, path, {})
    named = {"signer", "engagementId", "title", "description", "amount", "platformFee"}
    assert named <= {complaint.split()[0] for complaint in found}
    deal = Deal(player)
    for field, value in (
        ("amount", "500"),
        ("amount", True),
        ("amount", 1.00000001),
        ("amount", 1e40),
        ("platformFee", -1),
        ("title", "x" * 101),
        ("engagementId", "x" * 101),
        ("description", "x" * 501),
        ("milestones", "one"),
        ("trustline", {"address": player.issuer}),
        ("signer", "GABC"),
    ):
        found = complaints(player, path, deal.body | {field: value})
        assert len(found) == 1, (field, found)
        assert field in found[0]


def test_indexes_are_strings_and_splits_are_unique(player: Player) -> None:
    deal = Deal(player).deploy()
    path = deal.path("approve-milestone")
    for index in (0, "", "x", "-1", None):
        assert complaints(player, path, deal.approve_body(milestoneIndex=index))
    twice = [{"address": deal.buyer.public_key, "amount": 1}] * 2
    body = deal.split_body({}) | {"distributions": twice}
    assert complaints(player, deal.resolve_path, body) == [
        "distributions must have unique addresses"
    ]


def test_long_status_and_evidence_are_refused(player: Player) -> None:
    deal = Deal(player).deploy()
    path = deal.path("change-milestone-status")
    assert complaints(player, path, deal.status_body(newStatus="x" * 51))
    assert complaints(player, path, deal.status_body(newStatus=""))
    assert complaints(player, path, deal.status_body(newEvidence="x" * 501))


def test_pairs_are_taken_as_distributions_too(player: Player) -> None:
    deal = Deal(player, platformFee=0).funded()
    deal.dispute()
    body = deal.split_body({}) | {"distributions": [[deal.buyer.public_key, "500"]]}
    player.do(deal.resolver, deal.resolve_path, body)
    assert player.balance(deal.buyer.public_key) == 1000


def test_an_unknown_contract_and_the_wrong_kind_are_not_found(player: Player) -> None:
    deal = Deal(player).deploy()
    wrong = "/escrow/multi-release/approve-milestone"
    assert "not found" in player.refusal(wrong, deal.approve_body())
    other = deployed_id(player.passphrase, player.health["factoryAddress"], bytes(32))
    body = deal.approve_body(contractId=other)
    assert "not found" in player.refusal(deal.path("approve-milestone"), body)


@pytest.mark.parametrize(
    "path",
    [
        "/escrow/multi-release/release-funds",
        "/escrow/multi-release/dispute-escrow",
        "/escrow/multi-release/resolve-dispute",
        "/escrow/single-release/release-milestone-funds",
        "/v1/deployer/single-release/x",
        "/escrow/single-release/complete-milestone",
    ],
)
def test_paths_that_v1_does_not_have_are_not_there(player: Player, path: str) -> None:
    assert player.build(path, {}).status_code == 404


def test_the_contract_id_can_be_known_before_the_deploy(player: Player) -> None:
    deal = Deal(player)
    text = player.envelope("/deployer/single-release", deal.body)
    envelope = TransactionEnvelope.from_xdr(text, player.passphrase)
    operation: Any = envelope.transaction.operations[0]
    salt = operation.host_function.invoke_contract.args[2].bytes.sc_bytes
    expected = deployed_id(player.passphrase, player.health["factoryAddress"], salt)
    assert player.send(text, deal.buyer).body["contractId"] == expected


def test_an_unsigned_envelope_is_one_call_with_a_price_and_an_end(player: Player) -> None:
    deal = Deal(player).deploy()
    text = player.envelope(deal.path("approve-milestone"), deal.approve_body())
    envelope = TransactionEnvelope.from_xdr(text, player.passphrase)
    tx = envelope.transaction
    assert (len(tx.operations), envelope.signatures) == (1, [])
    assert tx.source.account_id == deal.buyer.public_key
    assert tx.sequence == player.sequence(deal.buyer) + 1
    assert tx.soroban_data is not None
    assert tx.fee == 100 + tx.soroban_data.resource_fee.int64
    assert tx.preconditions is not None
    assert tx.preconditions.time_bounds is not None
    assert 290 <= tx.preconditions.time_bounds.max_time - player.now() <= 310
    sent = player.send(text, deal.buyer)
    assert int(player.get(f"/transactions/{sent.hash}").json()["fee_charged"]) == tx.fee


def test_two_builds_for_one_signer_cannot_both_land(player: Player) -> None:
    deal = Deal(player, milestones=[{"description": "a"}, {"description": "b"}]).deploy()
    path = deal.path("approve-milestone")
    first = player.envelope(path, deal.approve_body(0))
    second = player.envelope(path, deal.approve_body(1))
    assert player.send(first, deal.buyer).ok
    late = player.send(second, deal.buyer)
    assert (late.status, "tx_bad_seq" in late.body["message"]) == (400, True)
    assert [m["approved"] for m in deal.row()["milestones"]] == [True, False]


def test_a_resent_envelope_answers_the_same_and_moves_once(player: Player) -> None:
    deal = Deal(player).deploy()
    text = player.envelope(deal.path("fund-escrow"), deal.fund_body(300))
    first, second = player.send(text, deal.buyer), player.send(text, deal.buyer)
    assert first.body == second.body
    assert player.held(deal.contract) == 300


def test_a_fee_bump_is_not_taken_here_but_on_horizon(player: Player) -> None:
    deal = Deal(player).deploy()
    text = player.envelope(deal.path("fund-escrow"), deal.fund_body(300))
    inner = TransactionEnvelope.from_xdr(text, player.passphrase)
    inner.sign(deal.buyer)
    payer = player.friend()
    bump = TransactionBuilder.build_fee_bump_transaction(
        payer.public_key, 300_000, inner, player.passphrase
    )
    bump.sign(payer)
    answer = player.build("/helper/send-transaction", {"signedXdr": bump.to_xdr()})
    assert answer.status_code == 400
    assert player.held(deal.contract) == 0
    assert player.post_xdr(bump.to_xdr()).status_code == 200
    assert player.held(deal.contract) == 300


def test_the_indexer_learns_of_direct_submissions_only_when_told(player: Player) -> None:
    deal = Deal(player).deploy()
    text = player.envelope(deal.path("fund-escrow"), deal.fund_body(300))
    envelope = TransactionEnvelope.from_xdr(text, player.passphrase)
    envelope.sign(deal.buyer)
    assert player.post_xdr(envelope.to_xdr()).status_code == 200
    assert deal.row()["balance"] == 0
    assert deal.row(validateOnChain="true")["balance"] == 300
    body = {"txHash": envelope.hash_hex()}
    answer = player.build("/indexer/update-from-txHash", body)
    assert answer.json()["status"] == "SUCCESS"
    assert deal.row()["balance"] == 300
    assert player.build("/indexer/update-from-txHash", {"txHash": "0" * 64}).status_code == 404


def test_rows_carry_numbers_roles_and_times(player: Player) -> None:
    deal = Deal(player, platformFee=2.5).funded(12.34)
    row = deal.row()
    assert (row["amount"], row["balance"], row["platformFee"]) == (500, 12.34, 2.5)
    assert row["roles"] == deal.body["roles"]
    assert row["trustline"]["address"] == player.issuer
    assert row["trustline"]["symbol"] == "USDC"
    assert set(row["createdAt"]) == {"_seconds", "_nanoseconds"}
    assert row["milestones"] == [
        {"description": "All of it", "status": "pending", "evidence": "", "approved": False}
    ]


def by_role(player: Player, **params: Any) -> list[str]:
    answer = player.http.get(
        f"{player.url}/helper/get-escrows-by-role", params=params, headers=player.key
    )
    assert answer.status_code == 200, answer.text
    return [row["engagementId"] for row in answer.json()]


def test_reads_by_role_filter_and_sort(player: Player) -> None:
    deal = Deal(player)
    for number, amount in ((1, 10), (2, 30), (3, 20)):
        body = deal.body | {"engagementId": f"ord_{number}", "amount": amount}
        deal.contract = player.do(deal.buyer, "/deployer/single-release", body).body["contractId"]
    who = {"role": "approver", "roleAddress": deal.buyer.public_key}
    ordered = by_role(player, **who, orderBy="amount", orderDirection="asc")
    assert ordered == ["ord_1", "ord_3", "ord_2"]
    assert by_role(player, **who, engagementId="ord_2") == ["ord_2"]
    assert sorted(by_role(player, **who, minAmount=20)) == ["ord_2", "ord_3"]
    assert by_role(player, **who, type="multi-release") == []
    assert by_role(player, role="receiver", roleAddress=deal.buyer.public_key) == []
    deal.approve()
    assert by_role(player, **who, status="pendingRelease") == ["ord_3"]
    assert by_role(player, **who, page=2) == []


def test_balances_take_both_spellings_and_twenty_addresses(player: Player) -> None:
    deal = Deal(player).funded(7)

    def ask(name: str, addresses: list[str]) -> Any:
        return player.http.get(
            f"{player.url}/helper/get-multiple-escrow-balance",
            params={name: addresses},
            headers=player.key,
        )

    for name in ("addresses", "addresses[]"):
        assert ask(name, [deal.contract]).json() == [{"address": deal.contract, "balance": 7}]
    assert ask("addresses", [deal.contract] * 21).status_code == 500


def test_a_trustline_can_be_asked_for(player: Player) -> None:
    a = player.friend()
    body = {"signer": a.public_key, "trustline": {"address": player.issuer, "symbol": "USDC"}}
    text = player.envelope("/helper/set-trustline", body)
    assert player.send(text, a).ok
    assert player.balance(a.public_key) == 0
    assert player.balance(a.public_key, Asset.native()) < 10_000


def test_what_is_no_transaction_is_refused(player: Player) -> None:
    answer = player.build("/helper/send-transaction", {"signedXdr": "AAAA"})
    assert answer.status_code == 400
    broken = player.http.post(f"{player.url}/helper/send-transaction", data="{", headers=player.key)
    assert broken.status_code == 400
