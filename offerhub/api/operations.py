"""A chain operation as the API shows it."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from offerhub.api.serializers import Shape
from offerhub.chain.network import current
from offerhub.chain.submission import SignatureAsked, Status, Submission
from offerhub.chain.turns import WAITS

# What happens next, in a word that scripts can switch on; AWAIT_TURN while the escrow provider's
# limit leaves no requests for it.
AWAIT_TURN = "AWAIT_TURN"
NEXT_STEP = {
    Status.PENDING: "SUBMIT",
    Status.AWAITING_SIGNATURE: "SIGN",
    Status.SUBMITTED: "CONFIRM",
    Status.UNKNOWN: "LOOK_UP",
}
EXPIRE = "EXPIRE"  # nobody wants it any more, but what the party holds may apply until it expires


def waits_for_turn(row: Submission) -> bool:
    """Whether nothing but the provider's limit keeps it."""
    return row.status == Status.PENDING and (row.problem or {}).get("code") == WAITS


def _next_step(row: Submission, *, waits: bool) -> str | None:
    if waits:
        return AWAIT_TURN
    asked = row.signature_asked
    return EXPIRE if asked and asked.withdrawn else NEXT_STEP.get(Status(row.status))


def operation_body(row: Submission, estimated_end: datetime | None = None) -> dict[str, Any]:
    """`id kind status hash ledger attempts nextStep nextAttemptAt problem …`; never an envelope
    that was signed. `nextStep` and `nextAttemptAt` are null when the operation has ended.

    `estimated_end` of one that waits for its turn; unless given, as it was when it last asked.
    """
    live = row.is_live
    waits = waits_for_turn(row)
    waits_for_us = live and row.status != Status.AWAITING_SIGNATURE
    asked = row.signature_asked
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "hash": row.hash or None,
        "ledger": row.ledger,
        "attempts": row.attempts,
        "nextStep": _next_step(row, waits=waits),
        "nextAttemptAt": row.next_attempt_at if waits_for_us else None,
        "estimatedEnd": (estimated_end or row.next_attempt_at) if waits else None,
        "problem": row.problem,
        **_signature(asked),
        "createdAt": row.created_at,
        "finishedAt": row.finished_at,
    }


def _signature(asked: SignatureAsked | None) -> dict[str, Any]:
    """What a party that holds its own key needs to sign; nulls where nobody is asked."""
    usable = asked is not None and bool(asked.xdr)
    return {
        "unsignedXdr": asked.xdr if asked and usable else None,
        "networkPassphrase": current().passphrase if usable else None,
        "expiresAt": asked.expires_at if asked else None,
        "signBy": asked.sign_by if asked else None,
        "signer": {"userId": asked.user_id, "address": asked.address} if asked else None,
    }


class SignerShape(Shape):
    """The party whose signature is asked for: the one signature of this account's own key."""

    user_id = serializers.CharField()
    address = serializers.CharField()


class OperationProblemShape(Shape):
    """The last thing that went wrong, in the words of the chain or the provider."""

    code = serializers.CharField()
    detail = serializers.CharField()


class OperationShape(Shape):
    """A transaction on the chain that one change asked for, with what became of it.

    While `status` is AWAITING_SIGNATURE the party named by `signer` signs `unsignedXdr` for the
    network of `networkPassphrase` until `expiresAt`, and the result goes to
    `POST /operations/{id}/signature`. An envelope that expired is replaced by
    `POST /operations/{id}/envelope`; after `signBy` the operation fails.
    """

    id = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(Status.values)
    hash = serializers.CharField(allow_null=True)
    ledger = serializers.IntegerField(allow_null=True)
    attempts = serializers.IntegerField()
    next_step = serializers.ChoiceField([*NEXT_STEP.values(), AWAIT_TURN, EXPIRE], allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    estimated_end = serializers.DateTimeField(
        allow_null=True,
        help_text="While it waits for its turn with the escrow provider: when it is let through.",
    )
    problem = OperationProblemShape(allow_null=True)
    unsigned_xdr = serializers.CharField(allow_null=True)
    network_passphrase = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    sign_by = serializers.DateTimeField(allow_null=True)
    signer = SignerShape(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
