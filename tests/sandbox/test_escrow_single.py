"""The single-release contract, through the API: the flow, the money, every rule."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.sandbox.deal import Deal
from tests.sandbox.player import Player

Start = Callable[..., Player]


def test_a_release_pays_the_fees_first_and_the_seller_the_rest(start: Start) -> None:
    deal = Deal(start(protocol_fee_bps=30)).funded()
    deal.complete()
    deal.approve()
    sent = deal.release()
    fees = deal.player.health["trustlessWorkFeeAddress"]
    assert deal.player.paid(sent.hash) == [
        (fees, Decimal("1.5")),
        (deal.platform.public_key, Decimal(25)),
        (deal.seller.public_key, Decimal("473.5")),
    ]
    assert deal.player.held(deal.contract) == 0
    assert deal.row()["flags"] == {"disputed": False, "released": True, "resolved": False}


def test_a_dispute_splits_what_the_contract_holds(start: Start) -> None:
    deal = Deal(start(protocol_fee_bps=30), amount=300).funded(300)
    deal.dispute()
    sent = deal.resolve({deal.buyer.public_key: 100, deal.seller.public_key: 200})
    fees = deal.player.health["trustlessWorkFeeAddress"]
    assert dict(deal.player.paid(sent.hash)) == {
        fees: Decimal("0.9"),
        deal.platform.public_key: Decimal(15),
        deal.buyer.public_key: Decimal("94.7"),
        deal.seller.public_key: Decimal("189.4"),
    }
    assert deal.player.held(deal.contract) == 0
    assert deal.row()["flags"] == {"disputed": False, "released": False, "resolved": True}


@pytest.mark.parametrize(("percent", "back"), [(5, "284.1"), (0, "299.1")])
def test_a_full_refund_bears_the_fees_too(start: Start, percent: int, back: str) -> None:
    deal = Deal(start(protocol_fee_bps=30), amount=300, platformFee=percent).funded(300)
    deal.dispute()
    sent = deal.resolve({deal.buyer.public_key: 300})
    assert dict(deal.player.paid(sent.hash))[deal.buyer.public_key] == Decimal(back)


def test_without_fees_everything_reaches_the_seller(player: Player) -> None:
    deal = Deal(player, platformFee=0).funded()
    deal.approve()
    sent = deal.release()
    assert deal.player.paid(sent.hash) == [(deal.seller.public_key, Decimal(500))]


def test_excess_money_stays_after_a_release(player: Player) -> None:
    deal = Deal(player, platformFee=0).funded()
    player.control("mint", address=deal.contract, amount="0.0000001")
    deal.approve()
    deal.release()
    assert deal.player.held(deal.contract) == Decimal("0.0000001")
    deal.withdraw({deal.buyer.public_key: 0.0000001})
    assert deal.player.held(deal.contract) == 0


def test_one_stroop_too_many_blocks_a_resolution_of_the_agreed_amount(player: Player) -> None:
    deal = Deal(player, platformFee=0).funded()
    player.control("mint", address=deal.contract, amount="0.0000001")
    deal.dispute()
    body = deal.split_body({deal.buyer.public_key: 500})
    assert "must equal the current escrow balance" in player.refusal(deal.resolve_path, body)
    deal.resolve({deal.buyer.public_key: 500.0000001})
    assert deal.player.held(deal.contract) == 0


def test_a_split_that_overpays_by_rounding_fails_as_a_whole(start: Start) -> None:
    player = start(protocol_fee_bps=30)
    deal = Deal(player, amount=10, platformFee=0).funded(10)
    deal.dispute()
    # Fees 0.03; the floored shares of it sum to one stroop less, so the last payment is short.
    split = {deal.buyer.public_key: 3.3333333, deal.seller.public_key: 6.6666667}
    message = player.refusal(deal.resolve_path, deal.split_body(split))
    assert "Error(Contract, #10)" in message
    assert deal.player.held(deal.contract) == 10
    assert player.balance(deal.seller.public_key) == 0
    deal.resolve({deal.buyer.public_key: 3.33, deal.seller.public_key: 6.67})
    assert deal.player.held(deal.contract) == 0


def test_several_deposits_and_more_than_agreed_are_fine(player: Player) -> None:
    deal = Deal(player).funded(200)
    deal.fund(400)
    assert deal.player.held(deal.contract) == 600
    assert deal.row()["balance"] == 600


def test_a_dispute_may_follow_an_approval_and_blocks_the_release(player: Player) -> None:
    deal = Deal(player).funded()
    deal.approve()
    deal.dispute(deal.seller)
    message = player.refusal(deal.release_path, deal.release_body())
    assert "opened for dispute" in message


def test_the_status_may_change_while_disputed_but_not_after_the_end(player: Player) -> None:
    deal = Deal(player).funded()
    deal.dispute()
    deal.complete()
    deal.resolve({deal.buyer.public_key: 500})
    message = player.refusal(deal.path("change-milestone-status"), deal.status_body())
    assert "already resolved" in message


def test_every_rule_of_release_in_its_order(player: Player) -> None:
    deal = Deal(player, milestones=[{"description": "a"}, {"description": "b"}]).deploy()
    wrong = deal.release_body(releaseSigner=deal.seller.public_key)
    assert "release signer" in player.refusal(deal.release_path, wrong)
    deal.approve(0)
    assert "must be completed" in player.refusal(deal.release_path, deal.release_body())
    deal.approve(1)
    assert "balance must be" in player.refusal(deal.release_path, deal.release_body())
    deal.fund(499.99)
    assert "balance must be" in player.refusal(deal.release_path, deal.release_body())
    deal.fund(0.01)
    deal.release()
    assert "have been released" in player.refusal(deal.release_path, deal.release_body())


def test_every_rule_of_status_and_approval(player: Player) -> None:
    deal = Deal(player).deploy()
    status, approve = deal.path("change-milestone-status"), deal.path("approve-milestone")
    wrong = deal.status_body(serviceProvider=deal.buyer.public_key)
    assert "service provider" in player.refusal(status, wrong)
    assert "milestone index" in player.refusal(status, deal.status_body(1))
    assert "milestone index" in player.refusal(approve, deal.approve_body(7))
    wrong = deal.approve_body(approver=deal.seller.public_key)
    assert "only the approver" in player.refusal(approve, wrong).lower()
    deal.approve()
    assert "already been approved" in player.refusal(approve, deal.approve_body())


def test_every_rule_of_dispute(player: Player) -> None:
    deal = Deal(player).deploy()
    path = deal.dispute_path
    assert "cannot dispute" in player.refusal(path, deal.dispute_body(deal.resolver))
    stranger = player.friend()
    message = player.refusal(path, deal.dispute_body(stranger))
    assert "not authorized to change the dispute" in message
    for party in (deal.seller, deal.platform, deal.buyer):
        assert player.build(path, deal.dispute_body(party)).status_code == 201
    deal.dispute()
    assert "already in dispute" in player.refusal(path, deal.dispute_body())


def test_every_rule_of_resolution(player: Player) -> None:
    deal = Deal(player).funded()
    buyer, path = deal.buyer.public_key, deal.resolve_path
    wrong = deal.split_body({buyer: 500}) | {"disputeResolver": buyer}
    assert "dispute resolver can" in player.refusal(path, wrong)
    assert "not in dispute" in player.refusal(path, deal.split_body({buyer: 500}))
    deal.dispute()
    assert "insufficient funds" in player.refusal(path, deal.split_body({buyer: 501})).lower()
    zero = deal.split_body({buyer: 500, deal.seller.public_key: 0})
    assert "cannot be zero" in player.refusal(path, zero)
    less = player.refusal(path, deal.split_body({buyer: 499.99}))
    assert "must equal the current escrow balance" in less
    deal.resolve({buyer: 500})
    assert "not in dispute" in player.refusal(path, deal.split_body({buyer: 500}))
    assert "already resolved" in player.refusal(deal.release_path, deal.release_body())


def test_every_rule_of_funding(player: Player) -> None:
    deal = Deal(player).deploy()
    path = deal.path("fund-escrow")
    assert "cannot be equal to zero" in player.refusal(path, deal.fund_body(0))
    assert "insufficient funds" in player.refusal(path, deal.fund_body(1000.01))
    deal.fund(1000)


def test_funding_fails_when_the_escrow_changed_since_the_build(player: Player) -> None:
    deal = Deal(player).deploy()
    stale = player.envelope(deal.path("fund-escrow"), deal.fund_body(500))
    deal.complete()
    sent = player.send(stale, deal.buyer)
    assert (sent.status, sent.body["status"]) == (200, "FAILED")
    assert "do not match" in sent.body["message"]
    assert deal.player.held(deal.contract) == 0


def test_every_rule_of_deploying(player: Player) -> None:
    def message(**changed: object) -> str:
        return player.refusal("/deployer/single-release", deal.body | changed)

    deal = Deal(player)
    assert "cannot exceed 99" in message(platformFee=100)
    assert "cannot be equal to zero" in message(amount=0)
    assert "without milestone" in message(milestones=[])
    assert "more than 50" in message(milestones=[{"description": "x"}] * 51)


def test_nothing_is_left_to_withdraw_from_an_open_escrow(player: Player) -> None:
    deal = Deal(player).funded()
    path = deal.path("withdraw-remaining-funds")
    body = deal.withdraw_body({deal.buyer.public_key: 500})
    assert "not fully processed" in player.refusal(path, body)
    assert deal.player.held(deal.contract) == 500


def test_the_platform_may_change_an_unfunded_escrow_only(player: Player) -> None:
    deal = Deal(player).deploy()
    new = {k: v for k, v in deal.body.items() if k != "signer"} | {"title": "Another"}
    path = deal.path("update-escrow")
    body = {"signer": deal.platform.public_key, "contractId": deal.contract, "escrow": new}
    other = body | {"signer": deal.buyer.public_key}
    assert "platform address" in player.refusal(path, other, "PUT")
    sent = player.do(deal.platform, path, body, "PUT")
    assert sent.body["contractId"] == deal.contract
    assert sent.body["escrow"]["title"] == "Another"
    deal.fund()
    assert "has funds" in player.refusal(path, body | {"escrow": new | {"title": "Third"}}, "PUT")
    longer = new | {"milestones": [*new["milestones"], {"description": "More"}]}
    player.do(deal.platform, path, body | {"escrow": longer}, "PUT")
    assert len(deal.row()["milestones"]) == 2


def test_a_receiver_without_a_trustline_stops_the_release(player: Player) -> None:
    deal = Deal(player)
    plain = player.friend()
    deal.body["roles"]["receiver"] = plain.public_key
    deal.funded()
    deal.approve()
    message = player.refusal(deal.release_path, deal.release_body())
    assert "Error(Contract, #13)" in message
    assert deal.player.held(deal.contract) == 500
