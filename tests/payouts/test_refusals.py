"""What is refused before any debit: a problem document that names the field, and no money moved."""

from collections.abc import Callable
from typing import Any

import pytest
from stellar_sdk import Keypair

from offerhub.users import services as users
from offerhub.users.models import Wallet
from payouts.models import Withdrawal
from tests.payouts.scene import UNTOUCHED, Scene


def refused(scene: Scene, status: int, **changes: Any) -> tuple[str, list[tuple[str, str]]]:
    """The problem's code and its (field, code) pairs; nothing was made and nothing moved."""
    problem = scene.api.post("/withdrawals", scene.body(**changes), status=status)
    assert Withdrawal.objects.filter(marketplace=scene.world.marketplace).count() == 0
    assert scene.money() == UNTOUCHED
    return problem["code"], [(e["field"], e["code"]) for e in problem.get("errors", [])]


BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"amount": 0}, "amount", "amount_not_positive"),
    ({"amount": "-1"}, "amount", "amount_not_positive"),
    ({"amount": "0.00000001"}, "amount", "too_many_decimals"),
    ({"amount": "1e2"}, "amount", "invalid_amount"),
    ({"amount": True}, "amount", "invalid_amount"),
    ({"destination": 7}, "destination", "invalid"),
    ({"destination": None}, "destination", "required"),
    ({"memo": "x" * 29}, "memo", "memo_too_long"),
    ({"memo": "ü" * 15}, "memo", "memo_too_long"),
    ({"memo": "01", "memoType": "id"}, "memo", "invalid_memo"),
    ({"memo": str(2**64), "memoType": "id"}, "memo", "invalid_memo"),
    ({"memo": "ab" * 31, "memoType": "hash"}, "memo", "invalid_memo"),
    ({"memo": "x", "memoType": "return"}, "memoType", "invalid_choice"),
    ({"memoType": "id"}, "memo", "required"),
    ({"surprise": 1}, "surprise", "unknown_field"),
]


def test_a_field_that_is_not_valid_is_named(scene: Scene) -> None:
    for change, field, code in BAD_FIELDS:
        assert refused(scene, 400, **change) == ("invalid_request", [(field, code)]), change


def mistyped(scene: Scene) -> str:
    """One character of the address is another: the checksum tells."""
    other = "A" if scene.destination[10] != "A" else "B"
    return scene.destination[:10] + other + scene.destination[11:]


def nobody(scene: Scene) -> str:
    """Well-formed, but no account of the network."""
    return str(Keypair.random().public_key)


def contract(scene: Scene) -> str:
    """A contract's address."""
    return str(scene.network.control("health")["usdcContract"])


def issuer(scene: Scene) -> str:
    """Whoever pays the issuer destroys the money."""
    return str(scene.network.control("health")["usdcIssuer"])


def without_trustline(scene: Scene) -> str:
    """An account that never agreed to hold the asset."""
    return scene.outsider(trust=False).public_key


def without_room(scene: Scene) -> str:
    """Its trustline ends at 24 USDC."""
    return scene.outsider(limit="24").public_key


def frozen(scene: Scene) -> str:
    """The issuer does not let it hold the asset now."""
    scene.network.control("trustline", {"address": scene.destination, "authorized": False})
    return scene.destination


def wants_a_memo(scene: Scene) -> str:
    """An exchange: it says on the chain that it takes payments with a memo only."""
    return scene.outsider(memo_required=True).public_key


def own_deposit_address(scene: Scene) -> str:
    return scene.wallet.address


def muxed_deposit_address(scene: Scene) -> str:
    return scene.muxed(scene.wallet.address, 5)


def another_users_wallet(scene: Scene) -> str:
    return scene.world.wallet(scene.world.user("bob")).address


def platform_wallet(scene: Scene) -> str:
    return Wallet.objects.get(marketplace=scene.world.marketplace, kind="PLATFORM").address


