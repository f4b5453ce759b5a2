"""The events of claimable balances. What a claim brings is a deposit, with events of its own."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    ADDRESS,
    AMOUNT,
    CODE,
    HASH,
    LEDGER,
    TIME,
    Field,
    identifier,
    nullable,
    record,
    text,
)


def _balance(name: str, summary: str, /, **fields: Field) -> None:
    declare(
        f"claimable_balance.{name}",
        summary,
        "clb",
        userId=nullable(identifier("usr")),
        amount=AMOUNT,
        asset=record(code=text("USDC"), issuer=nullable(ADDRESS)),
        address=ADDRESS,
        **fields,
    )


_balance("listed", "Somebody set money aside for a wallet; nobody is credited yet", dueAt=TIME)
_balance("refused", "Money that was set aside is not claimed by itself", reason=text("too_small"))
_balance("claim_requested", "The claim is on its way", operationId=identifier("opr"))
_balance("postponed", "It could not be claimed yet", dueAt=TIME, code=CODE)
_balance("claimed", "It is claimed; the deposit is credited", hash=HASH, ledger=LEDGER)
_balance("gone", "Somebody else claimed it first, or it was taken back", code=CODE)
