"""A marketplace's proof of funds over the API: signed, kept, and checked by the file alone."""

import base64
import json
import subprocess
import sys
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from offerhub.core import signing
from offerhub.core.money import UNIT
from offerhub.reconciliation import funds, proofs, verify_proof
from offerhub.reconciliation.models import Proof, ProofLeaf
from offerhub.reconciliation.tasks import prove
from offerhub.reconciliation.verify_proof import Wrong, check
from tests.http import Api
from tests.reconciliation.planting import passed_over
from tests.world import ACTOR, World


@pytest.fixture
def busy(world: World, api: Api) -> World:
    """Money that is free, reserved, in escrow and pending, a fee, and something in suspense."""
    world.user("client_123", money="500")
    world.user("freelancer_456", money="30")
    parts = [
        {"id": "m1", "description": "one", "amount": 60},
        {"id": "m2", "description": "two", "amount": 40},
    ]
    sale = {"buyerId": "client_123", "sellerId": "freelancer_456", "amount": 100}
    order = world.funded(api, sale | {"milestones": parts})
    api.post("/resolution/release", {"orderId": order, "milestoneId": "m1"})
    other = api.post("/orders", sale | {"amount": 25}, status=201)["id"]
    api.post(f"/orders/{other}/reserve")
    resolver = world.marketplace.wallets.get(kind="RESOLVER")
    world.network.mint(resolver.address, "2")
    world.settle()
    world.watch()
    return world


