"""Known defects of subscriptions, campaigns, fees, approvals and claims; see `defects.py`."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from ledger import movements
from offerhub.approvals import services as approvals
from offerhub.claims import outcomes, watching
from offerhub.claims import services as claims
from offerhub.claims.models import ClaimableBalance
from offerhub.deposits import booking
from offerhub.subscriptions import cancellation, charging
from offerhub.subscriptions.held import Held
from orders import escrow, services
from orders.campaigns import pledging
from orders.campaigns.models import Campaign
from orders.models import EscrowOperation, ReleaseWindow
from orders.reimbursements import services as reimbursements
from orders.settlement import Paid
from payouts import limits

DAY = timedelta(days=1)


def _refunds_are_not_made_whole() -> None:
    reimbursements.request = lambda *_, **__: None


def _over_the_limit_unasked() -> None:
    limits.proposal_for = lambda *_: None


def _nobody_else_is_asked() -> None:
    approvals.why_second = lambda **_: ""


def _window_ends_at_once() -> None:
    ReleaseWindow.length = property(lambda self: timedelta())  # type: ignore[assignment,method-assign]


def _goal_not_asked() -> None:
    Campaign.goal_is_met = property(lambda self: True)  # type: ignore[assignment,method-assign]


def _late_pledges() -> None:
    vars(pledging)["refuse_when_over"] = lambda *_: None


def _half_of_a_cycle() -> None:
    vars(cancellation)["earned"] = lambda amount, *_: amount // 2 // 100_000 * 100_000


def _cycles_overlap() -> None:
    upcoming = charging.upcoming

    def longer(*args: Any, **more: Any) -> Any:
        cycle = upcoming(*args, **more)
        cycle.ends_at += DAY
        return cycle

    charging.upcoming = longer


def _stopped_goes_on() -> None:
    Held.stop = lambda *_, **__: None  # type: ignore[method-assign]


def _reservation_kept() -> None:
    vars(movements)["unreserve"] = lambda **_: None


def _orders_fee_ignored() -> None:
    services._fee_percent = lambda new, marketplace: marketplace.platform_fee_percent


def _half_a_split() -> None:
    payouts = Paid.payouts
    Paid.payouts = lambda *args: payouts(*args)[:1]  # type: ignore[method-assign]


def _dust_to_the_other() -> None:
    build, balance_of = escrow._resolve, vars(escrow)["contract_balance"]

    def other(row: EscrowOperation, args: Any) -> Any:
        held = balance_of(args["contract"]) - args["to_seller"] - args["to_buyer"]
        if held > 0 and not args["to_seller"]:
            args = {**args, "to_seller": held}
        return build(row, args)

    escrow._BUILDERS[EscrowOperation.Kind.RESOLVE] = other


def _crumbs_are_fetched() -> None:
    claims.minimum = lambda: 1


def _too_early_is_never() -> None:
    vars(outcomes)["_next"] = lambda *_: (None, ClaimableBalance.Reason.TOO_LATE)
    vars(claims)["opens_at"] = lambda predicate, now: now


def _a_claim_is_two_deposits() -> None:
    def other(network: str, seen: Any) -> Any:
        named = [
            replace(one, transfer=replace(one.transfer, operation=one.hash[:20])) for one in seen
        ]
        return booking.book(network, named)

    vars(outcomes)["booking"] = SimpleNamespace(book=other)


def _a_look_is_not_repeated() -> None:
    vars(watching)["LEASE"] = 10.0**8  # seconds


DEFECTS = {
    "refunds-are-not-made-whole": ("borne fees are not paid back", _refunds_are_not_made_whole),
    "over-the-limit-unasked": ("a large withdrawal asks nobody", _over_the_limit_unasked),
    "nobody-else-is-asked": ("one person decides over any sum", _nobody_else_is_asked),
    "window-ends-at-once": ("the seller is paid before the buyer's time", _window_ends_at_once),
    "goal-not-asked": ("a campaign under its goal pays the creator", _goal_not_asked),
    "late-pledges": ("a campaign that is over takes pledges", _late_pledges),
    "half-of-a-cycle": ("a cycle that is cut is halved", _half_of_a_cycle),
    "cycles-overlap": ("a cycle lasts a day too long", _cycles_overlap),
    "stopped-goes-on": ("a subscription that was stopped charges on", _stopped_goes_on),
    "reservation-kept": ("a cancelled order keeps the buyer's money", _reservation_kept),
    "orders-fee-ignored": ("an order's own fee is the marketplace's", _orders_fee_ignored),
    "half-a-split": ("of a decision one side is booked", _half_a_split),
    "dust-to-the-other": ("a stranger's money goes to who gets nothing", _dust_to_the_other),
    "crumbs-are-fetched": ("what is set aside is claimed, however little", _crumbs_are_fetched),
    "too-early-is-never": ("a claim before its time is the last one", _too_early_is_never),
    "a-claim-is-two-deposits": ("claim and monitor both credit it", _a_claim_is_two_deposits),
    "a-look-is-not-repeated": ("a look that dies is the wallet's last", _a_look_is_not_repeated),
}
