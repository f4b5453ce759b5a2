"""Four eyes: propose, approve, reject, take back, and execute once.

A library: the domain that proposes calls it inside its own transaction, under its subject's lock,
and executes in the transaction of `approve` (or of `propose`, when that is APPROVED at once).
Nothing here knows what a proposal is about, and nothing calls back.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Sum

from offerhub.approvals.errors import (
    AlreadyProposed,
    ApproverIsProposer,
    NotStaff,
    NotTheProposer,
    ProposalChanged,
    ProposalClosed,
    ProposalExpired,
    ProposerGone,
)
from offerhub.approvals.models import Approval, Proposal, Verdict
from offerhub.approvals.rule import Rule as Rule
from offerhub.approvals.states import ProposalStatus
from offerhub.core import canonical, clock
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.db import in_transaction
from offerhub.core.errors import NotFound
from offerhub.core.money import format_amount
from offerhub.events import services as events
from offerhub.marketplaces.models import ApiKey, StaffUser

DAY = timedelta(hours=24)


@in_transaction
def propose(
    *,
    marketplace_id: str,
    kind: str,
    subject: str,
    subject_version: int,
    group: str,
    payload: Mapping[str, Any],
    amount: int,
    actor: Actor,
    reason_code: str = "",
    note: str = "",
    rule: Rule,
) -> Proposal:
    """A proposal to move `amount` stroops: APPROVED when nobody else is needed, else OPEN.

    Raises AlreadyProposed while another one for the subject is open.
    """
    _one_at_a_time(group, str(actor), subject)
    waiting = open_of(subject)
    if waiting is not None:
        raise AlreadyProposed(proposalId=waiting.id)
    why = why_second(
        rule=rule, marketplace_id=marketplace_id, group=group, amount=amount, actor=actor
    )
    now = clock.now()
    proposal = Proposal(
        marketplace_id=marketplace_id,
        kind=kind,
        subject=subject,
        subject_version=subject_version,
        group=group,
        payload=canonical.plain(payload),
        amount=amount,
        proposer=str(actor),
        reason_code=reason_code,
        note=canonical.clean(note),
        status=ProposalStatus.OPEN if why else ProposalStatus.APPROVED,
        required=1 if why else 0,
        why_required=why,
        created_at=now,
        expires_at=now + timedelta(hours=rule.hours),
        decided_at=None if why else now,
    )
    proposal.digest = digest_of(proposal)
    told = {"kind": kind, "subject": subject, "amount": format_amount(amount), "why": why}
    events.record(proposal, "proposal.opened", actor=actor, payload=told)
    proposal.save(force_insert=True)
    return proposal


def why_second(*, rule: Rule, marketplace_id: str, group: str, amount: int, actor: Actor) -> str:
    """Why a proposal of this actor would need a second person now; empty when it would not.

    To show before proposing. Adds up what was approved on the spot. Two statements at most.
    """
    spot = Proposal.objects.filter(status=ProposalStatus.APPROVED, required=0)
    in_group = in_day = 0
    if group and rule.order_sum is not None:
        in_group = _total(spot.filter(group=group, marketplace_id=marketplace_id))
    if rule.proposer_day is not None:
        in_day = _total(spot.filter(proposer=str(actor), created_at__gt=clock.now() - DAY))
    return rule.why(amount, in_group, in_day)


def _total(rows: Any) -> int:
    return int(rows.aggregate(total=Sum("amount"))["total"] or 0)


def _one_at_a_time(group: str, proposer: str, subject: str) -> None:
    """Whoever adds to the same sums waits here, so that two halves are not both found small.

    Always in the same order, so that nobody waits in a circle.
    """
    names = {f"group:{group}", f"proposer:{proposer}", f"subject:{subject}"}
    with connection.cursor() as cursor:
        for name in sorted(names):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"approvals:{name}"]
            )


@in_transaction
def approve(
    *, proposal_id: str, digest: str, subject_version: int, actor: Actor, note: str = ""
) -> Proposal:
    """A second person agrees to exactly what they saw: `digest`, at `subject_version`.

    The caller executes in the same transaction. Raises ProposalClosed, ProposalExpired, NotStaff,
    ApproverIsProposer, ProposerGone, ProposalChanged.
    """
    proposal = _decidable(proposal_id, digest, subject_version, actor)
    _say(proposal, Verdict.APPROVE, actor, note)
    proposal.approve()
    return _save(proposal, "proposal.approved", actor)


@in_transaction
def reject(
    *, proposal_id: str, digest: str, subject_version: int, actor: Actor, note: str = ""
) -> Proposal:
    """A second person does not agree. Raises what `approve` raises."""
    proposal = _decidable(proposal_id, digest, subject_version, actor)
    _say(proposal, Verdict.REJECT, actor, note)
    proposal.reject()
    return _save(proposal, "proposal.rejected", actor)


@in_transaction
def withdraw(*, proposal_id: str, actor: Actor) -> Proposal:
    """Its proposer takes it back. Raises NotTheProposer, ProposalClosed."""
    proposal = _lock(proposal_id)
    _refuse_unless_open(proposal)
    if str(actor) != proposal.proposer:
        raise NotTheProposer
    proposal.withdraw()
    return _save(proposal, "proposal.withdrawn", actor)


@in_transaction
def cancel(*, proposal_id: str, actor: Actor) -> Proposal:
    """What it was about is over: nobody can decide on it any more. For the domain, whose own
    service has asked whether the actor may end the subject. Raises ProposalClosed."""
    proposal = _lock(proposal_id)
    _refuse_unless_open(proposal)
    proposal.withdraw()
    return _save(proposal, "proposal.withdrawn", actor)


@in_transaction
def expire(*, proposal_id: str, actor: Actor) -> bool:
    """End it when its time is over; whether this call did. The domain looks at EXPIRED itself."""
    proposal = _lock(proposal_id)
    if proposal.status != ProposalStatus.OPEN or proposal.expires_at > clock.now():
        return False
    proposal.expire()
    _save(proposal, "proposal.expired", actor)
    return True


@in_transaction
def lock_approved(*, proposal_id: str, kind: str) -> Proposal:
    """The approved proposal, locked and marked as executed, for the domain to execute right now.

    Once: the second call raises ProposalClosed. Raises ProposalChanged when the row is not what
    its digest, or the approval, is for.
    """
    proposal = _lock(proposal_id)
    if proposal.kind != kind:
        raise NotFound(f"There is no proposal {proposal_id} of that kind")
    if proposal.status != ProposalStatus.APPROVED:
        raise _closed(proposal)
    if proposal.executed_at is not None:
        raise ProposalClosed("It was executed already", currentStatus="EXECUTED")
    _refuse_tampered(proposal)
    if proposal.required:
        said = Approval.objects.filter(proposal_id=proposal_id, verdict=Verdict.APPROVE).first()
        if said is None or said.digest != proposal.digest or said.approver == proposal.proposer:
            raise ProposalChanged("Nobody approved this", changed="digest")
    proposal.executed_at = clock.now()
    proposal.save(update_fields=["executed_at"])
    return proposal


def get(proposal_id: str, *, kind: str) -> Proposal:
    """The proposal, not locked; raises NotFound."""
    proposal = Proposal.objects.filter(pk=proposal_id, kind=kind).first()
    if proposal is None:
        raise NotFound(f"There is no proposal {proposal_id}")
    return proposal


def open_of(subject: str) -> Proposal | None:
    """The one that waits for a decision on this subject."""
    return Proposal.objects.filter(subject=subject, status=ProposalStatus.OPEN).first()


def digest_of(proposal: Proposal) -> str:
    """Of what is agreed to: kind, marketplace, subject, its version, payload, amount."""
    names = ("kind", "marketplace_id", "subject", "subject_version", "payload", "amount")
    return canonical.digest({name: getattr(proposal, name) for name in names})


# --- what is asked before ---------------------------------------------------------------------
def _lock(proposal_id: str) -> Proposal:
    proposal = Proposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise NotFound(f"There is no proposal {proposal_id}")
    return proposal


def _decidable(proposal_id: str, digest: str, subject_version: int, actor: Actor) -> Proposal:
    proposal = _lock(proposal_id)
    _refuse_unless_open(proposal)
    if proposal.expires_at <= clock.now():
        raise ProposalExpired
    if actor.kind != ActorKind.STAFF or not _is_active(actor.id):
        raise NotStaff
    if str(actor) == proposal.proposer:
        raise ApproverIsProposer
    _refuse_without_proposer(proposal)
    _refuse_tampered(proposal)
    if digest != proposal.digest:
        raise ProposalChanged("It was proposed anew; look at it again", changed="digest")
    if subject_version != proposal.subject_version:
        raise ProposalChanged(
            f"What it is about has moved on since: version {subject_version}, and it was proposed "
            f"at version {proposal.subject_version}. It must be proposed anew",
            changed="subject_version",
        )
    return proposal


def _refuse_unless_open(proposal: Proposal) -> None:
    if proposal.status != ProposalStatus.OPEN:
        raise _closed(proposal)


def _closed(proposal: Proposal) -> ProposalClosed | ProposalExpired:
    if proposal.status == ProposalStatus.EXPIRED:
        return ProposalExpired()
    return ProposalClosed(
        f"The proposal is {proposal.status.lower()}", currentStatus=proposal.status
    )


def _refuse_tampered(proposal: Proposal) -> None:
    if digest_of(proposal) != proposal.digest:
        raise ProposalChanged("Its content is not what its digest is for", changed="digest")


def _refuse_without_proposer(proposal: Proposal) -> None:
    kind, _, name = proposal.proposer.partition(":")
    gone = (kind == ActorKind.STAFF and not _is_active(name)) or (
        kind == ActorKind.API_KEY
        and not ApiKey.objects.filter(pk=name, revoked_at__isnull=True).exists()
    )
    if gone:
        raise ProposerGone


def _is_active(public_id: str) -> bool:
    people = StaffUser.objects.filter(public_id=public_id, is_active=True, is_staff=True)
    return people.exists()


def _say(proposal: Proposal, verdict: Verdict, actor: Actor, note: str) -> None:
    Approval.objects.create(
        proposal=proposal,
        proposer=proposal.proposer,
        approver=str(actor),
        verdict=verdict,
        digest=proposal.digest,
        note=canonical.clean(note),
        created_at=clock.now(),
    )


def _save(proposal: Proposal, event: str, actor: Actor) -> Proposal:
    proposal.decided_at = clock.now()
    told = {"kind": proposal.kind, "subject": proposal.subject}
    events.record(proposal, event, actor=actor, payload=told)
    proposal.save(update_fields=["status", "decided_at", "version"])
    return proposal
