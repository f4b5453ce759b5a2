"""Parties that hold their own keys: what they hand in, what they are handed anew, what is called
off.

An envelope that was handed out may be signed and sent by the party without us until it expires. So
nothing here ends an operation: the runner does, once what the party holds can not apply any more.
"""

from django.db.models import F
from django.db.models.functions import Now

from offerhub.chain.runner import RENEW
from offerhub.chain.signatures import SignatureWrong, read_signed
from offerhub.chain.submission import Status
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor
from offerhub.core.clock import ProductNow
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    EnvelopeExpired,
    FieldError,
    NotFound,
    SignatureRefused,
    WrongState,
)
from orders import rows, writing
from orders.models import EscrowOperation

JOB = "orders.operation"
_AWAITED = Status.AWAITING_SIGNATURE


@in_transaction
def hand_in(
    *, marketplace_id: str, operation_id: str, signed_xdr: str, actor: Actor
) -> EscrowOperation:
    """Keep the party's signature, and let the runner send it.

    It must be the very envelope that was handed out, with one signature of the party's own key and
    nothing more. The same once more is the same. Raises NotFound, WrongState, EnvelopeExpired and
    SignatureRefused (with `reason`).
    """
    operation = _lock(marketplace_id, operation_id)
    if operation.status != _AWAITED and operation.xdr and operation.xdr == signed_xdr.strip():
        return operation
    _refuse_unless_awaited(operation)
    if not operation.hash or operation.valid_until is None:
        raise EnvelopeExpired(f"Ask for another one: POST /operations/{operation.id}/envelope")
    if operation.valid_until <= clock.now():
        raise EnvelopeExpired(
            f"The envelope expired at {operation.valid_until.isoformat(timespec='seconds')}; ask "
            f"for another one: POST /operations/{operation.id}/envelope"
        )
    try:
        address = operation.source_wallet.address
        signed = read_signed(operation.xdr, signed_xdr.strip(), address)
    except SignatureWrong as wrong:
        complaint = FieldError("signedXdr", wrong.reason, str(wrong))
        raise SignatureRefused(str(wrong), errors=[complaint], reason=wrong.reason) from wrong
    # A runner that was just looking for the envelope loses its lease here.
    EscrowOperation.objects.filter(pk=operation.pk).update(
        xdr=signed,
        status=Status.SUBMITTED,
        attempts=F("attempts") + 1,
        looks=0,
        problem=None,
        lease="",
        lease_until=None,
        next_attempt_at=Now(),
    )
    _record(operation, "signed", actor)
    jobs.ring(JOB, operation.id)
    return operation


@in_transaction
def request_envelope(*, marketplace_id: str, operation_id: str, actor: Actor) -> EscrowOperation:
    """Another envelope in place of one that has expired. While one is out that can still be signed
    nothing changes; a new one is built as soon as the old one is proven dead."""
    operation = _lock(marketplace_id, operation_id)
    if operation.status == Status.PENDING and operation.party_signs:
        return operation  # it is being built
    _refuse_unless_awaited(operation)
    if operation.valid_until is not None and operation.valid_until > clock.now():
        return operation
    due = EscrowOperation.objects.filter(pk=operation.pk)
    if operation.hash:
        operation.envelope_meta[RENEW] = True
        due.update(envelope_meta=operation.envelope_meta, looks=0, next_attempt_at=Now())
    else:
        due.update(status=Status.PENDING, looks=0, next_attempt_at=Now())
    jobs.ring(JOB, operation.id)
    return operation


@in_transaction
def withdraw(
    *, marketplace_id: str, operation_id: str, reason: str = "", actor: Actor
) -> EscrowOperation:
    """Call off what a party has not signed. It fails at once while no envelope is out; else when
    that has expired, unless the party has sent it by then. Raises WrongState."""
    operation = _lock(marketplace_id, operation_id)
    if operation.withdrawn_at is not None and operation.is_live:
        return operation
    if not (operation.party_signs and operation.status in (Status.PENDING, _AWAITED)):
        raise WrongState(
            f"The operation is {operation.status}: only what waits for a party's signature can be "
            "called off",
            currentStatus=operation.status,
        )
    call_off(operation)
    _record(operation, "withdrawn", actor, reason)
    return operation


def call_off(operation: EscrowOperation) -> None:
    """Wait for the party's signature no longer; does nothing to what does not wait for one.

    The order's row is locked. The runner ends the operation.
    """
    if operation.status != _AWAITED and not (operation.party_signs and not operation.hash):
        return
    waiting = EscrowOperation.objects.filter(pk=operation.pk, withdrawn_at=None)
    if waiting.update(withdrawn_at=ProductNow(), looks=0, next_attempt_at=Now()):
        jobs.ring(JOB, operation.id)


def wake() -> list[str]:
    """Ids of operations whose party did not sign in time, by the product's clock, and holds no
    envelope any more. They are due now, and fail."""
    late = EscrowOperation.objects.filter(status=_AWAITED, hash="", sign_by__lte=ProductNow())
    late.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now())
    return list(late.values_list("pk", flat=True)[:200])


def _lock(marketplace_id: str, operation_id: str) -> EscrowOperation:
    mine = EscrowOperation.objects.filter(pk=operation_id, marketplace=marketplace_id)
    if not mine.exists():
        raise NotFound(f"There is no operation {operation_id} that a party signs")
    return rows.locked_call(operation_id)


def _refuse_unless_awaited(operation: EscrowOperation) -> None:
    if operation.withdrawn_at is not None:
        raise WrongState("The operation was called off", currentStatus=operation.status)
    if operation.status != _AWAITED:
        raise WrongState(
            f"The operation is {operation.status}: no signature is awaited",
            currentStatus=operation.status,
        )


def _record(operation: EscrowOperation, end: str, actor: Actor, reason: str = "") -> None:
    payload = {"operationId": operation.id, "hash": operation.hash or None}
    if operation.milestone is not None:
        payload["milestoneId"] = operation.milestone.ref
    if reason:
        payload["reason"] = reason
    event = f"escrow.{operation.kind.lower()}_{end}"
    writing.save(operation.order, event, actor=actor, payload=payload)
