"""A user's address book: labelled addresses that money may leave to, and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction

from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    DestinationRefused,
    DuplicateReference,
    FieldError,
    InvalidReference,
    NotFound,
)
from offerhub.events import services as events
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User
from payouts.memos import Memo
from payouts.models import PayoutPolicy, SavedDestination


@dataclass(frozen=True)
class Book:
    """The living entries of some users, by their ids and by what they pay to."""

    by_id: dict[str, SavedDestination] = field(default_factory=dict)
    by_address: dict[tuple[str, str, str, str], SavedDestination] = field(default_factory=dict)


def policy_of(marketplace: Marketplace) -> PayoutPolicy:
    """The marketplace's own, or the defaults."""
    try:
        policy: PayoutPolicy = marketplace.payout_policy
    except ObjectDoesNotExist:
        return PayoutPolicy(marketplace=marketplace)
    return policy


def book_for(users: Iterable[User], ids: Sequence[str]) -> Book:
    """What of the address books is asked about: entries named by id, and all of the users whose
    marketplace pays to nothing else. No query when nothing is, else one."""
    people = list(users)
    if not any(ids) and not any(policy_of(u.marketplace).address_book_only for u in people):
        return Book()
    rows = SavedDestination.objects.filter(user__in=people, archived_at=None)
    found = Book()
    for row in rows:
        found.by_id[row.id] = row
        found.by_address[row.user_id, row.address, row.memo_type, row.memo] = row
    return found


def entry_named(book: Book, user: User, destination_id: str) -> SavedDestination | None:
    """The entry of that id; None without one. Raises InvalidReference."""
    if not destination_id:
        return None
    row = book.by_id.get(destination_id)
    if row is None or row.user_id != user.id:
        text = "names no address of this user's book"
        raise InvalidReference(errors=[FieldError("destinationId", "unknown_destination", text)])
    return row


def entry_of(book: Book, user: User, destination: str, memo: Memo) -> SavedDestination:
    """The entry that is exactly this address and memo. Raises DestinationRefused."""
    row = book.by_address.get((user.id, destination, memo.type, memo.value))
    if row is None:
        reason, text = "not_in_address_book", "is not in the user's address book with this memo"
        raise DestinationRefused(errors=[FieldError("destination", reason, text)], reason=reason)
    return row


def usable_at(row: SavedDestination, policy: PayoutPolicy) -> datetime:
    """When the entry may be paid for the first time."""
    return row.created_at + policy.cooling


def refuse_while_cooling(row: SavedDestination, policy: PayoutPolicy) -> None:
    """Raise DestinationRefused (`usableAt`) while the entry is too new."""
    until = usable_at(row, policy)
    if until > clock.now():
        reason = "cooling"
        text = f"was added to the address book lately; it can be paid from {until:%Y-%m-%d %H:%M}"
        raise DestinationRefused(
            errors=[FieldError("destination", reason, f"{text} UTC")],
            reason=reason,
            usableAt=until.isoformat(),
        )


# --- keeping it -------------------------------------------------------------------------------
@in_transaction
def save_destination(
    *, user: User, label: str, address: str, memo: Memo, actor: Actor
) -> SavedDestination:
    """Add an address, whose form was looked at before. Its waiting time begins now.

    Raises DuplicateReference when it is there with this memo.
    """
    row = SavedDestination(
        marketplace_id=user.marketplace_id,
        user=user,
        label=label,
        address=address,
        memo_type=memo.type,
        memo=memo.value,
        version=1,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        text = "is in the address book already, with this memo"
        complaint = FieldError("destination", "duplicate_destination", text)
        raise DuplicateReference(errors=[complaint]) from None
    row.refresh_from_db(fields=["created_at"])
    row.version = 0
    told = {"userId": user.id, "label": label, "destination": address, "memo": memo.value or None}
    events.record(row, "destination.added", actor=actor, payload=told)
    return row


@in_transaction
def rename_destination(
    *, marketplace_id: str, user_id: str, destination_id: str, label: str, actor: Actor
) -> SavedDestination:
    """Another label. Raises NotFound."""
    row = _lock(marketplace_id, user_id, destination_id)
    told = {"userId": user_id, "label": label, "before": row.label}
    row.label = label
    events.record(row, "destination.renamed", actor=actor, payload=told)
    row.save(update_fields=["label", "version"])
    return row


@in_transaction
def archive_destination(
    *, marketplace_id: str, user_id: str, destination_id: str, actor: Actor
) -> SavedDestination:
    """Nothing is paid to it any more by its id; added again it waits anew. Raises NotFound."""
    row = _lock(marketplace_id, user_id, destination_id)
    row.archived_at = clock.now()
    told = {"userId": user_id, "label": row.label, "destination": row.address}
    events.record(row, "destination.archived", actor=actor, payload=told)
    row.save(update_fields=["archived_at", "version"])
    return row


def _lock(marketplace_id: str, user_id: str, destination_id: str) -> SavedDestination:
    rows = SavedDestination.objects.select_for_update().filter(
        marketplace_id=marketplace_id, user_id=user_id, archived_at=None
    )
    row: SavedDestination | None = rows.filter(pk=destination_id).first()
    if row is None:
        raise NotFound(f"There is no address {destination_id!r} in this user's book")
    return row