DESTINATIONS = [
    (mistyped, "invalid_address"),
    (nobody, "not_found"),
    (contract, "contract"),
    (issuer, "asset_issuer"),
    (without_trustline, "no_trustline"),
    (without_room, "trustline_full"),
    (frozen, "not_authorized"),
    (wants_a_memo, "memo_required"),
    (own_deposit_address, "own_wallet"),
    (muxed_deposit_address, "own_wallet"),
    (another_users_wallet, "own_wallet"),
    (platform_wallet, "own_wallet"),
]


@pytest.mark.parametrize(("choose", "reason"), DESTINATIONS)
def test_a_destination_that_can_not_receive_leaves_the_balance_untouched(
    scene: Scene, choose: Callable[[Scene], str], reason: str
) -> None:
    destination = choose(scene)
    problem = scene.api.post("/withdrawals", scene.body(destination=destination), status=422)
    assert problem["code"] == "destination_cannot_receive"
    assert problem["reason"] == reason
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("destination", reason)]
    assert Withdrawal.objects.filter(marketplace=scene.world.marketplace).count() == 0
    assert scene.money() == UNTOUCHED


def test_an_exchange_that_wants_a_memo_is_paid_with_one(scene: Scene) -> None:
    exchange = wants_a_memo(scene)
    body = scene.body(destination=exchange, memo="12345", memoType="id")
    assert scene.api.post("/withdrawals", body, status=201)["status"] == "COMPLETED"
    muxed = scene.body(destination=scene.muxed(exchange, 12345))
    assert scene.api.post("/withdrawals", muxed, status=201)["status"] == "COMPLETED"


def test_a_muxed_address_takes_no_memo(scene: Scene) -> None:
    muxed = scene.muxed(scene.destination, 7)
    assert refused(scene, 400, destination=muxed, memo="7") == (
        "invalid_request",
        [("memo", "memo_not_allowed")],
    )


def test_more_than_there_is_says_how_much_there_was(scene: Scene) -> None:
    body = scene.body(amount="100.0000001")
    problem = scene.api.post("/withdrawals", body, status=422)
    assert problem["code"] == "insufficient_funds"
    assert (problem["available"], problem["requested"]) == ("100.00", "100.0000001")
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [
        ("amount", "insufficient_funds")
    ]
    assert scene.money() == UNTOUCHED


def test_an_unknown_user_is_named(scene: Scene) -> None:
    assert refused(scene, 422, userId="nobody") == (
        "invalid_reference",
        [("userId", "unknown_user")],
    )


def test_a_party_with_its_own_key_pays_from_its_wallet_itself(scene: Scene) -> None:
    users.create_user(
        marketplace_id=scene.world.marketplace.id,
        new=users.NewUser("eve", public_key=Keypair.random().public_key),
        actor=scene.world.actor,
    )
    assert refused(scene, 422, userId="eve") == (
        "wallet_not_managed",
        [("userId", "wallet_not_managed")],
    )


def test_a_wallet_that_is_not_alive_yet_can_not_pay(scene: Scene) -> None:
    users.create_user(
        marketplace_id=scene.world.marketplace.id,
        new=users.NewUser("new"),
        actor=scene.world.actor,
    )
    code, errors = refused(scene, 422, userId="new")
    assert (code, errors) == ("wallet_not_active", [("userId", "wallet_not_active")])


def test_a_network_that_does_not_answer_is_503_and_nothing_is_debited(scene: Scene) -> None:
    scene.network.fault("503", f"/accounts/{scene.destination}")
    answer = scene.api.request("POST", "/withdrawals", scene.body())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert scene.money() == UNTOUCHED
    assert scene.api.post("/withdrawals", scene.body(), status=201)["status"] == "COMPLETED"


def test_a_reference_is_unique_for_ever(scene: Scene) -> None:
    scene.api.post("/withdrawals", scene.body(externalRef="payout-1"), status=201)
    problem = scene.api.post("/withdrawals", scene.body(externalRef="payout-1"), status=409)
    assert problem["code"] == "duplicate_reference"
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [
        ("externalRef", "duplicate_reference")
    ]
    assert scene.money() == ("75.00", "0.00", "75.00", "25.00")
