"""The events of deposits that were in suspense."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    ADDRESS,
    AMOUNT,
    CODE,
    HASH,
    LEDGER,
    Field,
    identifier,
    nullable,
    text,
)


def _deposit(name: str, summary: str, /, **fields: Field) -> None:
    declare(
        f"deposit.{name}",
        summary,
        "dep",
        operationId=identifier("opr"),
        amount=AMOUNT,
        asset=text("USDC"),
        userId=nullable(identifier("usr")),
        destination=ADDRESS,
        **fields,
    )


_deposit("assignment_requested", "A suspended deposit is on its way to a user")
_deposit("assigned", "A suspended deposit is the user's", hash=HASH, ledger=LEDGER)
_deposit("assignment_failed", "The payment to the user failed; it stays suspended", code=CODE)
_deposit("return_requested", "A suspended deposit is on its way back to its sender")
_deposit("returned", "A suspended deposit is with its sender again", hash=HASH, ledger=LEDGER)
_deposit("return_failed", "The payment to the sender failed; it stays suspended", code=CODE)
