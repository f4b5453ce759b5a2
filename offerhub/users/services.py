"""Making users and their wallets. A wallet comes to life on the chain in `offerhub.wallets`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from stellar_sdk import Keypair

from offerhub.chain import keys
from offerhub.core import jobs
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import DuplicateReference, FieldError, InvalidReference, NotFound
from offerhub.core.ids import has_prefix
from offerhub.events import services as events
from offerhub.users.models import User, Wallet, user_id, wallet_id


@dataclass(frozen=True)
class NewUser:
    """What a marketplace says of a user. `public_key` is given by a party that signs itself, `id`
    by whoever must know our id beforehand, as the demo does; no route takes one."""

    external_id: str
    name: str = ""
    email: str = ""
    metadata: dict[str, Any] | None = None
    public_key: str = ""
    id: str = ""


@in_transaction
def create_user(*, marketplace_id: str, new: NewUser, actor: Actor) -> tuple[User, bool]:
    """The user of that external id, and whether it was made now. Idempotent by external id."""
    user = User.objects.filter(marketplace_id=marketplace_id, external_id=new.external_id).first()
    if user is not None:
        return user, False
    try:
        with transaction.atomic():
            user = User.objects.create(
                id=new.id or user_id(),
                marketplace_id=marketplace_id,
                external_id=new.external_id,
                name=new.name,
                email=new.email,
                metadata=new.metadata or {},
                version=1,
            )
    except IntegrityError:  # another request made it in this moment
        return User.objects.get(marketplace_id=marketplace_id, external_id=new.external_id), False
    wallet = _make_wallet(user, new.public_key)
    user.version = 0
    events.record(user, "user.created", actor=actor, payload={"address": wallet.address})
    return user, True


def _make_wallet(user: User, public_key: str) -> Wallet:
    if not public_key:
        return make_managed_wallet(
            marketplace_id=user.marketplace_id, kind=Wallet.Kind.MANAGED, user=user
        )
    if Wallet.objects.filter(address=public_key).exists():
        raise DuplicateReference(f"The public key {public_key} belongs to another user already")
    return Wallet.objects.create(
        marketplace_id=user.marketplace_id,
        user=user,
        kind=Wallet.Kind.EXTERNAL,
        status=Wallet.Status.ACTIVE,
        address=public_key,
    )


def make_managed_wallet(
    *, marketplace_id: str, kind: Wallet.Kind, user: User | None = None
) -> Wallet:
    """A wallet whose key we keep, sealed. PENDING until the chain knows it."""
    keypair = Keypair.random()
    identifier = wallet_id()
    sealed, key_id = keys.seal(
        keypair.secret,
        marketplace_id=marketplace_id,
        wallet_id=identifier,
        address=keypair.public_key,
    )
    wallet = Wallet.objects.create(
        id=identifier,
        marketplace_id=marketplace_id,
        user=user,
        kind=kind,
        address=keypair.public_key,
        sealed_secret=sealed,
        sealed_by=key_id,
    )
    jobs.ring("wallets.bring_to_life", wallet.id)
    return wallet


@in_transaction
def make_own_wallets(*, marketplace_id: str) -> None:
    """The marketplace's own two wallets: fees and sponsoring, and the settling of disputes."""
    for kind in (Wallet.Kind.PLATFORM, Wallet.Kind.RESOLVER):
        if not Wallet.objects.filter(marketplace_id=marketplace_id, kind=kind).exists():
            make_managed_wallet(marketplace_id=marketplace_id, kind=kind)


@in_transaction
def update_user(
    *, marketplace_id: str, user_id: str, changes: dict[str, Any], actor: Actor
) -> User:
    """Change name, email or metadata; nothing else of a user can change."""
    user = (
        User.objects.select_for_update().filter(marketplace_id=marketplace_id, pk=user_id).first()
    )
    if user is None:
        raise NotFound("There is no such user")
    for name in changes.keys() & {"name", "email", "metadata"}:
        setattr(user, name, changes[name])
    events.record(user, "user.updated", actor=actor, payload={"changed": sorted(changes)})
    user.save()
    return user


def find_users(marketplace_id: str, references: dict[str, str]) -> dict[str, User]:
    """The users that a body names: {field: our id or the marketplace's own id} → {field: user}.

    One query for all of them; raises InvalidReference naming each field that names nobody. An id
    that starts with `usr_` is always ours.
    """
    by_reference = users_by_reference(marketplace_id, references.values())
    missing = [field for field, reference in references.items() if reference not in by_reference]
    if missing:
        raise InvalidReference(
            errors=[
                FieldError(f, "unknown_user", "names no user of this marketplace") for f in missing
            ]
        )
    return {field: by_reference[reference] for field, reference in references.items()}


def users_by_reference(
    marketplace_id: str, references: Iterable[str], also: Sequence[str] = ()
) -> dict[str, User]:
    """The users of these references, by every name that they have; who is not there is left out.

    `also` names what is read with them, beside wallet and marketplace. One query.
    """
    wanted = set(references)
    users = User.objects.filter(marketplace_id=marketplace_id).select_related(
        "wallet", "marketplace", *also
    )
    ours = users.filter(pk__in={r for r in wanted if has_prefix(r, "usr")})
    theirs = users.filter(external_id__in={r for r in wanted if not has_prefix(r, "usr")})
    if all(has_prefix(r, "usr") for r in wanted):
        found = list(ours)
    elif not any(has_prefix(r, "usr") for r in wanted):
        found = list(theirs)
    else:
        found = [*ours, *theirs]
    return {u.id: u for u in found} | {u.external_id: u for u in found}


def get_user(marketplace_id: str, reference: str) -> User:
    """The user that a path names, by our id or the marketplace's own; raises NotFound."""
    by = {"pk": reference} if has_prefix(reference, "usr") else {"external_id": reference}
    user = User.objects.select_related("wallet").filter(marketplace_id=marketplace_id, **by).first()
    if user is None:
        raise NotFound(f"There is no user {reference!r} in this marketplace")
    return user
