"""The events of differences between books and chain."""

from offerhub.approvals.states import ProposalStatus
from offerhub.events.catalog import declare
from offerhub.events.fields import DETAIL, LEDGER, SIGNED, Field, identifier, one_of, text
from offerhub.reconciliation.states import DifferenceType


def _difference(name: str, summary: str, /, **fields: Field) -> None:
    declare(
        f"reconciliation.{name}",
        summary,
        "dif",
        account=text("wallet:GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"),
        asset=text("USDC"),
        amount=SIGNED,
        ledger=LEDGER,
        type=one_of(DifferenceType),
        **fields,
    )


_difference(
    "difference_found",
    "The chain holds `amount` more than the books say, or less where it is below zero",
)
_difference("difference_changed", "It is another amount now")
_difference("difference_explained", "Somebody found out what it is", note=DETAIL)
_difference("difference_closed", "Books and chain agree again by themselves")
_difference("difference_booked", "A second person agreed, and the books were corrected")
_difference("difference_suspended", "The same, and the money is in suspense")
_difference(
    "correction_proposed",
    "Somebody proposed to correct the books; a second person must agree",
    proposalId=identifier("prp"),
    against=one_of(("suspense", "user", "expense")),
)
_difference(
    "correction_ended",
    "Nobody agreed to the correction",
    outcome=one_of(status for status in ProposalStatus if status not in ("OPEN", "APPROVED")),
)
