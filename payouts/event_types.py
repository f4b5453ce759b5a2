"""The events of withdrawals, their batches, address books and what a marketplace allows."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    ADDRESS,
    AMOUNT,
    CODE,
    DETAIL,
    FLAG,
    HASH,
    LEDGER,
    WHOLE,
    Field,
    identifier,
    nullable,
    one_of,
    optional,
    record,
    text,
)
from payouts.batches import GROUPS
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
    batchId=optional(identifier("wba")),
)
_withdrawal(
    "approved",
    "A person agreed to it; one of a batch is paid with others",
    proposalId=PROPOSAL,
    operationId=optional(OPERATION),
)
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


def _batch(name: str, summary: str, /, **fields: Field) -> None:
    declare(f"withdrawal_batch.{name}", summary, "wba", items=WHOLE, amount=AMOUNT, **fields)


_batch(
    "received",
    "A list of withdrawals is here; each of its items is being checked",
    externalRef=nullable(text("payday-17")),
    proposalId=optional(PROPOSAL),
)
for _name, _summary in {
    "checked": "Every item is checked, and the good ones are paid",
    "finished": "Every item has its end",
}.items():
    counts = record(**dict.fromkeys(GROUPS, WHOLE))
    _batch(_name, _summary, counts=counts, notPaid=WHOLE, paid=AMOUNT)


def _destination(name: str, summary: str, /, **fields: Field) -> None:
    user = identifier("usr")
    declare(f"destination.{name}", summary, "dst", userId=user, label=text("My bank"), **fields)


_destination(
    "added",
    "An address is in a user's book; its waiting time runs",
    destination=ADDRESS,
    memo=nullable(text("17")),
)
_destination("renamed", "It has another label", before=text("Bank"))
_destination("archived", "Nothing is paid to it any more by its id", destination=ADDRESS)

_RULES = record(
    most=AMOUNT,
    mostUserDay=AMOUNT,
    mostDay=AMOUNT,
    paused=FLAG,
    addressBookOnly=FLAG,
    coolingHours=nullable(WHOLE),
)
declare(
    "payout_policy.updated",
    "What a marketplace allows its withdrawals has changed; an amount of zero is no limit",
    "pol",
    before=_RULES,
    after=_RULES,
)
