"""Lists that people of the desk upload: checked, proposed, and made a batch by a second person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from ledger.balances import user_balances
from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.core import canonical
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidRequest, Refusal, WrongState
from offerhub.core.money import format_amount, parse_amount
from payouts import batches, destinations, sheets
from payouts.destinations import Checked, Wish
from payouts.models import Batch, Withdrawal
from payouts.serializers import NewWithdrawalBody
from payouts.services import ASSET
from payouts.sheets import Line
from payouts.wishes import wish_of

KIND = "withdrawal_batch"


@dataclass(frozen=True)
class Row:
    """A line as the preview shows it; `problem` says why it is left out, `note` what to look at."""

    number: int
    cells: Mapping[str, str]
    wish: Wish | None = None
    user_id: str = ""
    external_ref: str = ""
    problem: str = ""
    note: str = ""

    @property
    def to(self) -> str:
        """Where the line says that it goes."""
        return self.cells.get("destination") or self.cells.get("destinationId") or ""

    @property
    def payload(self) -> dict[str, Any]:
        """What is agreed to, of a good row. The user by our id, so that it stays who it is."""
        assert self.wish is not None
        return {
            "line": self.number,
            "user": self.wish.user_reference,
            "userId": self.user_id,
            "amount": format_amount(self.wish.amount),
            "destination": self.wish.destination,
            "destinationId": self.wish.destination_id,
            "memo": self.wish.memo,
            "memoType": self.wish.memo_type,
            "externalRef": self.external_ref,
        }


@dataclass(frozen=True)
class Preview:
    """What would be proposed (`good`), and what would not (`bad`)."""

    good: list[Row]
    bad: list[Row]

    @property
    def total(self) -> int:
        """Stroops of the good ones."""
        return sum(row.wish.amount for row in self.good if row.wish)

    @property
    def digest(self) -> str:
        """Of the good ones: whoever proposes sends back the one that they saw."""
        return canonical.digest({"items": [canonical.plain(row.payload) for row in self.good]})


def preview(*, marketplace_id: str, text: str) -> Preview:
    """Check every line of a list as its withdrawal would be, the network included; call with no
    transaction open. Raises InvalidRequest when the file is no list at all."""
    rows = _formed(sheets.read(text))
    rows = _unless_known(marketplace_id, rows)
    rows = _checked(marketplace_id, rows)
    rows = _affordable(marketplace_id, rows)
    good, bad = [r for r in rows if not r.problem], [r for r in rows if r.problem]
    return Preview(_with_notes(good), bad)


def _formed(lines: Sequence[Line]) -> list[Row]:
    """By the rules of a request."""
    rows = []
    for line in lines:
        cells = {field: cell for field, cell in line.cells.items() if cell}
        try:
            sheets.refuse_strange_cells(line)
            body = NewWithdrawalBody.check(cells)
            reference = body.get("external_ref") or ""
            row = Row(line.number, cells, wish_of(body), external_ref=reference)
        except Refusal as refusal:
            row = Row(line.number, cells, problem=refusal.detail)
        rows.append(row)
    return rows


def _unless_known(marketplace_id: str, rows: Sequence[Row]) -> list[Row]:
    """A reference names one withdrawal for ever. One query."""
    wanted = [row.external_ref for row in rows if row.external_ref]
    used = set(
        Withdrawal.objects.of(marketplace_id)
        .filter(external_ref__in=wanted)
        .values_list("external_ref", flat=True)
    )
    found = []
    for row in rows:
        if not row.problem and row.external_ref and row.external_ref in used:
            row = replace(row, problem="reference is already used")
        used.add(row.external_ref)
        found.append(row)
    return found


def _checked(marketplace_id: str, rows: Sequence[Row]) -> list[Row]:
    """By the books' and the network's word on user and destination."""
    wishes = [row.wish for row in rows if row.wish and not row.problem]
    answers = iter(destinations.check_many(marketplace_id, wishes))
    found = []
    for row in rows:
        if row.wish and not row.problem:
            answer = next(answers)
            if isinstance(answer, Checked):
                row = replace(row, user_id=answer.user.id)
            else:
                row = replace(row, problem=answer.detail)
        found.append(row)
    return found


def _affordable(marketplace_id: str, rows: Sequence[Row]) -> list[Row]:
    """Each user's lines in order, as far as what they have now goes. One query."""
    users = sorted({row.user_id for row in rows if row.user_id})
    held = user_balances(users, ASSET, marketplace_id)
    left = {user: balance.available for user, balance in held.items()}
    found = []
    for row in rows:
        if row.wish and row.user_id and not row.problem:
            there, wanted = left.get(row.user_id, 0), row.wish.amount
            if wanted > there:
                text = f"amount is more than what is available ({format_amount(there)} USDC left)"
                row = replace(row, problem=text)
            else:
                left[row.user_id] = there - wanted
        found.append(row)
    return found


