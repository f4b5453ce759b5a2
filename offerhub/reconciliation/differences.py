"""Differences between books and chain: found, looked at again, and settled by people.

Nothing here asks the network or changes the books: what a look found is recorded, and a correction
is proposed to a second person by the ledger's own adjustments.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from ledger import adjustments
from ledger.chart import CHART, AccountKind
from ledger.legs import Leg
from ledger.models import Account
from ledger.services import open_account
from offerhub.approvals.states import ProposalStatus
from offerhub.core import clock
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import InvalidRequest, NotFound, WrongState
from offerhub.core.money import format_amount
from offerhub.events import services as events
from offerhub.reconciliation.explaining import Explained
from offerhub.reconciliation.looking import Look
from offerhub.reconciliation.models import Difference, Undecided
from offerhub.reconciliation.states import WAITING, DifferenceStatus, DifferenceType
from offerhub.reconciliation.targets import Target
from offerhub.users.models import Wallet

ACTOR = system("reconciliation")
AGAIN = timedelta(seconds=5)  # until something on its way is looked at again
SUSPENSE, USER, EXPENSE = "suspense", "user", "expense"


# --- what looks found -------------------------------------------------------------------------
@in_transaction
def found(*, look: Look, explained: Explained) -> Difference:
    """A difference is there: a new one, or what is known of it now."""
    row = _lock_waiting(look.target)
    news = row is None or (row.books, row.chain) != (look.books, look.chain)
    if row is None:
        row = Difference(**_identity(look.target))
    row.books, row.chain, row.ledger = look.books, look.chain, look.ledger
    row.type, row.evidence, row.seen_at = explained.type, explained.as_json(), clock.now()
    if news:
        word = "changed" if row.version else "found"
        _record(row, f"reconciliation.difference_{word}", ACTOR)
    row.save()
    if explained.type != DifferenceType.TIMING:
        Undecided.objects.filter(**_identity(look.target)).delete()
    return row


@in_transaction
def undecided(*, look: Look) -> bool:
    """Something of it is on its way. Whether that has been so for longer than anybody waits."""
    row, _ = Undecided.objects.get_or_create(
        **_identity(look.target), defaults={"why": look.why[:200]}
    )
    rows = Undecided.objects.filter(pk=row.pk)
    rows.update(why=look.why[:200], due_at=Now() + AGAIN)
    patience = timedelta(minutes=settings.RECONCILIATION_PATIENCE_MINUTES)
    return rows.filter(since__lt=Now() - patience).exists()


@in_transaction
def equal(*, target: Target) -> None:
    """Books and chain agree: whatever was wrong with it is over."""
    Undecided.objects.filter(**_identity(target)).delete()
    row = _lock_waiting(target)
    if row is None:
        return
    if not _follow(row):
        _end(row, DifferenceStatus.CLOSED, ACTOR)


def known(targets: Sequence[Target]) -> set[Target]:
    """Those of which a difference waits or nothing was decided. Two statements."""
    owners = [target.owner for target in targets]
    waiting = Difference.objects.filter(owner__in=owners, status__in=WAITING)
    names = ("marketplace_id", "kind", "owner", "asset")
    rows = {
        *waiting.values_list(*names),
        *Undecided.objects.filter(owner__in=owners).values_list(*names),
    }
    return {
        target
        for target in targets
        if (target.marketplace_id, target.kind, target.owner, target.asset) in rows
    }


# --- what people do ---------------------------------------------------------------------------
@in_transaction
def explain(*, difference_id: str, note: str, actor: Actor) -> Difference:
    """Somebody found out what it is. It waits on, and everybody reads why."""
    row = _lock(difference_id)
    row.note = _text(note)
    row.status = DifferenceStatus.EXPLAINED
    _record(row, "reconciliation.difference_explained", actor, note=row.note)
    row.save()
    return row


def choices(row: Difference) -> list[str]:
    """Against what its correction can be booked: a user's money, suspense, or a cost of ours."""
    if row.kind == "contract":
        return [SUSPENSE]  # what an order's contract holds beyond its escrow is a stranger's
    if row.kind == "xlm":
        return [EXPENSE]
    owner = Wallet.objects.filter(address=row.owner, user__isnull=False).exists()
    return ([USER] if owner and row.asset == "USDC" else []) + [SUSPENSE, EXPENSE]


@in_transaction
def propose_correction(
    *, difference_id: str, adjustment_id: str, against: str, text: str, actor: Actor
) -> Difference:
    """Bring the books to what the chain holds; somebody else must agree.

    `adjustment_id` was made with the form. Raises WrongState, InvalidRequest, and what
    `adjustments.propose` raises.
    """
    row = _lock(difference_id)
    if row.proposal is not None and row.proposal.status == ProposalStatus.OPEN:
        raise WrongState("A correction waits for approval already", proposalId=row.proposal_id)
    proposal = adjustments.propose(
        marketplace_id=row.marketplace_id,
        adjustment_id=adjustment_id,
        changes=_changes(row, against),
        reason=adjustments.Reason.CHAIN_DIFFERENCE,
        text=f"{row.id}: {_text(text)}"[:500],
        actor=actor,
    )
    row.proposal, row.note, row.status = proposal, _text(text), DifferenceStatus.EXPLAINED
    payload = {"proposalId": proposal.id, "against": against}
    _record(row, "reconciliation.correction_proposed", actor, **payload)
    row.save()
    return row


