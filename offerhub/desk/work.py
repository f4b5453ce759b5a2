"""The page of chain operations: what is live, what failed, and what will happen next."""

from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Now

from offerhub.chain.submission import LIVE, MAX_ENVELOPES, Status, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.turns import WAITS
from offerhub.operations.live import STUCK, label_of

PER_PAGE = 50


def rows(view: str, domain: str = "", before: str = "") -> list[Submission]:
    """Operations of every domain (or of one) for a tab, newest first; after the id `before`.

    `look`: live ones that need an eye, oldest first. One statement per table, each by an index
    over the live or the failed rows alone.
    """
    found: list[Submission] = []
    for table in concrete_tables():
        if domain and label_of(table) != domain:
            continue
        chosen = table._base_manager.defer("xdr").select_related(*_shown_with(table))
        if view == "failed":
            chosen = chosen.filter(status=Status.FAILED)
        else:
            chosen = chosen.filter(status__in=LIVE)
        if view == "sign":
            chosen = chosen.filter(status=Status.AWAITING_SIGNATURE)
        if view == "look":
            old = Q(created_at__lt=Now() - STUCK) & ~Q(problem__code=WAITS)
            old &= ~Q(status=Status.AWAITING_SIGNATURE)
            chosen = chosen.filter(Q(status=Status.UNKNOWN) | old)
        if before:
            chosen = chosen.filter(pk__lt=before)
        found += list(chosen.order_by("-pk")[: PER_PAGE + 1])
    found.sort(key=lambda row: str(row.pk), reverse=True)
    return found[: PER_PAGE + 1]


def _shown_with(table: type[Submission]) -> list[str]:
    """What a row's line names: its source account, and what it is about."""
    names = {field.name for field in table._meta.fields}
    return [name for name in ("source_wallet", "milestone") if name in names]


def about(row: Submission) -> str:
    """The id of what an operation is for: an order, a withdrawal, a deposit, what is to be claimed
    or a wallet."""
    for name in ("order_id", "withdrawal_id", "deposit_id", "balance_id", "wallet_id"):
        if value := getattr(row, name, None):
            return str(value)
    return ""


def story(row: Submission, now: datetime) -> tuple[str, str]:
    """What happened and what will happen next, in words."""
    return _past(row), _next(row, now)


def _past(row: Submission) -> str:
    ended = len(row.history)
    dead = f"{ended} envelope{'s' * (ended != 1)} ended without effect. " if ended else ""
    if row.status == Status.CONFIRMED:
        return f"{dead}Done in ledger {row.ledger}."
    if row.status == Status.FAILED:
        return f"{dead}Proven not to have happened: nothing moved."
    if row.status == Status.UNKNOWN:
        return f"{dead}An envelope was sent and no answer proved what became of it."
    if row.status == Status.AWAITING_SIGNATURE:
        out = (
            "has an envelope and has not signed it" if row.hash else "let the last envelope expire"
        )
        return f"{dead}The party, who holds their own key, {out}."
    if row.hash:
        return f"{dead}An envelope is signed and was handed to the network."
    return f"{dead}Nothing is signed now."


def _after_signature(row: Submission) -> str:
    asked = row.signature_asked
    until = f"{asked.sign_by:%Y-%m-%d %H:%M} UTC" if asked else "then"
    if asked and asked.withdrawn:
        return "It was called off, and fails once what the party holds can not apply any more."
    if row.hash:
        return f"The party signs, or the envelope expires. After {until} the operation fails."
    return f"The marketplace asks for another envelope, or the operation fails after {until}."


def _next(row: Submission, now: datetime) -> str:
    if row.status == Status.FAILED:
        return "Nothing by itself."
    if row.status == Status.CONFIRMED:
        return "Nothing: it is over."
    if row.status == Status.AWAITING_SIGNATURE:
        return _after_signature(row)
    if (row.problem or {}).get("code", "").startswith("books"):
        return "The chain has done it. It is booked as soon as the books can take it."
    if not row.hash and (row.problem or {}).get("code") == WAITS:
        return "It waits for its turn; then an envelope is built and signed."
    if row.hash and row.valid_until and row.valid_until > now:
        return "The envelope is looked up; while it can still apply the same one is sent again."
    if row.hash:
        return (
            "The envelope has expired. Once the ledger proves that it did not apply, a new one is "
            f"built (envelope {row.attempts + 1} of {MAX_ENVELOPES})."
        )
    return f"An envelope is built and signed (envelope {row.attempts + 1} of {MAX_ENVELOPES})."
