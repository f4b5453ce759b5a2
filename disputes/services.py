"""Opening a dispute, what the parties say in it, and the desk's work on it until the decision.

Every function locks the order first and the dispute after it. `expected_version` is the version of
the case that the caller looked at; a case that moved on since is refused, naming what changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from disputes.models import Dispute, DisputedMilestone, Message, Note, Reason, Statement
from disputes.states import IN_HAND, DisputeStatus, Party
from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import Conflict, FieldError, InvalidReference, NotFound, WrongState
from offerhub.core.money import format_amount
from offerhub.events import services as events
from offerhub.events.models import Event
from offerhub.marketplaces.models import StaffUser
from orders import escrow_services, plans
from orders.models import Milestone, Order
from orders.services import lock_order
from orders.states import SETTLED_MILESTONE, MilestoneStatus

_D = DisputeStatus
MAX_STATEMENTS, MAX_MESSAGES = 20, 500


class CaseChanged(Conflict):
    """`changes` lists the events since the page was drawn."""

    code, title = "case_changed", "The case has changed since you looked at it"


class AlreadyDisputed(Conflict):
    code, title = "already_disputed", "This milestone is in an open dispute already"


@dataclass(frozen=True)
class NewDispute:
    """A complaint. `milestone_ref` is the marketplace's id of a milestone or ours; without it every
    milestone that is not settled is disputed."""

    order_id: str
    opened_by: Party
    reason: str
    description: str = ""
    milestone_ref: str | None = None


# --- opening ----------------------------------------------------------------------------------
@in_transaction
def open_dispute(*, marketplace_id: str, new: NewDispute, actor: Actor) -> Dispute:
    """Open a dispute and freeze its milestones on the chain, signed by the party that opens it.

    The order is DISPUTED once the freeze is confirmed. Raises AlreadyDisputed, WrongState when
    there is nothing left to dispute, OperationInFlight when the money is being paid out right now.
    """
    order = lock_order(marketplace_id, new.order_id)
    milestones = _disputable(order, new.milestone_ref)
    now = clock.now()
    dispute = Dispute(
        marketplace_id=marketplace_id,
        order=order,
        opened_by=new.opened_by,
        reason=new.reason,
        category=Reason.objects.filter(code=new.reason, use=Reason.Use.OPENING).first(),
        description=new.description,
        amount=sum(milestone.amount for milestone in milestones),
        first_answer_due_at=now + timedelta(hours=settings.DISPUTE_FIRST_ANSWER_HOURS),
        decision_due_at=now + timedelta(hours=settings.DISPUTE_DECISION_HOURS),
        party_spoke_at=now,
        created_at=now,
    )
    dispute.save(force_insert=True)
    _attach(dispute, milestones)
    escrow_services.request_freeze(
        order=order,
        milestones=milestones,
        dispute_id=dispute.id,
        by=party_of(new.opened_by),
        actor=actor,
    )
    facts = {
        "openedBy": new.opened_by,
        "amount": format_amount(dispute.amount),
        "milestones": [milestone.ref for milestone in milestones],
    }
    return record(dispute, "dispute.opened", actor, facts)


def _disputable(order: Order, ref: str | None) -> list[Milestone]:
    milestones = list(order.milestones.all())
    chosen = list(plans.chosen(milestones, ref))
    if ref is None:
        chosen = [m for m in chosen if m.status not in (*SETTLED_MILESTONE, _DISPUTED)]
        if not chosen and any(m.status == _DISPUTED for m in milestones):
            raise AlreadyDisputed(
                "Everything of this order that is not settled is disputed already"
            )
    elif chosen[0].status == _DISPUTED:
        raise AlreadyDisputed(f"Milestone {chosen[0].ref} is in an open dispute already")
    if not chosen:
        raise WrongState("Every milestone of this order is settled already")
    return chosen


_DISPUTED = MilestoneStatus.DISPUTED


def _attach(dispute: Dispute, milestones: Sequence[Milestone]) -> None:
    try:
        DisputedMilestone.objects.bulk_create(
            DisputedMilestone(dispute=dispute, milestone=milestone) for milestone in milestones
        )
    except IntegrityError as error:
        if "milestone_one_open_dispute" not in str(error):
            raise
        raise AlreadyDisputed() from None


def party_of(party: str) -> plans.Party:
    """The word that orders use."""
    return "seller" if party == Party.SELLER else "buyer"


# --- what the parties say ---------------------------------------------------------------------
@in_transaction
def write_statement(
    *,
    marketplace_id: str,
    dispute_id: str,
    party: Party,
    text: str,
    submit: bool,
    actor: Actor,
) -> Statement:
    """Keep a party's statement: a draft that a later call replaces, or submitted for ever."""
    dispute = lock_dispute(marketplace_id, dispute_id)
    refuse_closed(dispute)
    draft = dispute.statements.filter(party=party, status=Statement.Status.DRAFT).first()
    if draft is None and dispute.statements.filter(party=party).count() >= MAX_STATEMENTS:
        raise WrongState(f"A party may hand in {MAX_STATEMENTS} statements to a dispute")
    statement = draft or Statement(dispute=dispute, party=party)
    statement.text, statement.actor = text, str(actor)
    if submit:
        statement.status, statement.submitted_at = Statement.Status.SUBMITTED, clock.now()
    statement.save()
    if submit:
        heard(dispute, party, actor)
        record(
            dispute,
            "dispute.statement_submitted",
            actor,
            {"by": party, "statementId": statement.id},
        )
    return statement


