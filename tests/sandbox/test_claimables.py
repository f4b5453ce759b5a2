"""Claimable balances: who may claim when, what is refused, and how Horizon and RPC tell of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from stellar_sdk import Address, Asset, Claimant, ClaimPredicate, Keypair, scval

from tests.sandbox.player import Player
from tests.sandbox.test_transactions import codes


def give(player: Player, maker: Keypair, amount: str, *claimants: Claimant, **more: Any) -> Any:
    """The answer to a transaction that makes a claimable balance."""
    asset = more.get("asset", player.usdc)
    builder = player.builder(maker).append_create_claimable_balance_op(asset, amount, claimants)
    return player.submit(builder, maker)


def claim(player: Player, claimer: Keypair, balance: str) -> Any:
    """The answer to a claim."""
    builder = player.builder(claimer).append_claim_claimable_balance_op(balance)
    return player.submit(builder, claimer)


def of(player: Player, claimant: Keypair, **more: Any) -> list[dict[str, Any]]:
    """What there is to claim."""
    answer = player.get("/claimable_balances", claimant=claimant.public_key, **more).json()
    found: list[dict[str, Any]] = answer["_embedded"]["records"]
    return found


def test_what_is_set_aside_is_listed_claimed_once_and_told_by_horizon_and_rpc(
    player: Player,
) -> None:
    ann, bob, eve = player.person("10"), player.person(), player.person()
    before = player.control("ledgers", close=1)["latestLedger"]
    made = give(player, ann, "4", Claimant(bob.public_key))
    assert made.ok
    (balance,) = of(player, bob)
    assert balance["amount"] == "4.0000000" and balance["sponsor"] == ann.public_key
    assert balance["asset"] == f"USDC:{player.issuer}"
    assert balance["claimants"] == [
        {"destination": bob.public_key, "predicate": {"unconditional": True}}
    ]
    assert len(balance["id"]) == 72
    assert of(player, eve) == of(player, bob, asset="native") == []
    assert player.get("/accounts/" + ann.public_key).json()["num_sponsoring"] == 1
    assert player.balance(ann.public_key) == 6
    assert codes(claim(player, eve, balance["id"]))["operations"] == ["op_cannot_claim"]
    done = claim(player, bob, balance["id"])
    assert done.ok and player.balance(bob.public_key) == 4
    assert codes(claim(player, bob, balance["id"]))["operations"] == ["op_does_not_exist"]
    assert of(player, bob) == []
    assert player.get(f"/claimable_balances/{balance['id']}").status_code == 404
    assert player.get("/accounts/" + ann.public_key).json()["num_sponsoring"] == 0

    hash_ = done.json()["hash"]
    (operation,) = player.get(f"/transactions/{hash_}/operations").json()["_embedded"]["records"]
    assert (operation["type"], operation["type_i"]) == ("claim_claimable_balance", 15)
    assert (operation["balance_id"], operation["claimant"]) == (balance["id"], bob.public_key)
    assert "amount" not in operation
    assert player.get(f"/transactions/{hash_}/payments").json()["_embedded"]["records"] == []
    told = player.get(f"/operations/{operation['id']}/effects").json()["_embedded"]["records"]
    assert [(one["type"], one["account"], one["amount"]) for one in told] == [
        ("claimable_balance_claimed", bob.public_key, "4.0000000"),
        ("account_credited", bob.public_key, "4.0000000"),
    ]
    found = player.rpc("getEvents", startLedger=before + 1, filters=[{"type": "contract"}])
    names = [[scval.to_native(topic) for topic in e["topic"]] for e in found["result"]["events"]]
    moved = [[str(name[0]), *(a.address for a in name if isinstance(a, Address))] for name in names]
    (middle,) = {row[2] for row in moved if row[2].startswith("B")}
    assert moved == [
        ["transfer", ann.public_key, middle],
        ["transfer", middle, bob.public_key],
    ]


def test_a_balance_is_claimed_within_its_times_alone(player: Player) -> None:
    ann, bob = player.person("10"), player.person()
    now = player.now()
    after = ClaimPredicate.predicate_not(ClaimPredicate.predicate_before_absolute_time(now + 3600))
    until = ClaimPredicate.predicate_before_relative_time(7200)
    both = ClaimPredicate.predicate_and(after, until)
    assert give(player, ann, "1", Claimant(bob.public_key, both)).ok
    assert give(player, ann, "2", Claimant(bob.public_key, until)).ok
    first, second = of(player, bob)
    assert first["claimants"][0]["predicate"]["and"][0]["not"]["abs_before_epoch"] == str(
        now + 3600
    )
    assert "abs_before" in second["claimants"][0]["predicate"]
    assert codes(claim(player, bob, first["id"]))["operations"] == ["op_cannot_claim"]
    player.control("clock", advance=3601)
    assert claim(player, bob, first["id"]).ok
    player.control("clock", advance=3601)
    assert codes(claim(player, bob, second["id"]))["operations"] == ["op_cannot_claim"]
    assert player.balance(bob.public_key) == 1


def test_every_code_by_which_making_and_claiming_are_refused(player: Player) -> None:
    ann, bob, plain = player.person("10"), player.person(), player.friend()
    mine = Claimant(bob.public_key)
    cases = [
        (give(player, ann, "11", mine), "op_underfunded"),
        (give(player, plain, "1", mine), "op_no_trust"),
        (give(player, ann, "1", mine, mine), "op_malformed"),
        (give(player, ann, "1"), "op_malformed"),
    ]
    poor = Keypair.random()
    create = player.builder(ann).append_create_account_op(poor.public_key, "1.2")
    assert player.submit(create, ann).ok
    cases.append((give(player, poor, "0.1", mine, asset=Asset.native()), "op_low_reserve"))
    assert give(player, ann, "1", Claimant(plain.public_key)).ok
    (lineless,) = of(player, plain)
    cases.append((claim(player, plain, lineless["id"]), "op_no_trust"))
    assert give(player, ann, "1", mine).ok
    player.control("trustline", address=bob.public_key, authorized=False)
    cases.append((claim(player, bob, of(player, bob)[0]["id"]), "op_not_authorized"))
    assert [codes(answer)["operations"] for answer, _ in cases] == [[code] for _, code in cases]
    # What is set aside is still there, and nothing was made or lost.
    supply = player.get("/control/state").json()["supply"]
    assert Decimal(supply[f"USDC:{player.issuer}"]) == 10


def test_pages_go_on_behind_their_cursor_and_balances_survive_a_restart(
    start: Callable[..., Player], tmp_path: Path
) -> None:
    player = start(data=str(tmp_path / "sandbox.db"))
    ann, bob = player.person("10"), player.person()
    for amount in ("1", "2", "3"):
        assert give(player, ann, amount, Claimant(bob.public_key)).ok
    (first, second) = of(player, bob, limit=2)
    (third,) = of(player, bob, limit=2, cursor=second["paging_token"])
    assert [one["amount"][0] for one in (first, second, third)] == ["1", "2", "3"]
    assert of(player, bob, cursor=third["paging_token"]) == []
    assert of(player, bob, order="desc", limit=1) == [third]
    again = start(data=str(tmp_path / "sandbox.db"))
    assert [one["id"] for one in of(again, bob)] == [first["id"], second["id"], third["id"]]
    assert claim(again, bob, second["id"]).ok
    assert again.balance(bob.public_key) == 2