def _with_notes(rows: Sequence[Row]) -> list[Row]:
    """The same payment twice is allowed, and said."""
    seen: dict[Any, int] = {}
    found = []
    for row in rows:
        same = seen.setdefault(row.wish, row.number)
        found.append(replace(row, note=f"the same as line {same}") if same != row.number else row)
    return found


# --- four eyes --------------------------------------------------------------------------------
@in_transaction
def propose(
    *, marketplace_id: str, batch_id: str, name: str, shown: str, found: Preview, actor: Actor
) -> Proposal:
    """The good rows, for a second person. `shown` is the digest of the preview that was looked at.

    Raises WrongState when it is not what was shown or was proposed before, InvalidRequest when
    nothing is good.
    """
    if not found.good:
        raise InvalidRequest(errors=[FieldError("file", "nothing", "has no line that can be paid")])
    if shown != found.digest:
        raise WrongState("What can be paid has changed since you looked; look at it again")
    if Proposal.objects.filter(subject=batch_id).exists():
        raise WrongState("This list was proposed already")
    return approvals.propose(
        marketplace_id=marketplace_id,
        kind=KIND,
        subject=batch_id,
        subject_version=0,
        group=batch_id,
        payload={
            "name": name,
            "items": [row.payload for row in found.good],
            "leftOut": len(found.bad),
        },
        amount=found.total,
        actor=actor,
        rule=approvals.Rule(threshold=0, hours=settings.APPROVAL_HOURS),
    )


@in_transaction
def approve(*, proposal_id: str, digest: str, actor: Actor, note: str = "") -> Batch:
    """A second person agrees to exactly that list: it is a batch now.

    Raises what `approvals.approve` raises; nothing has happened then.
    """
    approvals.get(proposal_id, kind=KIND)
    approvals.approve(
        proposal_id=proposal_id, digest=digest, subject_version=0, actor=actor, note=note
    )
    proposal = approvals.lock_approved(proposal_id=proposal_id, kind=KIND)
    return batches.request_batch(
        marketplace_id=proposal.marketplace_id,
        items=[_item(each) for each in proposal.payload["items"]],
        actor=actor,
        agreed=proposal,
    )


@in_transaction
def reject(*, proposal_id: str, digest: str, actor: Actor, note: str = "") -> Proposal:
    """A second person does not agree: nothing becomes of it."""
    approvals.get(proposal_id, kind=KIND)
    return approvals.reject(
        proposal_id=proposal_id, digest=digest, subject_version=0, actor=actor, note=note
    )


@in_transaction
def take_back(*, proposal_id: str, actor: Actor) -> Proposal:
    """By whoever proposed it."""
    approvals.get(proposal_id, kind=KIND)
    return approvals.withdraw(proposal_id=proposal_id, actor=actor)


def _item(payload: Mapping[str, Any]) -> batches.NewItem:
    wish = Wish(
        user_reference=payload["userId"],
        amount=parse_amount(payload["amount"]),
        destination=payload["destination"],
        destination_id=payload["destinationId"],
        memo=payload["memo"],
        memo_type=payload["memoType"],
    )
    return batches.NewItem(wish, payload["externalRef"])
