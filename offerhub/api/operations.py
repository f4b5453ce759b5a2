"""A chain operation as the API shows it."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from offerhub.api.serializers import Shape
from offerhub.chain.submission import Status, Submission
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


def waits_for_turn(row: Submission) -> bool:
    """Whether nothing but the provider's limit keeps it."""
    return row.status == Status.PENDING and (row.problem or {}).get("code") == WAITS


def operation_body(row: Submission, estimated_end: datetime | None = None) -> dict[str, Any]:
    """`id kind status hash ledger attempts nextStep nextAttemptAt problem …`; never an envelope
    that was signed. `nextStep` and `nextAttemptAt` are null when the operation has ended.

    `estimated_end` of one that waits for its turn; unless given, as it was when it last asked.
    """
    live = row.is_live
    waits = waits_for_turn(row)
    waits_for_us = live and row.status != Status.AWAITING_SIGNATURE
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "hash": row.hash or None,
        "ledger": row.ledger,
        "attempts": row.attempts,
        "nextStep": AWAIT_TURN if waits else NEXT_STEP.get(Status(row.status)),
        "nextAttemptAt": row.next_attempt_at if waits_for_us else None,
        "estimatedEnd": (estimated_end or row.next_attempt_at) if waits else None,
        "problem": row.problem,
        "createdAt": row.created_at,
        "finishedAt": row.finished_at,
    }


class OperationProblemShape(Shape):
    """The last thing that went wrong, in the words of the chain or the provider."""

    code = serializers.CharField()
    detail = serializers.CharField()


class OperationShape(Shape):
    """A transaction on the chain that one change asked for, with what became of it."""

    id = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(Status.values)
    hash = serializers.CharField(allow_null=True)
    ledger = serializers.IntegerField(allow_null=True)
    attempts = serializers.IntegerField()
    next_step = serializers.ChoiceField([*NEXT_STEP.values(), AWAIT_TURN], allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    estimated_end = serializers.DateTimeField(
        allow_null=True,
        help_text="While it waits for its turn with the escrow provider: when it is let through.",
    )
    problem = OperationProblemShape(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