def legs(row: Difference, against: str) -> list[Leg]:
    """The correction, to show it; the rest of it stands on the account of differences.

    Raises InvalidRequest.
    """
    return [
        Leg(kind, owner, row.asset, row.amount * CHART[kind].element.side, user_id)
        for kind, owner, user_id in _sides(row, against)
    ]


def _changes(row: Difference, against: str) -> list[adjustments.Change]:
    """The same for the proposal, which names accounts: those that are missing are made."""
    found = []
    for kind, owner, user_id in _sides(row, against):
        named = {"kind": kind, "owner": owner, "asset": row.asset}
        open_account(
            marketplace_id=row.marketplace_id,
            kind=kind,
            owner=owner,
            asset=row.asset,
            user_id=user_id,
        )
        account = Account.objects.get(marketplace=row.marketplace_id, **named)
        found.append(adjustments.Change(account.pk, row.amount))
    return found


def _sides(row: Difference, against: str) -> list[tuple[AccountKind, str, str | None]]:
    """The account that mirrors the address, and the other side if it is not our cost."""
    if against not in choices(row):
        raise InvalidRequest(f"A difference of this kind is not booked against {against!r}")
    sides: list[tuple[AccountKind, str, str | None]] = [(AccountKind(row.kind), row.owner, None)]
    if against == USER:
        user = str(Wallet.objects.get(address=row.owner).user_id)
        sides.append((AccountKind.AVAILABLE, user, user))
    elif against == SUSPENSE:
        sides.append((AccountKind.SUSPENSE, "", None))
    return sides


@in_transaction
def follow(*, difference_id: str) -> None:
    """See what became of the correction that was proposed for it."""
    row = Difference.objects.select_for_update().get(pk=difference_id)
    if row.waits:
        _follow(row)


def with_decided_corrections() -> list[str]:
    """Waiting differences whose correction somebody decided on. One statement, over those alone."""
    rows = Difference.objects.filter(status__in=WAITING, proposal__isnull=False)
    return list(rows.exclude(proposal__status=ProposalStatus.OPEN).values_list("pk", flat=True))


def _follow(row: Difference) -> bool:
    """Whether the correction ended it; one that was not agreed to is forgotten."""
    if row.proposal is None or row.proposal.status == ProposalStatus.OPEN:
        return False
    if row.proposal.status == ProposalStatus.APPROVED:
        kinds = {leg[0] for leg in row.proposal.payload["legs"]}
        ended = DifferenceStatus.SUSPENDED if SUSPENSE in kinds else DifferenceStatus.BOOKED
        _end(row, ended, ACTOR)
        return True
    status = row.proposal.status
    row.proposal = None
    _record(row, "reconciliation.correction_ended", ACTOR, outcome=status)
    row.save()
    return False


def _end(row: Difference, status: DifferenceStatus, actor: Actor) -> None:
    row.status, row.ended_at = status, clock.now()
    _record(row, f"reconciliation.difference_{status.lower()}", actor)
    row.save()


# --- rows -------------------------------------------------------------------------------------
def _lock(difference_id: str) -> Difference:
    rows = Difference.objects.select_for_update(of=("self",)).select_related("proposal")
    row: Difference | None = rows.filter(pk=difference_id).first()
    if row is None:
        raise NotFound("There is no such difference")
    if not row.waits:
        raise WrongState(f"The difference is {row.status}: nothing is to be done any more")
    return row


def _lock_waiting(target: Target) -> Difference | None:
    rows = Difference.objects.select_for_update(of=("self",)).select_related("proposal")
    row: Difference | None = rows.filter(**_identity(target), status__in=WAITING).first()
    return row


def _identity(target: Target) -> dict[str, str]:
    return {
        "marketplace_id": target.marketplace_id,
        "kind": target.kind,
        "owner": target.owner,
        "asset": target.asset,
    }


def _record(row: Difference, type: str, actor: Actor, **more: object) -> None:
    payload = {
        "account": f"{row.kind}:{row.owner}",
        "asset": row.asset,
        "amount": format_amount(row.amount),
        "ledger": row.ledger,
        "type": row.type,
        **more,
    }
    events.record(row, type, actor=actor, payload=payload)


def _text(words: str) -> str:
    words = words.strip()
    if not 10 <= len(words) <= 460:
        raise InvalidRequest("Say what it is in 10 to 460 characters")
    return words
