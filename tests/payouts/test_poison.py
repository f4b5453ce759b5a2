"""A bad one among many: it has its own end, the others are paid, each exactly once (B-S11)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now
from stellar_sdk import Signer

from offerhub.chain.submission import MAX_ENVELOPES
from offerhub.core.money import from_chain
from payouts.models import Batch, BatchPayment
from tests.chain.relay import Relay, Reply, running_relay
from tests.payouts.chain import SUBMIT
from tests.payouts.crowd import Crowd


def in_one_payment(crowd: Crowd, batch: Batch) -> BatchPayment:
    (payment,) = crowd.pack()
    assert payment.items.count() == batch.size
    return payment


def drop_trustline(crowd: Crowd, keypair: Any) -> None:
    crowd.as_outsider(keypair, lambda b, usdc: b.append_change_trust_op(usdc, "0"))


def test_the_ledger_names_the_bad_ones_and_the_others_are_paid_in_the_next(crowd: Crowd) -> None:
    """One destination can not take it any more, one wallet may not send it any more."""
    closing = crowd.outsider()
    crowd.channels(1)
    batch = crowd.ask(
        crowd.wish("u0"), crowd.wish("u1", destination=closing.public_key),
        crowd.wish("u2"), crowd.wish("u0", 50_000_000),
    )  # fmt: skip
    first = in_one_payment(crowd, batch)
    drop_trustline(crowd, closing)
    crowd.freeze(crowd.wallet("u2").address)
    first = crowd.run(first)
    assert (first.status, first.attempts) == ("FAILED", 1)
    assert crowd.statuses(batch) == ["SUBMITTED", "FAILED", "SUBMITTED", "SUBMITTED"]
    _, failed, frozen, _ = crowd.items(batch)
    assert failed.withdrawal is not None and frozen.problem is not None
    assert failed.withdrawal.problem is not None
    assert failed.withdrawal.problem["code"] == "op_no_trust"
    assert (failed.withdrawal.hash, failed.withdrawal.fee) == (first.hash, 100)
    assert (frozen.state, frozen.problem["code"]) == ("READY", "op_src_not_authorized")
    assert crowd.available() == {"u0": "85.00", "u1": "100.00", "u2": "90.00"}
    assert crowd.received() == 0
    second = in_others(crowd, 2)
    assert second.status == "CONFIRMED"
    assert crowd.statuses(batch) == ["COMPLETED", "FAILED", "SUBMITTED", "COMPLETED"]
    assert (crowd.received(), crowd.arrived()) == (2, "15.00")
    crowd.freeze(crowd.wallet("u2").address, authorized=True)
    batch.items.filter(state="READY").update(due_at=Now())
    assert in_others(crowd, 1).status == "CONFIRMED"
    assert crowd.end(batch).status == "FINISHED"
    assert (crowd.received(), crowd.arrived()) == (3, "25.00")
    rows = [item.withdrawal for item in crowd.items(batch)]
    assert sum(row.fee for row in rows if row) == 400 + 200 + 100
    assert crowd.books_are_right()


def in_others(crowd: Crowd, size: int) -> BatchPayment:
    """The next payment, of so many, run once."""
    (payment,) = crowd.pack()
    assert payment.items.count() == size
    return crowd.run(payment)


def test_a_wallet_that_is_known_to_be_bad_is_not_paid_for_twice(crowd: Crowd) -> None:
    """Looked at before the next envelope: nobody is charged for the same failure again."""
    crowd.channels(1)
    batch = crowd.ask(crowd.wish("u0"), crowd.wish("u1"))
    crowd.freeze(crowd.wallet("u1").address)
    assert crowd.run(in_one_payment(crowd, batch)).status == "FAILED"
    assert in_others(crowd, 1).status == "CONFIRMED"
    channel = crowd.payments()[0].source_wallet
    money = crowd.network.held(channel.address, "native")
    for _ in range(2):
        batch.items.filter(state="READY").update(due_at=Now())
        looked = in_others(crowd, 1)
        assert (looked.status, looked.attempts, looked.hash) == ("FAILED", 0, "")
    assert crowd.network.held(channel.address, "native") == money
    waiting = crowd.items(batch)[1]
    assert (waiting.state, waiting.setbacks) == ("READY", 3)
    withdrawal = waiting.withdrawal
    assert withdrawal is not None
    ended = give_up(crowd, withdrawal.id)
    assert (ended.status, crowd.available()["u1"]) == ("FAILED", "100.00")
    assert crowd.end(batch).status == "FINISHED"
    assert crowd.books_are_right()


def give_up(crowd: Crowd, withdrawal: str) -> Any:
    from payouts import services

    tenant = crowd.world.marketplace.id
    return services.give_up(
        marketplace_id=tenant, withdrawal_id=withdrawal, reason="frozen", actor=crowd.world.actor
    )


def take_the_key_away(crowd: Crowd, name: str) -> None:
    """The wallet's own key loses its weight: whatever it signs is `op_bad_auth`."""
    other = Signer.ed25519_public_key(crowd.destination, 1)
    crowd.as_wallet(
        crowd.wallet(name), lambda b: b.append_set_options_op(master_weight=0, signer=other)
    )


