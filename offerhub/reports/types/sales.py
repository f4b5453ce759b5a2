"""Reports of what is sold: orders, escrow contracts and disputes."""

from offerhub.reports.columns import Column, Kind
from offerhub.reports.registry import ReportType, register

WORD, TEXT, AMOUNT, COUNT, INSTANT = Kind.WORD, Kind.TEXT, Kind.AMOUNT, Kind.COUNT, Kind.INSTANT
USDC = "USDC"
PARTIES = (
    Column("buyerId", WORD, "o.buyer_id", "The buyer's id."),
    Column("buyerExternalId", TEXT, "b.external_id", "The marketplace's own id of the buyer."),
    Column("sellerId", WORD, "o.seller_id", "The seller's id."),
    Column("sellerExternalId", TEXT, "s.external_id", "The marketplace's own id of the seller."),
)
_USERS = " JOIN users_user b ON b.id = o.buyer_id JOIN users_user s ON s.id = o.seller_id"
_OF_USER = "(o.buyer_id = %(user)s OR o.seller_id = %(user)s)"


@register
class Orders(ReportType):
    """Orders, and what their milestones paid."""

    name = "orders.v1"
    title = "Orders"
    about = "Every order by the time it was made, with what its contract has paid so far."
    columns = (
        Column("marketplaceId", WORD, "o.marketplace_id", "Whose order."),
        Column("orderId", WORD, "o.id", "The order's id."),
        Column("externalRef", TEXT, "o.external_ref", "The marketplace's own reference."),
        Column("status", WORD, "o.status", "The order's state."),
        *PARTIES,
        Column("title", TEXT, "o.title", "What the marketplace calls it."),
        Column("description", TEXT, "o.description", "What is sold."),
        Column("amount", AMOUNT, "o.amount", "What was agreed.", USDC),
        Column("milestones", COUNT, "m.number", "How many parts it has."),
        Column("milestonesLeft", COUNT, "o.milestones_left", "Parts that are not settled yet."),
        Column("paidToSeller", AMOUNT, "m.seller", "What the contract paid the seller.", USDC),
        Column("paidToBuyer", AMOUNT, "m.buyer", "What the contract paid back.", USDC),
        Column("platformFee", AMOUNT, "m.platform", "The marketplace's fee.", USDC),
        Column("protocolFee", AMOUNT, "m.protocol", "The escrow provider's fee.", USDC),
        Column("createdAt", INSTANT, "o.created_at", "When it was made."),
        Column("updatedAt", INSTANT, "o.updated_at", "When it last changed."),
    )
    tables = (
        "orders_order o" + _USERS + " CROSS JOIN LATERAL (SELECT count(*) AS number,"
        " coalesce(sum(paid_seller), 0) AS seller, coalesce(sum(paid_buyer), 0) AS buyer,"
        " coalesce(sum(fee_platform), 0) AS platform, coalesce(sum(fee_protocol), 0) AS protocol"
        " FROM orders_milestone WHERE order_id = o.id) m"
    )
    order = "o.id"
    conditions = {
        "marketplace": "o.marketplace_id = %(marketplace)s",
        "since": "o.created_at >= %(start)s",
        "until": "o.created_at < %(end)s",
        "user": _OF_USER,
        "order": "o.id = %(order)s",
        "status": "o.status = %(status)s",
    }
    totals = {
        "amount": "o.amount",
        "paidToSeller": "m.seller",
        "paidToBuyer": "m.buyer",
        "platformFee": "m.platform",
        "protocolFee": "m.protocol",
    }
    model, key = "orders.order", "o.id"


