"""Known defects, put back one at a time: `make simulate DEFECT=name` must find each of them.

Patches of this process alone, made when asked for; nothing of the product knows of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from offerhub.api import idempotency
from offerhub.chain import runner, submission, trustless_work
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.types import ChainFact, Outcome, Verdict
from offerhub.core import jobs
from offerhub.core.crash import crash_point
from offerhub.deposits import booking, judgement
from offerhub.deposits import services as deposits
from offerhub.deposits.models import history_name
from orders import escrow, plans, services, settlement
from orders.models import EscrowOperation
from payouts.payment import PaymentDriver


@dataclass(frozen=True)
class Defect:
    """What it does, and how it is put back."""

    effect: str
    put_back: Callable[[], None]


def _timeout_is_failure() -> None:
    send = PaymentDriver.send

    def sent(self: PaymentDriver, row: Any) -> Outcome:
        outcome = send(self, row)
        if outcome.verdict is Verdict.UNKNOWN:
            self.fail(row, "timeout", "No answer", None)
        return outcome

    PaymentDriver.send = sent  # type: ignore[method-assign]


def _failure_is_success() -> None:
    send = escrow.EscrowDriver.send

    def sent(self: Any, row: EscrowOperation) -> Outcome:
        outcome = send(self, row)
        if row.kind == EscrowOperation.Kind.FUND and outcome.verdict is not Verdict.CONFIRMED:
            fact = ChainFact(row.hash, 1, datetime.now(UTC), 0, "", True)
            return Outcome(Verdict.CONFIRMED, fact)
        return outcome

    escrow.EscrowDriver.send = sent  # type: ignore[method-assign]


def _hash_not_kept() -> None:
    def keep(self: submission.Submission, envelope: Any, signed_xdr: str) -> bool:
        self.xdr, self.hash, self.valid_until = signed_xdr, envelope.hash, envelope.valid_until
        self.envelope_meta, self.attempts = envelope.meta, self.attempts + 1
        return self._save_leased(envelope_meta=envelope.meta, attempts=self.attempts)

    submission.Submission.keep_envelope = keep  # type: ignore[method-assign]


def _expired_at_once() -> None:
    LedgerReads.cannot_apply = lambda self, row: True  # type: ignore[method-assign]


def _first_milestone_only() -> None:
    step = plans._step

    def first(kind: Any, milestone: Any, args: Any = None) -> Any:
        return {**step(kind, milestone, args), "index": 0}

    plans._step = first


def _dust_ignored() -> None:
    def resolve(row: EscrowOperation, args: Any) -> Any:
        shares = {args["seller"]: args["to_seller"], args["buyer"]: args["to_buyer"]}
        return trustless_work.resolve(*escrow._call(row, args), shares)

    escrow._BUILDERS[EscrowOperation.Kind.RESOLVE] = resolve


def _cursor_before_booking() -> None:
    def record(expected: Any, page: Any, carefully: bool) -> Any:
        if not deposits._move(expected, page):
            return None
        network = history_name("sandbox", expected.history)
        crash_point("before_page_commit")
        with transaction.atomic():
            return booking.book(network, page.seen, carefully=carefully)

    deposits._record_page = record


def _no_idempotency() -> None:
    idempotency.call_of = lambda request: None


def _cancelled_on_its_way() -> None:
    services.refuse_in_flight = lambda order: None


def _fees_are_the_sellers() -> None:
    read = settlement.read_payout

    def gross(escrow: Any, fact: ChainFact) -> settlement.Paid:
        paid = read(escrow, fact)
        return replace(paid, seller=paid.gross - paid.buyer, platform=0, protocol=0)

    settlement.read_payout = gross


def _payouts_are_deposits() -> None:
    ours = judgement._is_ours
    judgement._is_ours = lambda sender, to: to.user_id is None and ours(sender, to)


def _one_credit_a_transaction() -> None:
    book = booking.book

    def once(network: str, seen: Any, *, carefully: bool = False) -> Any:
        first = {one.hash: one for one in reversed(seen)}
        return book(network, list(first.values())[::-1], carefully=carefully)

    booking.book = once


def _bells_only() -> None:
    for name in ("orders.operations", "payouts.due"):
        jobs.SWEEPS[name] = replace(jobs.SWEEPS[name], find=list)


def _found_is_not_looked_for() -> None:
    """A sent envelope is built anew without looking the old one up."""
    go = runner._Run.go

    def blind(self: Any) -> None:
        if self.row.hash:
            self.row.retire_envelope("forgotten")
        go(self)

    runner._Run.go = blind  # type: ignore[method-assign]


DEFECTS = {
    "timeout-is-failure": Defect("a withdrawal without an answer is refunded", _timeout_is_failure),
    "failure-is-success": Defect("a funding that was refused is booked", _failure_is_success),
    "hash-not-kept": Defect("nothing is kept before it is sent", _hash_not_kept),
    "expired-at-once": Defect("an envelope not found is built anew at once", _expired_at_once),
    "found-is-not-looked-for": Defect("a retry does not look first", _found_is_not_looked_for),
    "first-milestone-only": Defect("every call is for milestone 0", _first_milestone_only),
    "dust-ignored": Defect("a stroop of a stranger blocks a refund", _dust_ignored),
    "cursor-before-booking": Defect("the cursor moves before the credits", _cursor_before_booking),
    "no-idempotency": Defect("a repeated request is a new one", _no_idempotency),
    "cancelled-on-its-way": Defect("an order is cancelled in flight", _cancelled_on_its_way),
    "fees-are-the-sellers": Defect("the gross is booked, not the net", _fees_are_the_sellers),
    "payouts-are-deposits": Defect("a payout is credited twice", _payouts_are_deposits),
    "one-credit-a-transaction": Defect("of two payments one counts", _one_credit_a_transaction),
    "bells-only": Defect("what no bell rang for is never done", _bells_only),
}
