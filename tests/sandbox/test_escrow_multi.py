"""The multi-release contract: each milestone on its own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tests.sandbox.deal import Deal
from tests.sandbox.player import Player

Start = Callable[..., Player]


def test_each_milestone_is_released_on_its_own(start: Start) -> None:
    deal = Deal(start(protocol_fee_bps=30), "multi").funded()
    deal.complete(1)
    deal.approve(1)
    sent = deal.release(1)
    fees = deal.player.health["trustlessWorkFeeAddress"]
    assert deal.player.paid(sent.hash) == [
        (fees, Decimal("0.9")),
        (deal.platform.public_key, Decimal(15)),
        (deal.seller.public_key, Decimal("284.1")),
    ]
    assert deal.player.held(deal.contract) == 200
    flags = [milestone["flags"]["released"] for milestone in deal.row()["milestones"]]
    assert flags == [False, True]


def test_one_dispute_leaves_the_other_milestone_free(player: Player) -> None:
    deal = Deal(player, "multi", platformFee=0).funded()
    deal.dispute(index=0)
    deal.approve(1)
    deal.release(1)
    deal.resolve({deal.buyer.public_key: 50, deal.seller.public_key: 150}, 0)
    assert player.balance(deal.seller.public_key) == 450
    assert deal.player.held(deal.contract) == 0
    assert deal.row()["milestones"][0]["status"] == "resolved"


def test_a_resolution_below_the_milestone_leaves_the_rest_to_withdraw(player: Player) -> None:
    deal = Deal(player, "multi", platformFee=0).funded()
    deal.approve(1)
    deal.release(1)
    deal.dispute(index=0)
    deal.resolve({deal.buyer.public_key: 60}, 0)
    assert deal.player.held(deal.contract) == 140
    deal.withdraw({deal.seller.public_key: 40})
    assert deal.player.held(deal.contract) == 100
    assert player.balance(deal.seller.public_key) == 340


def test_a_disputed_milestone_counts_as_processed_for_a_withdrawal(player: Player) -> None:
    deal = Deal(player, "multi", platformFee=0).funded()
    deal.approve(1)
    deal.release(1)
    deal.dispute(index=0)
    deal.withdraw({deal.seller.public_key: 200})
    assert deal.player.held(deal.contract) == 0


def test_every_rule_of_release(player: Player) -> None:
    deal = Deal(player, "multi").deploy()
    path = deal.release_path
    wrong = deal.release_body(releaseSigner=deal.seller.public_key)
    assert "release signer" in player.refusal(path, wrong)
    assert "milestone index" in player.refusal(path, deal.release_body(2))
    assert "must be completed" in player.refusal(path, deal.release_body(0))
    deal.approve(0)
    assert "balance must be" in player.refusal(path, deal.release_body(0))
    deal.fund(500)
    deal.release(0)
    assert "have been released" in player.refusal(path, deal.release_body(0))
    deal.dispute(index=1)
    deal.approve(1)
    assert "opened for dispute" in player.refusal(path, deal.release_body(1))


def test_every_rule_of_dispute_and_resolution(player: Player) -> None:
    deal = Deal(player, "multi").funded()
    buyer, path = deal.buyer.public_key, deal.resolve_path
    assert "cannot dispute" in player.refusal(deal.dispute_path, deal.dispute_body(deal.resolver))
    stranger = player.refusal(deal.dispute_path, deal.dispute_body(player.friend()))
    assert "not authorized to change the dispute" in stranger
    assert "not in dispute" in player.refusal(path, deal.split_body({buyer: 100}))
    deal.dispute(index=0)
    assert "already in dispute" in player.refusal(deal.dispute_path, deal.dispute_body())
    wrong = deal.split_body({buyer: 200}) | {"disputeResolver": buyer}
    assert "dispute resolver can" in player.refusal(path, wrong)
    assert "must not exceed" in player.refusal(path, deal.split_body({buyer: 200.01}))
    assert "cannot be zero" in player.refusal(path, deal.split_body({buyer: 0}))
    deal.resolve({buyer: 200})
    assert "already resolved" in player.refusal(path, deal.split_body({buyer: 200}))
    message = player.refusal(deal.dispute_path, deal.dispute_body())
    assert "already resolved" in message


def test_money_of_another_milestone_cannot_be_spent_twice(player: Player) -> None:
    deal = Deal(player, "multi", platformFee=0).funded(200)
    deal.approve(0)
    deal.approve(1)
    deal.release(0)
    assert "balance must be" in player.refusal(deal.release_path, deal.release_body(1))
    assert player.balance(deal.seller.public_key) == 200


def test_the_milestones_receiver_may_dispute(player: Player) -> None:
    receiver = player.person()
    deal = Deal(player, "multi")
    deal.body["milestones"][1]["receiver"] = receiver.public_key
    deal.funded()
    refused = player.refusal(deal.dispute_path, deal.dispute_body(receiver, 0))
    assert "not authorized" in refused
    deal.dispute(receiver, 1)
    assert deal.row()["milestones"][1]["flags"]["disputed"] is True