@register
class Escrows(ReportType):
    """Contracts, and what is in them."""

    name = "escrows.v1"
    title = "Escrows"
    about = (
        "Every escrow contract by the time it was asked for. Funded − released − refunded is what "
        "the contract still holds of its order's money."
    )
    columns = (
        Column("marketplaceId", WORD, "x.marketplace_id", "Whose contract."),
        Column("escrowId", WORD, "x.id", "The escrow's id."),
        Column("orderId", WORD, "x.order_id", "The order that it holds the money of."),
        Column("externalRef", TEXT, "o.external_ref", "The marketplace's reference of the order."),
        *PARTIES,
        Column("status", WORD, "x.status", "The contract's state."),
        Column("kind", WORD, "x.kind", "single-release or multi-release."),
        Column("contractId", WORD, "x.contract_id", "Its address on the chain."),
        Column("amount", AMOUNT, "x.amount", "What it is made for.", USDC),
        Column("funded", AMOUNT, "x.funded", "What went in.", USDC),
        Column("released", AMOUNT, "x.released", "What went out to the seller, gross.", USDC),
        Column("refunded", AMOUNT, "x.refunded", "What went back to the buyer, gross.", USDC),
        Column("balance", AMOUNT, "x.funded - x.released - x.refunded", "What is in it.", USDC),
        Column("createdAt", INSTANT, "x.created_at", "When it was asked for."),
    )
    tables = "orders_escrow x JOIN orders_order o ON o.id = x.order_id" + _USERS
    order = "x.id"
    conditions = {
        "marketplace": "x.marketplace_id = %(marketplace)s",
        "since": "x.created_at >= %(start)s",
        "until": "x.created_at < %(end)s",
        "user": _OF_USER,
        "order": "x.order_id = %(order)s",
        "status": "x.status = %(status)s",
    }
    totals = {
        "funded": "x.funded",
        "released": "x.released",
        "refunded": "x.refunded",
        "balance": "x.funded - x.released - x.refunded",
    }
    model, key = "orders.escrow", "x.id"


@register
class Disputes(ReportType):
    """Cases, and how they ended."""

    name = "disputes.v1"
    title = "Disputes"
    about = "Every dispute by the time it was opened, with its decision and what it paid."
    columns = (
        Column("marketplaceId", WORD, "d.marketplace_id", "Whose case."),
        Column("disputeId", WORD, "d.id", "The dispute's id."),
        Column("orderId", WORD, "d.order_id", "The order in dispute."),
        Column("externalRef", TEXT, "o.external_ref", "The marketplace's reference of the order."),
        *PARTIES,
        Column("status", WORD, "d.status", "The case's state."),
        Column("openedBy", WORD, "d.opened_by", "BUYER, SELLER or STAFF."),
        Column("reason", TEXT, "d.reason", "Why, in the words of whoever opened it."),
        Column("amount", AMOUNT, "d.amount", "What is at stake.", USDC),
        Column("decision", WORD, "d.decision", "RELEASE, REFUND or SPLIT."),
        Column("decisionReason", WORD, "d.decision_reason_id", "The reason code of the decision."),
        Column("decisionText", TEXT, "d.decision_text", "What both parties were told."),
        Column("toSeller", AMOUNT, "m.seller", "What the decision gives the seller.", USDC),
        Column("toBuyer", AMOUNT, "m.buyer", "What the decision gives the buyer.", USDC),
        Column("assignee", TEXT, "f.username", "Who works on it."),
        Column("createdAt", INSTANT, "d.created_at", "When it was opened."),
        Column("firstAnsweredAt", INSTANT, "d.first_answered_at", "When the desk first answered."),
        Column("decisionDueAt", INSTANT, "d.decision_due_at", "When it should be decided."),
        Column("closedAt", INSTANT, "d.closed_at", "When it ended."),
    )
    tables = (
        "disputes_dispute d JOIN orders_order o ON o.id = d.order_id"
        + _USERS
        + " LEFT JOIN marketplaces_staffuser f ON f.id = d.assignee_id"
        " CROSS JOIN LATERAL (SELECT coalesce(sum(to_seller), 0) AS seller,"
        " coalesce(sum(to_buyer), 0) AS buyer FROM disputes_disputedmilestone"
        " WHERE dispute_id = d.id) m"
    )
    order = "d.id"
    conditions = {
        "marketplace": "d.marketplace_id = %(marketplace)s",
        "since": "d.created_at >= %(start)s",
        "until": "d.created_at < %(end)s",
        "user": _OF_USER,
        "order": "d.order_id = %(order)s",
        "status": "d.status = %(status)s",
    }
    totals = {"amount": "d.amount", "toSeller": "m.seller", "toBuyer": "m.buyer"}
    model, key = "disputes.dispute", "d.id"
