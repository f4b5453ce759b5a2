"""Reports of books and chain beside each other."""

from offerhub.reports.columns import Column, Kind
from offerhub.reports.registry import ReportType, register
from offerhub.reports.types.books import OF_ROW

WORD, TEXT, AMOUNT, COUNT, INSTANT = Kind.WORD, Kind.TEXT, Kind.AMOUNT, Kind.COUNT, Kind.INSTANT

_WAITS = "d.ended_at IS NULL"
_MORE = "d.chain - d.books"


@register
class Differences(ReportType):
    """Where the chain held something else than the books said."""

    name = "reconciliation.differences.v1"
    title = "Differences to the chain"
    about = (
        "Every difference between books and chain by the time it was found, and what became of it. "
        "The total amount is of all of them, the total waiting of those that are not settled."
    )
    columns = (
        Column("marketplaceId", WORD, "d.marketplace_id", "Whose books."),
        Column("differenceId", WORD, "d.id", "The difference's id."),
        Column("status", WORD, "d.status", "OPEN, EXPLAINED, BOOKED, SUSPENDED or CLOSED."),
        Column(
            "type",
            WORD,
            "d.type",
            "MISSING: the books lack transactions; EXTRA: the chain does; AMOUNT: no transaction"
            " explains it; TIMING: something is on its way for too long.",
        ),
        Column("account", WORD, "d.kind", "The kind of the account that mirrors the address."),
        Column("address", WORD, "d.owner", "The wallet or contract."),
        Column("userId", WORD, "u.id", "Whose wallet it is."),
        Column("userExternalId", TEXT, "u.external_id", "The marketplace's own id of that user."),
        Column("orderId", WORD, "x.order_id", "The order that the contract is of."),
        Column("asset", WORD, "d.asset", "Code, with its issuer where it is not ours."),
        Column("books", AMOUNT, "d.books", "What the books said.", OF_ROW),
        Column("chain", AMOUNT, "d.chain", "What the chain held.", OF_ROW),
        Column("amount", AMOUNT, _MORE, "Chain less books; below zero it held less.", OF_ROW),
        Column("ledger", COUNT, "d.ledger", "The chain's ledger in which both were read."),
        Column(
            "transactions",
            COUNT,
            "jsonb_array_length(coalesce(d.evidence -> 'lines', '[]'))",
            "How many transactions were found that one side has otherwise than the other.",
        ),
        Column("note", TEXT, "d.note", "What somebody found out."),
        Column("proposalId", WORD, "d.proposal_id", "The correction that was proposed."),
        Column(
            "ageDays",
            COUNT,
            "extract(day FROM coalesce(d.ended_at, offerhub_now()) - d.created_at)::integer",
            "Whole days from finding it to its end, or until now.",
        ),
        Column("createdAt", INSTANT, "d.created_at", "When it was found."),
        Column("seenAt", INSTANT, "d.seen_at", "When it was last there."),
        Column("endedAt", INSTANT, "d.ended_at", "When it was settled, or was over by itself."),
    )
    tables = (
        "reconciliation_difference d"
        " LEFT JOIN users_wallet w ON w.address = d.owner"
        " LEFT JOIN users_user u ON u.id = w.user_id"
        " LEFT JOIN orders_escrow x ON x.contract_id = d.owner"
    )
    order = "d.id"
    conditions = {
        "marketplace": "d.marketplace_id = %(marketplace)s",
        "since": "d.created_at >= %(start)s",
        "until": "d.created_at < %(end)s",
        "user": "u.id = %(user)s",
        "order": "x.order_id = %(order)s",
        "asset": "d.asset = %(asset)s",
        "status": "d.status = %(status)s",
        "kind": "d.type = %(kind)s",
    }
    asset = "d.asset"
    totals = {
        "books": "d.books",
        "chain": "d.chain",
        "amount": _MORE,
        "waiting": f"CASE WHEN {_WAITS} THEN {_MORE} ELSE 0 END",
    }
    model, key = "reconciliation.difference", "d.id"
