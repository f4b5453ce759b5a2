"""One timeline of a case or an order: parties, staff, money and chain, newest last."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from disputes.models import Dispute
from offerhub.events.models import Event
from offerhub.marketplaces.models import StaffUser

KINDS = {"party": "Parties", "staff": "Staff", "money": "Money", "chain": "Chain"}
MONEY = ("order", "deposit", "claimable_balance", "campaign", "subscription")
Payload = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """One line. `private` lines are for staff alone; `text` is what somebody wrote."""

    at: datetime
    kind: str
    who: str
    what: str
    text: str = ""
    private: bool = False
    hash: str = ""
    operation: str = ""


def of_case(dispute: Dispute) -> list[Moment]:
    """Events of the dispute and of its order since it was opened, what was said, and notes.

    Five statements, however long it is.
    """
    since = Event.objects.filter(subject=dispute.order_id, created_at__gte=dispute.created_at)
    events = [*Event.objects.filter(subject=dispute.pk), *since]
    names = _names(events)
    said = {row.pk: row.text for row in dispute.messages.all()}
    said |= {row.pk: row.text for row in dispute.statements.all()}
    moments = [_moment(event, names, said) for event in events]
    moments += [
        Moment(note.created_at, "staff", note.author.username, "noted", note.text, private=True)
        for note in dispute.notes.select_related("author")
    ]
    return sorted(moments, key=lambda moment: moment.at)


def of_order(order_id: str) -> list[Moment]:
    """All events of an order. Two statements."""
    events = list(Event.objects.filter(subject=order_id).order_by("sequence"))
    names = _names(events)
    return [_moment(event, names, {}) for event in events]


def _names(events: Iterable[Event]) -> dict[str, str]:
    """Actor text → the name of the person, for staff."""
    ids = {event.actor for event in events if event.actor.startswith("staff:")}
    ids |= {
        f"staff:{value}"
        for event in events
        for key in ("to", "from")
        if isinstance(value := event.payload.get(key), str)
    }
    rows = StaffUser.objects.filter(public_id__in=[one.partition(":")[2] for one in ids])
    return {f"staff:{row.public_id}": row.get_full_name() or row.username for row in rows}


def _moment(event: Event, names: dict[str, str], said: dict[str, str]) -> Moment:
    payload, (area, _, rest) = event.payload, event.type.partition(".")
    who = _who(event, names)
    if area == "escrow":
        call, _, outcome = rest.rpartition("_")
        text = payload.get("detail", "") if outcome == "failed" else ""
        what = f"{_WORDS.get(call, call)} {outcome}{_of(payload)}"
        if payload.get("ledger"):
            what += f" in ledger {payload['ledger']}"
        operation = payload.get("operationId", "")
        return Moment(
            event.created_at,
            "chain",
            "chain",
            what,
            text,
            False,
            payload.get("hash") or "",
            operation,
        )
    kind = _KIND.get(event.type, "money" if area in MONEY else "staff")
    if who in ("buyer", "seller"):
        kind = "party"
    written = said.get(payload.get("messageId", "") or payload.get("statementId", ""), "")
    what = _SENTENCES.get(event.type, rest.replace("_", " "))
    return Moment(event.created_at, kind, who, _filled(what, payload, names), written)


def _who(event: Event, names: dict[str, str]) -> str:
    by = event.payload.get("by") or event.payload.get("openedBy")
    if by and not event.actor.startswith("staff:"):
        return str(by).lower()
    if event.actor.startswith("api_key:"):
        return "marketplace"
    return names.get(event.actor, event.actor.partition(":")[0])


def _of(payload: Payload) -> str:
    return f" of {payload['milestoneId']}" if payload.get("milestoneId") else ""


def _filled(sentence: str, payload: Payload, names: dict[str, str]) -> str:
    values = payload | {
        "milestones": ", ".join(payload.get("milestones") or []),
        "to": names.get(f"staff:{payload.get('to')}", "nobody"),
        "party": str(payload.get("party", "")).lower(),
        "decision": str(payload.get("decision") or "").lower(),
    }
    return sentence.format_map(defaultdict(str, values))  # what an event does not say is left out


_WORDS = {
    "deploy": "contract",
    "fund": "funding",
    "complete": "completion",
    "approve": "approval",
    "release": "release",
    "dispute": "freeze",
    "resolve": "division",
    "sweep": "surplus payment",
}
_SENTENCES = {
    "dispute.opened": "opened the dispute on {milestones}: {amount} USDC",
    "dispute.statement_submitted": "handed in a statement",
    "dispute.message": "wrote",
    "dispute.evidence_added": "added a file {name}",
    "dispute.assigned": "assigned the case to {to}",
    "dispute.taken_up": "took the case up",
    "dispute.information_requested": "asked the {party} for more",
    "dispute.answered": "answered; the review goes on",
    "dispute.answer_overdue": "The {party} did not answer in time; the review goes on",
    "dispute.proposed": "proposed: {decision}",
    "dispute.proposal_rejected": "rejected the proposal",
    "dispute.proposal_withdrawn": "took the proposal back",
    "dispute.proposal_expired": "The proposal expired",
    "dispute.decided": "decided: {seller} USDC to the seller, {buyer} USDC to the buyer",
    "dispute.withdrawal_requested": "withdrew the dispute",
    "dispute.frozen": "The money is frozen on the chain",
    "dispute.freeze_failed": "The freeze failed: {detail}",
    "dispute.settlement_failed": "The settlement failed: {detail}",
    "dispute.settlement_retried": "The contract's balance had moved; asked again",
    "dispute.retried": "asked the contract again",
    "dispute.reopened": "took the decision back for a new one",
    "dispute.resolved": "The dispute is resolved",
    "dispute.withdrawn": "The dispute ended: withdrawn",
    "order.created": "created the order over {amount} USDC",
    "order.reserved": "reserved the money",
    "order.cancelled": "cancelled the order",
    "order.shipped": "sent the goods",
    "order.release_extended": "asked for more time: released by itself at {releaseAt}",
    "order.release_reminder": "Released by itself at {releaseAt} unless somebody objects",
    "order.release_window_ended": "Nobody objected in time: the release begins",
    "campaign.created": "made the campaign: goal {goal} USDC",
    "campaign.goal_reached": "The goal is reached: {pledged} USDC",
    "campaign.pledge_withdrawn": "took back a pledge of {amount} USDC: {pledged} USDC are left",
    "campaign.settling": "The settlement begins: {pledges} pledges, {pledged} USDC",
    "campaign.progress": "{done} of {total} pledges are settled",
    "campaign.needs_attention": "{failed} pledges failed",
    "campaign.retried": "asked for {pledges} failed pledges once more",
    "campaign.succeeded": "Everything is with the creator: {paidOut} USDC",
    "campaign.failed": "Everything is with the backers again: {givenBack} USDC",
    "campaign.cancelled": "Called off: {givenBack} USDC are with the backers again",
    "subscription.created": "began the subscription: {amount} USDC a cycle",
    "subscription.updated": "changed the subscription",
    "subscription.price_changed": "changed the price from {before} to {amount} USDC",
    "subscription.cycle_prepared": "Cycle {index}: {amount} USDC on the way into a contract",
    "subscription.cycle_ended": "Cycle {index}: {seller} USDC to the seller, {buyer} to the buyer",
    "subscription.cycle_settled": "Cycle {index} is settled",
    "subscription.cycle_dropped": "Nobody asks for the money of cycle {index} any more",
    "subscription.cycles_skipped": "Cycles that passed unasked: {count}",
    "subscription.payment_failed": "Cycle {index} could not be paid: {code}",
    "subscription.grace_began": "The grace for cycle {index} lasts until {until}",
    "subscription.payment_recovered": "Cycle {index} is paid at last",
    "subscription.stop_planned": "It stops by itself at {at}",
    "subscription.paused": "The subscription is paused",
    "subscription.resumed": "resumed the subscription",
    "subscription.cancel_requested": "cancelled the subscription",
    "subscription.ending": "It is over; contracts are being settled",
    "subscription.cancelled": "The subscription is cancelled",
    "deposit.suspended": "The deposit could be credited to nobody",
    "deposit.credited": "The deposit was credited",
    "deposit.assignment_requested": "gave it to a user; the payment is on its way",
    "deposit.assigned": "The payment arrived: the money is the user's",
    "deposit.assignment_failed": "The payment to the user failed; it is in suspense as before",
    "deposit.return_requested": "decided to send it back; the payment is on its way",
    "deposit.returned": "The payment arrived: it is with its sender again",
    "deposit.return_failed": "The payment to the sender failed; it is in suspense as before",
    "claimable_balance.listed": "Somebody set it aside: claimed from {dueAt} on",
    "claimable_balance.refused": "It is not claimed by itself",
    "claimable_balance.claim_requested": "asked for the claim",
    "claimable_balance.postponed": "It could not be claimed yet: tried again from {dueAt} on",
    "claimable_balance.claimed": "It is claimed, and what it brought is a deposit",
    "claimable_balance.gone": "It is not there any more: nothing was claimed",
}
_KIND = {
    "dispute.opened": "party",
    "dispute.statement_submitted": "party",
    "dispute.answered": "party",
    "dispute.answer_overdue": "party",
    "dispute.evidence_added": "party",
    "dispute.withdrawal_requested": "party",
    "dispute.decided": "money",
    "dispute.resolved": "money",
    "dispute.withdrawn": "money",
    "dispute.frozen": "chain",
    "dispute.freeze_failed": "chain",
    "dispute.settlement_failed": "chain",
    "dispute.settlement_retried": "chain",
}