def test_what_the_network_never_takes_expires_and_its_wallet_is_found(crowd: Crowd) -> None:
    """`op_bad_auth` is refused before any ledger, so the envelope must expire first."""
    crowd.channels(1)
    batch = crowd.ask(*[crowd.wish(name) for name in crowd.names])
    payment = in_one_payment(crowd, batch)
    take_the_key_away(crowd, "u1")
    unknown = crowd.run(payment)
    assert unknown.problem is not None
    assert (unknown.status, unknown.problem["code"]) == ("UNKNOWN", "op_bad_auth")
    assert crowd.pack() == []  # nobody leaves while it could apply
    crowd.expire(payment)
    assert crowd.run(payment).status == "FAILED"
    assert {item.together for item in crowd.items(batch)} == {1}
    for _ in crowd.names:
        in_others(crowd, 1)
    assert [item.state for item in crowd.items(batch)] == ["ENDED", "READY", "ENDED"]
    assert (crowd.received(), crowd.arrived()) == (2, "20.00")
    assert crowd.available() == dict.fromkeys(crowd.names, "90.00")
    assert crowd.books_are_right(but="u1")


@pytest.fixture
def blind(crowd: Crowd, settings: Any) -> Iterator[Relay]:
    """A Horizon that tells of no signers."""

    def without_signers(reply: Reply) -> Reply:
        body = reply.json()
        body.pop("signers", None)
        return Reply.of(body, reply.status)

    with running_relay(crowd.network.url) as relay:
        relay.change("/accounts/", without_signers)
        settings.SANDBOX_URL = relay.url
        yield relay


def test_where_nobody_is_named_it_is_halved_until_the_bad_one_is_alone(
    crowd: Crowd, blind: Relay
) -> None:
    names = ["u0", "u0", "u1", "u2", "u0", "u2"]
    crowd.channels(1)
    batch = crowd.ask(*[crowd.wish(name) for name in names])
    take_the_key_away(crowd, "u1")
    sizes = []
    for _ in range(8):
        made = crowd.pack()
        if not made:
            break
        (payment,) = made
        sizes.append(payment.items.count())
        if crowd.run(payment).status == "UNKNOWN":
            crowd.expire(payment)
            assert crowd.run(payment).status == "FAILED"
    assert sizes == [6, 3, 1, 1, 1, 3]
    assert [item.state for item in crowd.items(batch)] == ["ENDED"] * 2 + ["READY"] + ["ENDED"] * 3
    bad = crowd.items(batch)[2]
    assert bad.problem is not None and bad.problem["code"] == "op_bad_auth"
    assert (crowd.received(), crowd.arrived()) == (5, "50.00")
    assert crowd.books_are_right(but="u1")


@pytest.mark.parametrize("answer", ["504-before", "504-after", "drop-after"])
def test_after_a_lost_answer_the_same_envelope_is_followed_to_its_end(
    crowd: Crowd, answer: str
) -> None:
    crowd.channels(1)
    batch = crowd.ask(crowd.wish("u0"), crowd.wish("u1"))
    payment = in_one_payment(crowd, batch)
    crowd.fault(answer, SUBMIT)
    first = crowd.run(payment)
    again = first if first.status == "CONFIRMED" else crowd.run(payment)
    assert (again.status, again.attempts, again.hash) == ("CONFIRMED", 1, first.hash)
    assert (crowd.received(), crowd.arrived()) == (2, "20.00")
    assert crowd.books_are_right()


def test_while_nothing_is_proven_the_money_stays_held_and_five_lost_envelopes_give_it_back(
    crowd: Crowd,
) -> None:
    crowd.channels(1)
    batch = crowd.ask(crowd.wish("u0"), crowd.wish("u1"))
    payment = in_one_payment(crowd, batch)
    crowd.fault("504-before", SUBMIT, times=50)
    for number in range(1, MAX_ENVELOPES + 1):
        assert crowd.run(payment).attempts == number
        assert crowd.available()["u0"] == "90.00"
        crowd.expire(payment)
    assert crowd.run(payment).status == "FAILED"
    assert crowd.statuses(batch) == ["FAILED", "FAILED"]
    assert crowd.available() == dict.fromkeys(crowd.names, "100.00")
    assert (crowd.received(), crowd.end(batch).status) == (0, "FINISHED")
    assert crowd.books_are_right()


def test_a_channel_without_fee_money_waits_for_its_top_up(crowd: Crowd) -> None:
    crowd.channels(1)
    batch = crowd.ask(crowd.wish("u0"), crowd.wish("u1"))
    payment = in_one_payment(crowd, batch)
    channel = payment.source_wallet
    rest = from_chain(crowd.network.held(channel.address, "native")) - 300
    crowd.as_wallet(
        channel, lambda b: b.append_payment_op(crowd.destination, crowd.xlm, crowd.text(rest))
    )
    waits = crowd.run(payment)
    assert (waits.status, waits.attempts) == ("PENDING", 0)
    assert waits.problem is not None and waits.problem["code"] == "tx_insufficient_balance"
    assert crowd.statuses(batch) == ["REQUESTED", "REQUESTED"]
    crowd.as_outsider(
        crowd.outside,
        lambda b, _: b.append_payment_op(channel.address, crowd.xlm, crowd.text(rest)),
    )
    assert crowd.run(payment).status == "CONFIRMED"
    assert crowd.arrived() == "20.00"
