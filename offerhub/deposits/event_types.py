"""The first events of deposits. What staff decide about them later is in `offerhub.suspense`."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    ADDRESS,
    AMOUNT,
    HASH,
    LEDGER,
    Field,
    identifier,
    nullable,
    optional,
    record,
    text,
)


def _deposit(name: str, summary: str, /, **fields: Field) -> None:
    declare(
        f"deposit.{name}",
        summary,
        "dep",
        userId=nullable(identifier("usr")),
        amount=AMOUNT,
        asset=record(code=text("USDC"), issuer=nullable(ADDRESS)),
        address=ADDRESS,
        hash=HASH,
        ledger=LEDGER,
        **fields,
    )


_deposit("credited", "Money arrived and is the user's", reason=optional(text("contract_dust")))
_deposit("suspended", "Money arrived that is nobody's yet", reason=text("wrong_asset"))
_deposit(
    "capital_received",
    "The marketplace put fee money into its own wallet",
    reason=text("platform_capital"),
)
