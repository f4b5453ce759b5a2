"""Every mutation changes an envelope, and no honest answer is ever changed."""

from __future__ import annotations

import pytest
from stellar_sdk import TransactionEnvelope

from offerhub.sandbox.tamper import MUTATIONS
from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


def test_there_are_at_least_twelve_mutations() -> None:
    assert len(MUTATIONS) >= 12


@pytest.fixture
def deal(player: Player) -> Deal:
    return Deal(player, "multi").funded()


def bodies(deal: Deal) -> list[tuple[str, dict[str, object]]]:
    return [
        (deal.path("approve-milestone"), deal.approve_body()),
        (deal.path("fund-escrow"), deal.fund_body(5)),
        ("/deployer/multi-release", deal.body),
    ]


def test_each_mutation_gives_an_envelope_that_differs_and_still_parses(deal: Deal) -> None:
    player = deal.player
    for path, body in bodies(deal):
        honest = player.envelope(path, body)
        fitting = 0
        for name in sorted(MUTATIONS):
            player.fault(path, "tampered", mutation=name)
            answer = player.build(path, body)
            assert answer.status_code == 201
            changed = answer.json()["unsignedTransaction"]
            assert answer.headers["x-sandbox-mutation"] in MUTATIONS
            fitting += answer.headers["x-sandbox-mutation"] == name
            TransactionEnvelope.from_xdr(changed, player.passphrase)
            if path.startswith("/escrow"):
                assert changed != honest
        assert fitting >= 12
    assert player.build(path, body).headers.get("x-sandbox-mutation") is None


def test_a_named_mutation_does_what_its_name_says(deal: Deal) -> None:
    player, (path, body) = deal.player, bodies(deal)[0]

    def mutated(name: str) -> TransactionEnvelope:
        player.fault(path, "tampered", mutation=name)
        text = player.envelope(path, body)
        return TransactionEnvelope.from_xdr(text, player.passphrase)

    honest = TransactionEnvelope.from_xdr(player.envelope(path, body), player.passphrase)
    assert len(mutated("extra-operation").transaction.operations) == 2
    assert mutated("huge-fee").transaction.fee > 10_000 * honest.transaction.fee
    assert mutated("missing-max-time").transaction.preconditions is None
    assert mutated("other-source").transaction.source != honest.transaction.source
    paid = mutated("payment-instead").transaction
    assert [type(op).__name__ for op in paid.operations] == ["Payment"]
    assert len(mutated("extra-auth-entry").transaction.operations[0].auth) == 2  # type: ignore[attr-defined]


def test_the_seed_draws_a_mutation_when_none_is_named(deal: Deal) -> None:
    player, (path, body) = deal.player, bodies(deal)[0]
    player.fault(path, "tampered", times=20)
    drawn = {player.build(path, body).headers["x-sandbox-mutation"] for _ in range(20)}
    assert len(drawn) > 3
