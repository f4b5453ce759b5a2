"""Manual adjustments: one person proposes an entry, another approves it, and it is posted once."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings

from ledger.adjusting import adjustment_legs
from ledger.balances import account_balance
from ledger.chart import CHART, HOLDS, AccountKind
from ledger.legs import Leg
from ledger.models import Account
from ledger.movements import adjustment
from ledger.services import Posted
from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import DuplicateReference, FieldError, InvalidRequest

KIND = "ledger_adjustment"
VERSION = 1  # an adjustment is written once and never edited
MOST_CHANGES = 2


class Reason(StrEnum):
    """Why the books are mended; each has an account of its own."""

    CORRECTION = "correction"  # an entry was wrong
    CHAIN_DIFFERENCE = "chain_difference"  # the chain holds more or less than the books say
    GOODWILL = "goodwill"
    ROUNDING = "rounding"
    WRITE_OFF = "write_off"


# What people never move by hand: holds belong to an order or a withdrawal, which count on them.
FORBIDDEN = frozenset({*HOLDS, AccountKind.ADJUSTMENT})


@dataclass(frozen=True)
class Change:
    """How much an account grows on its normal side, in stroops; below zero it shrinks."""

    account_id: str
    amount: int


@dataclass(frozen=True)
class PreviewLine:
    """A line of the entry, and what its account holds before and after, on its normal side."""

    account: str
    account_id: str
    asset: str
    amount: int  # debit above zero, credit below
    before: int
    after: int
    floor: int | None

    @property
    def refused(self) -> bool:
        """Whether the floor of the account is broken."""
        return self.floor is not None and self.after < self.floor


@in_transaction
def propose(
    *,
    marketplace_id: str,
    adjustment_id: str,
    changes: Sequence[Change],
    reason: str,
    text: str,
    actor: Actor,
) -> Proposal:
    """An adjustment for somebody else to approve; nobody posts one alone.

    `adjustment_id` (`adj_…`) was made with the form, so that a second click finds the first.
    Raises InvalidRequest, AlreadyProposed, DuplicateReference.
    """
    legs = _legs(marketplace_id, changes)
    _check(reason, text)
    _refuse_floors(preview(marketplace_id=marketplace_id, legs=legs, reason=reason))
    _refuse_repeat(adjustment_id)
    return approvals.propose(
        marketplace_id=marketplace_id,
        kind=KIND,
        subject=adjustment_id,
        subject_version=VERSION,
        group="",
        payload={
            "reason": reason,
            "text": text.strip(),
            "legs": [
                [leg.kind.value, leg.owner, leg.asset, leg.amount, leg.user_id] for leg in legs
            ],
        },
        amount=sum(leg.amount for leg in adjustment_legs(legs, reason) if leg.amount > 0),
        actor=actor,
        reason_code=reason,
        note=text,
        rule=approvals.Rule(threshold=0, hours=settings.APPROVAL_HOURS),
    )


@in_transaction
def approve(*, proposal_id: str, digest: str, actor: Actor, note: str = "") -> Posted:
    """A second person agrees, and the entry is posted with it.

    Raises what `approvals.approve` and `ledger.services.post` raise; nothing has happened then.
    """
    approvals.get(proposal_id, kind=KIND)
    approvals.approve(
        proposal_id=proposal_id, digest=digest, subject_version=VERSION, actor=actor, note=note
    )
    proposal = approvals.lock_approved(proposal_id=proposal_id, kind=KIND)
    return adjustment(
        marketplace_id=proposal.marketplace_id,
        adjustment_id=proposal.subject,
        legs=legs_of(proposal),
        reason=proposal.payload["reason"],
        text=proposal.payload["text"],
        actor=actor,
    )


@in_transaction
def reject(*, proposal_id: str, digest: str, actor: Actor, note: str = "") -> Proposal:
    """A second person does not agree: nothing is posted."""
    approvals.get(proposal_id, kind=KIND)
    return approvals.reject(
        proposal_id=proposal_id, digest=digest, subject_version=VERSION, actor=actor, note=note
    )


@in_transaction
def take_back(*, proposal_id: str, actor: Actor) -> Proposal:
    """Who proposed it takes it back."""
    approvals.get(proposal_id, kind=KIND)
    return approvals.withdraw(proposal_id=proposal_id, actor=actor)


def legs_of(proposal: Proposal) -> list[Leg]:
    """What was proposed, without the reason's own line."""
    return [
        Leg(AccountKind(kind), owner, asset, amount, user)
        for kind, owner, asset, amount, user in proposal.payload["legs"]
    ]


def preview(*, marketplace_id: str, legs: Sequence[Leg], reason: str) -> list[PreviewLine]:
    """The entry as it would be posted now. One statement per line."""
    return [_line(marketplace_id, leg) for leg in adjustment_legs(legs, reason)]


def legs_for(marketplace_id: str, changes: Sequence[Change]) -> list[Leg]:
    """The legs of these changes; raises InvalidRequest."""
    return _legs(marketplace_id, changes)


def _line(marketplace_id: str, leg: Leg) -> PreviewLine:
    line = CHART[leg.kind]
    named: dict[str, Any] = {"kind": leg.kind, "owner": leg.owner, "asset": leg.asset}
    before = account_balance(marketplace_id=marketplace_id, **named)
    account = Account.objects.filter(marketplace=marketplace_id, **named).first()
    name = f"{leg.kind}:{leg.owner}" if leg.owner else leg.kind.value
    after = before + leg.amount * line.element.side
    pk = account.pk if account else ""
    return PreviewLine(name, pk, leg.asset, leg.amount, before, after, line.floor)


def _legs(marketplace_id: str, changes: Sequence[Change]) -> list[Leg]:
    ids = [change.account_id for change in changes]
    if not 1 <= len(ids) <= MOST_CHANGES or len(set(ids)) != len(ids):
        raise _refuse("account", "invalid_accounts", "must be one account or two different ones")
    rows = Account.objects.filter(marketplace=marketplace_id).in_bulk(ids)
    legs = []
    for change in changes:
        account = rows.get(change.account_id)
        if account is None or account.kind in FORBIDDEN:
            why = "is none of this marketplace that can be adjusted by hand"
            raise _refuse("account", "invalid_account", f"{change.account_id} {why}")
        if change.amount == 0:
            raise _refuse("amount", "amount_not_positive", "must not be zero")
        kind, amount = AccountKind(account.kind), change.amount * account.side
        legs.append(Leg(kind, account.owner, account.asset, amount, account.user_id))
    return legs


def _check(reason: str, text: str) -> None:
    if reason not in set(Reason):
        raise _refuse("reason", "unknown_reason", "is none of the reasons")
    if not 10 <= len(text.strip()) <= 500:
        raise _refuse("text", "invalid_text", "must explain it in 10 to 500 characters")


def _refuse_floors(lines: Sequence[PreviewLine]) -> None:
    for line in lines:
        if line.refused:
            raise _refuse("amount", "insufficient_funds", f"is more than {line.account} holds")


def _refuse_repeat(adjustment_id: str) -> None:
    if Proposal.objects.filter(subject=adjustment_id).exclude(status="OPEN").exists():
        raise DuplicateReference("This adjustment was proposed and decided already")


def _refuse(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, code, message)])
