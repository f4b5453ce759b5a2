"""The events of orders and of the calls to their contracts; all are about the order. Those of
campaigns are beside them."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    AMOUNT,
    CODE,
    DETAIL,
    HASH,
    LEDGER,
    TIME,
    WHOLE,
    Field,
    identifier,
    nullable,
    one_of,
    optional,
    text,
)
from orders.campaigns import event_types  # noqa: F401 (declares them)
from orders.models import EscrowOperation
from orders.states import OrderStatus

STATUS = one_of(OrderStatus)
MILESTONE = text("m1")


def _order(name: str, summary: str, /, **fields: Field) -> None:
    declare(f"order.{name}", summary, "ord", status=STATUS, **fields)


_order(
    "created",
    "An order exists; nothing is paid yet",
    amount=AMOUNT,
    buyerId=identifier("usr"),
    sellerId=identifier("usr"),
    externalRef=nullable(text("invoice-17")),
    campaignId=optional(identifier("cmp")),
)
_order("reserved", "The buyer's money is set aside for the order")
_order("cancelled", "The order ended before money was in its contract", reason=optional(DETAIL))
_order(
    "shipped",
    "The seller sent the goods; windows that wait for it run now",
    shippedAt=TIME,
    milestoneId=optional(MILESTONE),
    carrier=optional(text("DHL")),
    trackingNumber=optional(text("JJD0099")),
    trackingUrl=optional(text("https://example.com/track/JJD0099")),
)
_order(
    "release_extended",
    "The buyer took more time before a milestone is released by itself",
    milestoneId=MILESTONE,
    releaseAt=TIME,
    by=text("P2D"),
)
_order(
    "release_reminder",
    "A milestone will soon be released by itself",
    milestoneId=MILESTONE,
    releaseAt=TIME,
)
_order(
    "release_window_ended",
    "Nobody objected in time: the milestone's release begins",
    milestoneId=MILESTONE,
    releaseAt=TIME,
    **{"try": WHOLE},
)


def _reimbursement(name: str, summary: str, /, **fields: Field) -> None:
    opr = identifier("opr")
    _order(name, summary, operationId=opr, milestoneId=MILESTONE, amount=AMOUNT, **fields)


_reimbursement(
    "reimbursement_requested",
    "What the contract took of a refund is on its way to the buyer: the marketplace bears it",
)
_reimbursement("reimbursed", "The buyer has the fees of a refund back", hash=HASH, ledger=LEDGER)
_reimbursement("reimbursement_failed", "The buyer's wallet could not take them", code=CODE)

Kind = EscrowOperation.Kind
_DID: dict[Kind, tuple[str, str]] = {
    Kind.DEPLOY: ("The order's contract exists", "The contract could not be made"),
    Kind.FUND: ("The money is in the contract", "The contract could not be funded"),
    Kind.COMPLETE: ("The seller's work is marked done", "The work could not be marked done"),
    Kind.APPROVE: ("The buyer approved", "The approval failed"),
    Kind.RELEASE: ("The money was paid to the seller", "The release failed"),
    Kind.DISPUTE: ("The money is frozen", "The freeze failed"),
    Kind.RESOLVE: ("The money was divided", "The division failed"),
    Kind.SWEEP: ("Money that a stranger had sent went out first", "It could not be sent out"),
}


# What a party that holds its own key may be asked to sign.
_ASKED: dict[Kind, str] = {
    Kind.FUND: "to put the money into the contract",
    Kind.COMPLETE: "that the work is done",
    Kind.APPROVE: "its approval",
    Kind.RELEASE: "the release",
    Kind.DISPUTE: "to freeze the money",
}


def _call(kind: Kind, end: str, summary: str, /, **fields: Field) -> None:
    declare(
        f"escrow.{kind.lower()}_{end}",
        f"{summary}; `status` is the order's",
        "ord",
        status=STATUS,
        operationId=identifier("opr"),
        milestoneId=optional(MILESTONE),
        **fields,
    )


for _kind, (_done, _failed) in _DID.items():
    _call(_kind, "confirmed", _done, hash=HASH, ledger=LEDGER)
    _call(_kind, "failed", _failed, hash=HASH, code=CODE, detail=DETAIL)
for _kind, _what in _ASKED.items():
    _call(_kind, "signed", f"The party signed {_what}", hash=HASH)
    _call(
        _kind,
        "withdrawn",
        f"The party is not asked any more for {_what}",
        hash=nullable(HASH),
        reason=optional(DETAIL),
    )
