"""What comes back is the very envelope that was handed out, and what is out counts like sent."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from stellar_sdk import TransactionEnvelope

from offerhub.core import clock
from offerhub.desk import work
from offerhub.events.models import Event
from orders.models import EscrowOperation
from tests.signing.scene import Market


@pytest.fixture
def asked(market: Market) -> str:
    """Eva is asked to fund an order of 100; its id."""
    market.party("eva", "300")
    market.party("mallory", "5")
    market.world.user("bob")
    order = market.order("eva", "bob")
    market.api.post(f"/escrow/{order['escrowId']}/fund", status=202)
    row = market.operation(order["id"])
    happened, following = work.story(row, clock.now())
    assert "has not signed it" in happened
    assert "the envelope expires" in following
    assert row.pk in [found.pk for found in work.rows("sign")]
    assert row.pk not in [found.pk for found in work.rows("look")]
    return str(order["id"])


def _refused(market: Market, order: str, signed: Any, status: int = 422) -> Any:
    operation = market.operation(order)
    path = f"/operations/{operation.id}/signature"
    answer = market.api.post(path, {"signedXdr": signed}, status=status)
    kept = market.operation(order)
    assert (kept.status, kept.xdr, kept.hash) == (operation.status, operation.xdr, operation.hash)
    return answer.get("reason")


def test_only_the_envelope_that_was_handed_out_is_taken(market: Market, asked: str) -> None:
    unsigned = market.asked(asked, "eva")["unsignedXdr"]
    good = market.sign(unsigned, "eva")
    assert _refused(market, asked, unsigned) == "unsigned"
    assert _refused(market, asked, market.sign(unsigned, "mallory")) == "signer"
    assert _refused(market, asked, market.sign(unsigned, "eva", "Another network")) == "signer"
    assert _refused(market, asked, market.sign(good, "eva")) == "signatures"
    assert _refused(market, asked, market.sign(good, "mallory")) == "signatures"
    assert _refused(market, asked, good + "AAAA") == "signatures"
    longer = base64.b64encode(base64.b64decode(good) + bytes(4)).decode()
    assert _refused(market, asked, longer) == "signatures"
    for text in ("nonsense", "A" * 100_000, "AAAAAgAA"):
        assert _refused(market, asked, text) in ("unreadable", "differs")
    changed = TransactionEnvelope.from_xdr(unsigned, market.player.passphrase)
    changed.transaction.fee += 1
    changed.sign(market.keys["eva"])
    assert _refused(market, asked, changed.to_xdr()) == "differs"
    _refused(market, asked, 5, status=400)
    # Another envelope of the same party, signed well, is another one.
    other = market.order("eva", "bob", 20)
    market.api.post(f"/escrow/{other['escrowId']}/fund", status=202)
    foreign = market.sign(market.asked(other["id"], "eva")["unsignedXdr"], "eva")
    assert _refused(market, asked, foreign) == "differs"
    assert market.signs(asked, "eva", "FUND")["status"] == "CONFIRMED"
    # The same once more is the same; anything else comes too late.
    path = f"/operations/{market.operation(asked).id}/signature"
    assert market.api.post(path, {"signedXdr": good})["status"] == "CONFIRMED"
    assert market.api.post(path, {"signedXdr": foreign}, status=409)["code"] == "wrong_state"
    market.assert_sound()


def test_an_operation_of_another_marketplace_or_of_ours_is_not_signed(
    market: Market, asked: str
) -> None:
    from tests.world import World

    other = World(market.world.network)
    stranger = type(market.api)(market.api.url.removesuffix("/api/v1"), other.key())
    operation = market.operation(asked)
    for verb in ("signature", "envelope", "cancel"):
        body = {"signedXdr": "AAAA"} if verb == "signature" else {}
        stranger.post(f"/operations/{operation.id}/{verb}", body, status=404)
    deploy = EscrowOperation.objects.get(order=asked, kind="DEPLOY")
    assert deploy.sign_by is None
    assert deploy.source_wallet.kind == "RESOLVER"
    market.api.post(f"/operations/{deploy.id}/cancel", {}, status=409)


def test_what_the_party_sends_without_us_is_found_by_its_hash(market: Market, asked: str) -> None:
    hash = market.sends_it_alone(asked, "eva")
    market.world.watch()  # the monitor may see it before our books know of it
    market.look()
    operation = market.operation(asked)
    assert (operation.status, operation.hash, operation.attempts) == ("CONFIRMED", hash, 0)
    assert market.api.get(f"/orders/{asked}")["status"] == "IN_PROGRESS"
    assert market.held("eva") == "200.0000000"
    market.assert_sound()


def test_a_late_signature_is_refused_and_another_envelope_is_built_on_request(
    market: Market, asked: str
) -> None:
    first = market.asked(asked, "eva")
    # While it can be signed there is no other.
    again = market.api.post(f"/operations/{first['id']}/envelope", status=202)
    assert again["unsignedXdr"] == first["unsignedXdr"]
    market.advance("PT10M")
    shown = market.api.get(f"/operations/{first['id']}")
    assert (shown["status"], shown["unsignedXdr"]) == ("AWAITING_SIGNATURE", None)
    late = market.sign(first["unsignedXdr"], "eva")
    path = f"/operations/{first['id']}"
    refused = market.api.post(f"{path}/signature", {"signedXdr": late}, status=409)
    assert refused["code"] == "envelope_expired"
    fresh = market.api.post(f"{path}/envelope", status=202)
    assert fresh["unsignedXdr"] not in (None, first["unsignedXdr"])
    row = market.operation(asked)
    assert [(e["hash"], e["ended"]) for e in row.history] == [(first["hash"], "not_signed")]
    market.api.post(f"{path}/signature", {"signedXdr": late}, status=422)
    # Left alone once more, it rests without an envelope until somebody asks.
    market.advance("PT10M")
    market.look()
    row = market.operation(asked)
    assert (row.status, row.hash, row.source_wallet.lane) == ("AWAITING_SIGNATURE", "", "")
    market.api.post(f"{path}/signature", {"signedXdr": late}, status=409)
    market.api.post(f"{path}/envelope", status=202)
    assert market.signs(asked, "eva", "FUND")["status"] == "CONFIRMED"
    market.assert_sound()


def test_what_is_called_off_fails_when_the_party_can_not_send_it_any_more(
    market: Market, asked: str
) -> None:
    operation = market.asked(asked, "eva")
    path = f"/operations/{operation['id']}"
    answer = market.api.post(f"{path}/cancel", {"reason": "changed my mind"}, status=202)
    assert (answer["nextStep"], answer["unsignedXdr"]) == ("EXPIRE", None)
    signed = market.sign(operation["unsignedXdr"], "eva")
    market.api.post(f"{path}/signature", {"signedXdr": signed}, status=409)
    market.api.post(f"{path}/envelope", status=409)
    market.look()
    assert market.operation(asked).is_live  # she may have signed it for herself
    market.api.post(f"/orders/{asked}/cancel", {}, status=409)
    market.advance("PT10M")
    market.look()
    row = market.operation(asked)
    assert (row.status, (row.problem or {})["code"]) == ("FAILED", "withdrawn")
    assert market.api.post(f"/orders/{asked}/cancel", {})["status"] == "CANCELLED"
    kinds = Event.objects.filter(subject=asked).order_by("sequence").values_list("sequence", "type")
    assert [n for n, _ in kinds] == list(range(1, len(kinds) + 1))
    assert [k for _, k in kinds][-3:] == [
        "escrow.fund_withdrawn",
        "escrow.fund_failed",
        "order.cancelled",
    ]
    market.assert_sound()


def test_what_was_called_off_and_sent_all_the_same_counts(market: Market, asked: str) -> None:
    operation = market.asked(asked, "eva")
    signed = market.sign(operation["unsignedXdr"], "eva")
    market.api.post(f"/operations/{operation['id']}/cancel", {}, status=202)
    assert market.player.post_xdr(signed).status_code == 200
    market.advance("PT10M")
    market.look()
    assert market.operation(asked).status == "CONFIRMED"
    assert market.api.get(f"/orders/{asked}")["status"] == "IN_PROGRESS"
    market.assert_sound()


def test_a_party_that_never_signs_lets_the_step_fail_and_it_can_be_asked_for_again(
    market: Market, asked: str
) -> None:
    row = market.operation(asked)
    assert row.sign_by is not None
    assert timedelta(days=6) < row.sign_by - clock.now() < timedelta(days=8)
    EscrowOperation.objects.filter(pk=row.pk).update(sign_by=clock.now())
    market.look()
    assert market.operation(asked).is_live  # what she holds can still apply
    market.advance("PT10M")
    market.look()
    row = market.operation(asked)
    assert (row.status, (row.problem or {})["code"]) == ("FAILED", "not_signed")
    order = market.api.get(f"/orders/{asked}")
    assert (order["status"], order["operation"]["status"]) == ("ESCROW_CREATED", "FAILED")
    market.api.post(f"/escrow/{order['escrowId']}/fund", status=202)
    assert market.signs(asked, "eva", "FUND")["status"] == "CONFIRMED"
    market.assert_sound()


def test_two_steps_of_one_party_do_not_wait_for_each_other(market: Market, asked: str) -> None:
    """Both envelopes have the same number of the account: the second is built anew."""
    other = market.order("eva", "bob", 20)["id"]
    escrow = market.api.get(f"/orders/{other}")["escrowId"]
    market.api.post(f"/escrow/{escrow}/fund", status=202)
    stale = market.sign(market.asked(asked, "eva")["unsignedXdr"], "eva")
    assert market.signs(other, "eva", "FUND")["status"] == "CONFIRMED"
    path = f"/operations/{market.operation(asked).id}/signature"
    headers = {"Prefer": "respond-async"}
    market.api.post(path, {"signedXdr": stale}, status=202, headers=headers)
    market.look()
    assert market.operation(asked).status == "UNKNOWN"
    market.advance("PT10M")
    market.look()
    row = market.operation(asked)
    assert (row.status, row.attempts, row.history[0]["ended"]) == (
        "AWAITING_SIGNATURE",
        1,
        "expired",
    )
    assert market.signs(asked, "eva", "FUND")["status"] == "CONFIRMED"
    assert market.held("eva") == "180.0000000"
    market.assert_sound()


def test_a_dispute_does_not_wait_for_a_signature_of_the_other_party(market: Market) -> None:
    market.world.user("ann", money="100")
    market.party("sam")
    order_id = market.funded("ann", "sam")
    body = {"orderId": order_id, "action": "complete"}
    market.api.post("/resolution/release", body, status=202)
    market.asked(order_id, "sam")
    dispute = {"orderId": order_id, "openedBy": "buyer", "reason": "late"}
    found = market.api.post("/disputes", dispute, status=202, headers={"Prefer": "respond-async"})
    market.advance("PT10M")
    market.look()
    market.world.settle()
    assert market.api.get(f"/disputes/{found['id']}")["frozen"]
    complete = EscrowOperation.objects.get(order=order_id, kind="COMPLETE")
    assert (complete.problem or {})["code"] == "withdrawn"
    market.assert_sound()