@in_transaction
def write_message(
    *, marketplace_id: str, dispute_id: str, sender: Party, text: str, actor: Actor
) -> Message:
    """A line that both parties and the desk read. From the desk it is the first answer, too."""
    dispute = lock_dispute(marketplace_id, dispute_id)
    refuse_closed(dispute)
    if dispute.messages.count() >= MAX_MESSAGES:
        raise WrongState(f"A dispute takes {MAX_MESSAGES} messages; hand in a statement")
    message = Message.objects.create(
        dispute=dispute, sender=sender, text=text, actor=str(actor), created_at=clock.now()
    )
    if sender == Party.STAFF:
        desk_spoke(dispute)
    else:
        heard(dispute, sender, actor)
    record(dispute, "dispute.message", actor, {"by": sender, "messageId": message.id})
    return message


def heard(dispute: Dispute, party: str, actor: Actor) -> None:
    """A party spoke: unread for the desk, and the review goes on if they were waited for."""
    dispute.party_spoke_at = clock.now()
    if dispute.status == _D.WAITING_PARTY and dispute.waiting_for == party:
        resume(dispute)
        record(dispute, "dispute.answered", actor, {"by": party})


def desk_spoke(dispute: Dispute) -> None:
    """The desk's word to the parties; the first one stops the first clock."""
    now = clock.now()
    dispute.staff_spoke_at = now
    if dispute.first_answered_at is None:
        dispute.first_answered_at = now


# --- the desk ---------------------------------------------------------------------------------
@in_transaction
def assign(
    *, dispute_id: str, to: StaffUser | None, actor: Actor, expected_version: int | None = None
) -> Dispute:
    """Take a case, give it to somebody, or (with nobody) release it."""
    dispute = lock_dispute(None, dispute_id)
    refuse_stale(dispute, expected_version)
    refuse_closed(dispute)
    if dispute.assignee_id == (to.pk if to else None):
        return dispute
    before = dispute.assignee.public_id if dispute.assignee else None
    dispute.assignee = to
    if to is not None and dispute.status == _D.OPEN:
        dispute.take_up()
    after = to.public_id if to else None
    return record(dispute, "dispute.assigned", actor, {"from": before, "to": after})


@in_transaction
def ask_party(
    *,
    dispute_id: str,
    party: Party,
    text: str,
    actor: Actor,
    expected_version: int | None = None,
) -> Dispute:
    """Ask a party for more. Both clocks stand until they answer or their time is over."""
    dispute = lock_dispute(None, dispute_id)
    refuse_stale(dispute, expected_version)
    refuse_unless_in_hand(dispute)
    if dispute.status == _D.WAITING_PARTY:
        raise WrongState(f"The case waits for the {dispute.waiting_for.lower()} already")
    begin_review(dispute, actor)
    now = clock.now()
    message = Message.objects.create(
        dispute=dispute, sender=Party.STAFF, text=text, actor=str(actor), created_at=now
    )
    desk_spoke(dispute)
    dispute.ask()
    dispute.waiting_for, dispute.stopped_at = party, now
    dispute.party_due_at = now + timedelta(hours=settings.DISPUTE_PARTY_ANSWER_HOURS)
    facts = {"party": party, "messageId": message.id, "until": dispute.party_due_at.isoformat()}
    return record(dispute, "dispute.information_requested", actor, facts)


@in_transaction
def write_note(*, dispute_id: str, author: StaffUser, text: str) -> Note:
    """A word among staff. No party sees it, and the case is the same after it: no event, so a
    proposal that waits for approval stays good."""
    dispute = lock_dispute(None, dispute_id)
    return Note.objects.create(dispute=dispute, author=author, text=text, created_at=clock.now())


