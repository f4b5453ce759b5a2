"""The events of withdrawals."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    ADDRESS,
    AMOUNT,
    CODE,
    DETAIL,
    HASH,
    LEDGER,
    Field,
    identifier,
    nullable,
    one_of,
    optional,
)
from payouts.states import WithdrawalStatus

STATUS = one_of(WithdrawalStatus)
OPERATION = identifier("opr")
PROPOSAL = identifier("prp")


def _withdrawal(name: str, summary: str, /, **fields: Field) -> None:
    declare(f"withdrawal.{name}", summary, "wdr", status=STATUS, **fields)


_withdrawal(
    "requested",
    "The money is set aside; `proposalId` when a person must agree first",
    userId=identifier("usr"),
    amount=AMOUNT,
    destination=ADDRESS,
    operationId=optional(OPERATION),
    proposalId=optional(PROPOSAL),
)
_withdrawal("approved", "A person agreed to it", proposalId=PROPOSAL, operationId=OPERATION)
_withdrawal("submitted", "Its payment is signed", operationId=OPERATION, hash=HASH)
_withdrawal("completed", "It was paid", operationId=OPERATION, hash=HASH, ledger=LEDGER)
_withdrawal(
    "failed",
    "It was not paid, and the money is available again",
    operationId=optional(OPERATION),
    hash=optional(nullable(HASH)),
    code=CODE,
    detail=DETAIL,
)
_withdrawal(
    "cancelled", "It was called back, and the money is available again", reason=optional(DETAIL)
)
