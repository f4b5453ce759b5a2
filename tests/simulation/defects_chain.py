"""Known defects of calls to the chain, of deposits and of requests; see `defects.py`."""

import contextlib
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from offerhub import logs
from offerhub.api import idempotency
from offerhub.chain import ending, events, keys, runner, submission, trustless_work
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.types import ChainFact, ChainUnavailable, Outcome, Verdict
from offerhub.core import jobs
from offerhub.core.crash import crash_point
from offerhub.core.errors import NotFound
from offerhub.deposits import booking, judgement, monitor
from offerhub.deposits import services as deposits
from offerhub.deposits.models import ChainCursor, history_name
from orders import escrow, plans, services, settlement, views
from orders.bodies import order_bodies
from orders.models import EscrowOperation, Order
from payouts import outcomes
from payouts import services as withdrawals
from payouts.models import Withdrawal
from payouts.payment import WithdrawalDriver
from tests.simulation.death import Died


def _timeout_is_failure() -> None:
    send = WithdrawalDriver.send

    def sent(self: WithdrawalDriver, row: Any) -> Outcome:
        outcome = send(self, row)
        if outcome.verdict is Verdict.UNKNOWN:
            self.fail(row, "timeout", "No answer", None)
        return outcome

    WithdrawalDriver.send = sent  # type: ignore[method-assign, assignment]


Kind = EscrowOperation.Kind
STATE_ALONE = (Kind.FUND, Kind.COMPLETE, Kind.APPROVE, Kind.DISPUTE)  # calls that pay nobody


def _failure_is_success() -> None:
    send = escrow.EscrowDriver.send

    def sent(self: Any, row: EscrowOperation) -> Outcome:
        outcome = send(self, row)
        if row.kind in STATE_ALONE and outcome.verdict is not Verdict.CONFIRMED:
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


def _from_now_on() -> None:
    """A monitor that begins again begins with what comes next."""
    forget = monitor.forget

    def forgets() -> None:
        forget()
        with contextlib.suppress(ChainUnavailable, Died):
            newest, _ = events.newest_ledger()
            ChainCursor.objects.update(cursor="", ledger=newest)

    monitor.forget = forgets


def _two_decimals() -> None:
    post = booking._post

    def rounded(network: str, finding: Any, usdc: Any) -> None:
        cents = max(finding.transfer.amount // 100_000 * 100_000, 1)
        transfer = replace(finding.transfer, amount=cents)
        post(network, replace(finding, seen=replace(finding.seen, transfer=transfer)), usdc)

    booking._post = rounded


def _called_back_on_its_way() -> None:
    cancel = withdrawals.cancel

    def back(*, withdrawal_id: str, marketplace_id: str, actor: Any, reason: str = "") -> Any:
        row = Withdrawal.objects.get(pk=withdrawal_id)
        if row.status != "SUBMITTED" or row.batch_id:
            return cancel(
                withdrawal_id=withdrawal_id,
                marketplace_id=marketplace_id,
                actor=actor,
                reason=reason,
            )
        attempt = withdrawals.lock_attempt(withdrawal_id=withdrawal_id)
        attempt.withdrawal.fail()
        withdrawals.give_back(attempt.withdrawal, actor)
        ending.finish(attempt, submission.Status.FAILED, None)
        withdrawals.save(attempt.withdrawal, "withdrawal.failed", actor, {})
        return attempt.withdrawal

    withdrawals.cancel = back


def _event_lost() -> None:
    save = vars(outcomes)["save"]

    def skips(row: Any, event: str, actor: Any, payload: Any) -> None:
        row.version += event == "withdrawal.completed"
        save(row, event, actor, payload)

    vars(outcomes)["save"] = skips


def _any_tenants_orders() -> None:
    def anybodys(marketplace_id: str, order_id: str) -> Any:
        row = Order.objects.filter(pk=order_id).first()
        if row is None:
            raise NotFound(f"There is no order {order_id}")
        return order_bodies(row.marketplace_id, [order_id])[0]

    views._order = anybodys


def _seed_in_the_log() -> None:
    open_ = keys._open

    def tells(wallet: Any) -> Any:
        keypair = open_(wallet)
        logging.getLogger("offerhub").warning("opened %s", keypair.secret)
        return keypair

    keys._open = tells
    vars(logs)["redact"] = str


DEFECTS = {
    "timeout-is-failure": ("a withdrawal without an answer is refunded", _timeout_is_failure),
    "failure-is-success": ("a call that was refused is booked", _failure_is_success),
    "hash-not-kept": ("nothing is kept before it is sent", _hash_not_kept),
    "expired-at-once": ("an envelope not found is built anew at once", _expired_at_once),
    "found-is-not-looked-for": ("a retry does not look first", _found_is_not_looked_for),
    "first-milestone-only": ("every call is for milestone 0", _first_milestone_only),
    "dust-ignored": ("a stroop of a stranger blocks a refund", _dust_ignored),
    "cursor-before-booking": ("the cursor moves before the credits", _cursor_before_booking),
    "no-idempotency": ("a repeated request is a new one", _no_idempotency),
    "cancelled-on-its-way": ("an order is cancelled in flight", _cancelled_on_its_way),
    "fees-are-the-sellers": ("the gross is booked, not the net", _fees_are_the_sellers),
    "payouts-are-deposits": ("a payout is credited twice", _payouts_are_deposits),
    "one-credit-a-transaction": ("of two payments one counts", _one_credit_a_transaction),
    "bells-only": ("what no bell rang for is never done", _bells_only),
    "from-now-on": ("a monitor that begins again skips what was missed", _from_now_on),
    "two-decimals": ("deposits are cut to cents", _two_decimals),
    "called-back-on-its-way": ("a sent withdrawal gives its money back", _called_back_on_its_way),
    "event-lost": ("a change has no event", _event_lost),
    "any-tenants-orders": ("orders are shown to whoever knows their id", _any_tenants_orders),
    "seed-in-the-log": ("a wallet's seed is logged, and not blotted out", _seed_in_the_log),
}