@in_transaction
def answer_overdue(*, dispute_id: str, actor: Actor) -> None:
    """The party's time to answer is over: the desk goes on with what it has."""
    dispute = lock_dispute(None, dispute_id)
    if dispute.status != _D.WAITING_PARTY or _later(dispute.party_due_at):
        return
    party = dispute.waiting_for
    resume(dispute)
    record(dispute, "dispute.answer_overdue", actor, {"party": party})


def _later(moment: datetime | None) -> bool:
    return moment is not None and moment > clock.now()


def begin_review(dispute: Dispute, actor: Actor) -> None:
    """The desk's first act takes an open case up."""
    if dispute.status == _D.OPEN:
        dispute.take_up()
        record(dispute, "dispute.taken_up", actor)


def resume(dispute: Dispute) -> None:
    """The clocks go on, later by as long as they stood."""
    assert dispute.stopped_at is not None
    stood = clock.now() - dispute.stopped_at
    dispute.decision_due_at += stood
    if dispute.first_answered_at is None:
        dispute.first_answer_due_at += stood
    dispute.stopped_at, dispute.waiting_for, dispute.party_due_at = None, "", None
    dispute.answered()


# --- what every service of disputes does ------------------------------------------------------
def lock_dispute(marketplace_id: str | None, dispute_id: str) -> Dispute:
    """The dispute under its row lock, its order locked before it (as every call to the contract
    does). `None` is the desk, which works for every marketplace."""
    rows = Dispute.objects.filter(pk=dispute_id)
    if marketplace_id is not None:
        rows = rows.of(marketplace_id)
    found = rows.values_list("order_id", "marketplace_id").first()
    if found is None:
        raise NotFound(f"There is no dispute {dispute_id!r} in this marketplace")
    order = lock_order(found[1], found[0])
    locked = Dispute.objects.select_related("assignee").select_for_update(of=("self",))
    dispute: Dispute = locked.get(pk=dispute_id)
    dispute.order = order
    return dispute


def record(
    dispute: Dispute, event: str, actor: Actor, payload: dict[str, Any] | None = None
) -> Dispute:
    """Write the event and save the row: the last step of a change."""
    told = {"status": dispute.status, "orderId": dispute.order_id, **(payload or {})}
    events.record(dispute, event, actor=actor, payload=told)
    dispute.save()
    return dispute


def refuse_closed(dispute: Dispute) -> None:
    """Nobody speaks in a closed case any more."""
    if not dispute.is_open:
        raise WrongState(f"The dispute is {dispute.status}", currentStatus=dispute.status)


def refuse_unless_in_hand(dispute: Dispute) -> None:
    """Only while the desk is still to decide."""
    if dispute.status not in IN_HAND:
        raise WrongState(f"The dispute is {dispute.status}", currentStatus=dispute.status)


def refuse_stale(dispute: Dispute, expected_version: int | None) -> None:
    """Raise CaseChanged, with what happened since, when the caller looked at an older version."""
    if expected_version is None or expected_version == dispute.version:
        return
    rows = Event.objects.filter(subject=dispute.id, sequence__gt=expected_version)
    changes: list[dict[str, Any]] = [
        {"type": event.type, "actor": event.actor, "at": event.created_at}
        for event in rows.order_by("sequence")
    ]
    words = ", ".join(change["type"].removeprefix("dispute.") for change in changes) or "reset"
    text = f"Since you looked at it: {words}. Look at it as it is now before you decide"
    raise CaseChanged(text, changes=changes)


def find_reason(code: str, use: str) -> Reason:
    """A reason code that may be used; raises InvalidReference naming those that may."""
    known = {reason.code: reason for reason in Reason.objects.filter(use=use, is_active=True)}
    if code not in known:
        text = f"must be one of {', '.join(sorted(known))}"
        raise InvalidReference(errors=[FieldError("reasonCode", "unknown_reason", text)])
    return known[code]


def find_party(dispute_or_order: Dispute | Order, name: str, field: str) -> Party:
    """Who a body names: `buyer`, `seller`, or one of the two by id (ours or the marketplace's)."""
    order = dispute_or_order.order if isinstance(dispute_or_order, Dispute) else dispute_or_order
    buyer, seller = order.buyer, order.seller
    names = {
        "buyer": Party.BUYER,
        "seller": Party.SELLER,
        buyer.external_id: Party.BUYER,
        seller.external_id: Party.SELLER,
        buyer.id: Party.BUYER,
        seller.id: Party.SELLER,
    }
    if name not in names:
        text = "must be buyer, seller, or the id of one of the two"
        raise InvalidReference(errors=[FieldError(field, "not_a_party", text)])
    return names[name]
