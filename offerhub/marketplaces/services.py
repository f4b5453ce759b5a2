"""Tenants and the API keys of their servers. A whole key is answered once and kept nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidRequest, NotFound, WrongState
from offerhub.marketplaces import journal, tokens
from offerhub.marketplaces.models import ApiKey, Marketplace, RefundFees
from offerhub.marketplaces.scopes import parse as parse_scopes
from offerhub.marketplaces.staff import NewStaff, create_staff

__all__ = [
    "NewKey",
    "NewStaff",
    "create_api_key",
    "create_marketplace",
    "create_staff",
    "revoke_api_key",
    "rotate_api_key",
    "update_marketplace",
]

LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True)
class NewKey:
    """A key and its `token`, which nobody can see again."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id})"


@in_transaction
def create_marketplace(*, name: str, platform_fee_percent: int = 0, actor: Actor) -> Marketplace:
    """A tenant. The fee is a whole percentage from 0 to 90 of what leaves a contract."""
    _check_marketplace(name, platform_fee_percent)
    marketplace = Marketplace(name=name.strip(), platform_fee_percent=platform_fee_percent)
    payload = {"name": marketplace.name, "platformFeePercent": platform_fee_percent}
    journal.record(marketplace, "marketplace.created", actor=actor, payload=payload)
    marketplace.save(force_insert=True)
    return marketplace


@in_transaction
def update_marketplace(
    *,
    marketplace_id: str,
    name: str,
    platform_fee_percent: int,
    release_policy: dict[str, str] | None,
    max_platform_fee_percent: int | None = None,
    refund_fees_borne_by: str = RefundFees.BUYER,
    actor: Actor,
) -> Marketplace:
    """Change name, fees and release policy. Orders that exist keep what they were made with.

    `release_policy` is of orders that bring none: {"after": "P7D", "from": "FUNDED"}. An order may
    ask for another fee up to `max_platform_fee_percent`, None: up to the marketplace's own.
    """
    _check_marketplace(name, platform_fee_percent)
    _check_fees(platform_fee_percent, max_platform_fee_percent, refund_fees_borne_by)
    row = Marketplace.objects.select_for_update().filter(pk=marketplace_id).first()
    if row is None:
        raise NotFound(f"There is no marketplace {marketplace_id}")
    payload = {
        "name": name.strip(),
        "platformFeePercent": platform_fee_percent,
        "platformFeePercentBefore": row.platform_fee_percent,
        "releasePolicy": release_policy,
        "releasePolicyBefore": row.release_policy,
        "maxPlatformFeePercent": max_platform_fee_percent,
        "maxPlatformFeePercentBefore": row.max_platform_fee_percent,
        "refundFeesBorneBy": refund_fees_borne_by,
        "refundFeesBorneByBefore": row.refund_fees_borne_by,
    }
    row.name, row.platform_fee_percent = name.strip(), platform_fee_percent
    row.max_platform_fee_percent = max_platform_fee_percent
    row.refund_fees_borne_by = refund_fees_borne_by
    row.release_policy = release_policy
    journal.record(row, "marketplace.updated", actor=actor, payload=payload)
    row.save()
    return row


def _check_marketplace(name: str, platform_fee_percent: int) -> None:
    if not 1 <= len(name.strip()) <= 100:
        raise _refuse("name", "invalid_name", "must have 1 to 100 characters")
    if not 0 <= platform_fee_percent <= 90:
        raise _refuse("platformFeePercent", "out_of_range", "must be from 0 to 90")


def _check_fees(percent: int, most: int | None, borne_by: str) -> None:
    if most is not None and not percent <= most <= 90:
        text = f"must be from {percent}, the marketplace's own fee, to 90"
        raise _refuse("maxPlatformFeePercent", "out_of_range", text)
    if borne_by not in RefundFees.values:
        raise _refuse("refundFeesBorneBy", "unknown", "must be BUYER or MARKETPLACE")


@in_transaction
def create_api_key(
    *,
    marketplace_id: str,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    actor: Actor,
) -> NewKey:
    """A key with exactly these scopes; raises InvalidRequest for an unknown one or a past expiry.

    The answer is the only place where the whole key ever is.
    """
    if not Marketplace.objects.filter(pk=marketplace_id).exists():
        raise NotFound(f"There is no marketplace {marketplace_id}")
    return _make_key(marketplace_id, name, parse_scopes(scopes), expires_at, actor)


@in_transaction
def revoke_api_key(*, key_id: str, actor: Actor) -> ApiKey:
    """End a key at once: every process refuses it within a second. Twice is once."""
    key = lock_api_key(key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        journal.record(key, "api_key.revoked", actor=actor, payload={"name": key.name})
        key.save()
    return key


@in_transaction
def rotate_api_key(
    *, key_id: str, overlap: timedelta = timedelta(hours=24), actor: Actor
) -> NewKey:
    """A new key like the old one, which goes on working for `overlap` (at most 7 days) and then
    expires. Raises WrongState when the old one does not work any more."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise _refuse("overlap", "out_of_range", "must be from 0 to 7 days")
    old = lock_api_key(key_id)
    now = clock.now()
    if not old.is_usable(now):
        raise WrongState("The key is revoked or has expired; create a new one")
    new = _make_key(old.marketplace_id, old.name, old.scopes, old.expires_at, actor)
    end = now + overlap
    old.expires_at = min(old.expires_at, end) if old.expires_at else end
    payload = {"name": old.name, "newKeyId": new.key.id, "expiresAt": old.expires_at.isoformat()}
    journal.record(old, "api_key.rotated", actor=actor, payload=payload)
    old.save()
    return new


def lock_api_key(key_id: str) -> ApiKey:
    """The key's row, locked; raises NotFound."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise NotFound(f"There is no API key {key_id}")
    return key


def _make_key(
    marketplace_id: str, name: str, allowed: list[str], expires_at: datetime | None, actor: Actor
) -> NewKey:
    if not 1 <= len(name.strip()) <= 100:
        raise _refuse("name", "invalid_name", "must have 1 to 100 characters")
    if expires_at is not None and expires_at <= clock.now():
        raise _refuse("expiresAt", "in_the_past", "must be in the future")
    token = tokens.make()
    key = ApiKey(
        marketplace_id=marketplace_id,
        name=name.strip(),
        prefix=token.prefix,
        digest=tokens.digest(token.text),
        scopes=allowed,
        expires_at=expires_at,
    )
    payload = {"name": key.name, "prefix": key.prefix, "scopes": allowed}
    journal.record(key, "api_key.created", actor=actor, payload=payload)
    key.save(force_insert=True)
    return NewKey(key, token.text)


def _refuse(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, code, message)])