def test_a_proof_says_what_is_owed_and_held_and_everybody_finds_themselves(
    busy: World, api: Api, tmp_path: Path
) -> None:
    made = api.post("/proofs", status=201)
    assert (made["owed"], made["held"]) == ("532.00", "532.00")
    shown = api.get(f"/proofs/{made['id']}")
    document = shown["document"]
    assert document["owed"]["parts"] == {"users": str(530 * UNIT), "suspense": str(2 * UNIT)}
    assert document["owed"]["ofUsers"]["inOrders"] == str(65 * UNIT)
    assert document["held"]["parts"]["contracts"] == str(40 * UNIT)
    assert document["held"]["booksAtThatInstant"] == str(532 * UNIT)
    assert (document["held"]["onItsWay"], document["held"]["unexplained"]) == ("0", "0")
    assert {row["ledger"] for row in shown["addresses"]} == {document["ledger"]["to"]}
    assert sorted(row["amount"] for row in shown["orders"]) == [str(25 * UNIT), str(40 * UNIT)]
    key = api.get("/proofs/key")["key"]
    assert len(check(shown, key)) == 2

    for user, balance in (("client_123", "440.00"), ("freelancer_456", "90.00")):
        proof = api.get(f"/users/{user}/proof")
        told = check(proof, key)
        assert any(balance.rstrip("0") in sentence for sentence in told)
        others = {"client_123", "freelancer_456"} - {user}
        text = json.dumps(proof)
        assert not any(other in text for other in others)
        assert sum("usr_" in str(value) for value in proof["leaf"].values()) == 1
        (tmp_path / f"{user}.json").write_text(text)
    done = subprocess.run(
        [sys.executable, verify_proof.__file__, str(tmp_path / "client_123.json"), "--key", key],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "signed with the key that you named" in done.stdout
    api.get("/users/client_123/proof?proofId=prf_absent", status=404)
    assert [row["id"] for row in api.get("/proofs")["data"]] == [made["id"]]

    call_command("prove", busy.marketplace.id, auditor=tmp_path / "all.json", stdout=StringIO())
    everything = json.loads((tmp_path / "all.json").read_text())
    assert check(everything, key)[-1] == "all 2 leaves make the root"


def test_a_proof_tells_of_what_is_missing_and_of_what_is_on_its_way(busy: World) -> None:
    address = busy.wallet(busy.user("client_123")).address
    busy.network.mint(address, "1")
    measured = funds.measure(busy.marketplace.id)
    document = proofs.keep(funds=measured, actor=ACTOR).document
    assert document["held"]["onItsWay"] == str(UNIT)
    assert document["held"]["unexplained"] == "0"
    passed_over()
    document = proofs.keep(funds=funds.measure(busy.marketplace.id), actor=ACTOR).document
    assert (document["held"]["onItsWay"], document["held"]["unexplained"]) == ("0", str(UNIT))
    assert document["held"]["total"] == str(533 * UNIT)
    assert document["held"]["booksAtThatInstant"] == str(532 * UNIT)


def test_whoever_changes_a_signed_document_or_its_lists_is_found_out(busy: World) -> None:
    proof = proofs.for_auditor(proofs.keep(funds=funds.measure(busy.marketplace.id), actor=ACTOR))
    check(proof)
    changes: list[tuple[list[Any], Any]] = [
        (["document", "held", "total"], "1"),
        (["document", "owed", "parts", "suspense"], "0"),
        (["document", "takenAt"], "2020-01-01"),
        (["document", "key"], "A" * 43 + "="),
        (["signature"], "A" * 86 + "=="),
        (["addresses", 0, "amount"], "1"),
        (["orders"], []),
        (["leaves", 0, "balance"], "1"),
    ]
    for where, value in changes:
        changed = deepcopy(proof)
        at: Any = changed
        for step in where[:-1]:
            at = at[step]
        at[where[-1]] = value
        with pytest.raises(Wrong):
            check(changed)
    with pytest.raises(Wrong, match="signed with the key"):
        check(proof, "another key")


def test_one_is_made_every_day(busy: World, settings: Any) -> None:
    market = busy.marketplace.id
    assert proofs.due() == []
    settings.PROOF_HOURS = 24.0
    assert proofs.is_due(market)
    assert len(proofs.due()) > 0
    prove(market)
    prove(market)
    assert Proof.objects.filter(marketplace=market).count() == 1
    assert ProofLeaf.objects.filter(proof__marketplace=market).count() == 2


def test_a_key_that_another_followed_still_checks_what_it_signed(
    busy: World, api: Api, settings: Any
) -> None:
    first = proofs.keep(funds=funds.measure(busy.marketplace.id), actor=ACTOR)
    old = signing.newest_public_key()
    assert api.get("/proofs/key")["key"] == old == first.document["key"]
    new = base64.b64encode(bytes(range(32))).decode()
    settings.SIGNING_KEYS = f"new:{new},{settings.SIGNING_KEYS}"
    second = proofs.keep(funds=funds.measure(busy.marketplace.id), actor=ACTOR)
    assert api.get("/proofs/key")["key"] == second.document["key"] != old
    check(proofs.for_auditor(first), old)
    check(proofs.for_auditor(second), second.document["key"])
    with pytest.raises(Wrong, match="signed with the key"):
        check(proofs.for_auditor(second), old)


def test_a_run_and_its_differences_are_read_over_the_api(busy: World, api: Api) -> None:
    address = busy.wallet(busy.user("client_123")).address
    transaction = busy.network.mint(address, "0.0000001")
    passed_over()
    run = api.post("/reconciliation/runs", {"address": address}, status=201)
    assert (run["status"], run["checked"], run["different"]) == ("DONE", 2, 1)
    assert api.get(f"/reconciliation/runs/{run['id']}") == run
    (row,) = api.get(f"/reconciliation/differences?status=OPEN&address={address}")["data"]
    assert (row["books"], row["chain"], row["amount"]) == ("400.00", "400.0000001", "0.0000001")
    assert (row["type"], row["lines"][0]["hash"]) == ("MISSING", transaction)
    assert api.get(f"/reconciliation/differences/{row['id']}") == row
    api.post("/reconciliation/runs", {"address": "GNOBODY"}, status=400)
    everything = api.post("/reconciliation/runs", status=201)
    assert (everything["status"], everything["different"]) == ("DONE", 1)
    assert api.get("/reconciliation/heads")["hasMore"] is False
    api.get("/reconciliation/heads?limit=101", status=400)

    other = Api(api.url.removesuffix("/api/v1"), World(busy.network).key())
    other.get(f"/reconciliation/differences/{row['id']}", status=404)
    other.get(f"/reconciliation/runs/{run['id']}", status=404)
    assert other.get("/reconciliation/differences")["data"] == []
