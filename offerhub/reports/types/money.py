"""Reports of money that comes and goes: withdrawals, fees and deposits."""

from offerhub.reports.columns import Column, Kind
from offerhub.reports.registry import ReportType, register
from offerhub.reports.types.books import ENTRY, OF_ORDER, OF_ROW, ON_CHAIN, SIDES, SUMS

WORD, TEXT, AMOUNT, COUNT, INSTANT = Kind.WORD, Kind.TEXT, Kind.AMOUNT, Kind.COUNT, Kind.INSTANT


@register
class Withdrawals(ReportType):
    """Money on its way outside, and what arrived."""

    name = "withdrawals.v1"
    title = "Withdrawals"
    about = (
        "Every withdrawal by the time it was asked for. The total paid is of those that are in a "
        "ledger of the chain, the total pending of those that are not decided."
    )
    columns = (
        Column("marketplaceId", WORD, "w.marketplace_id", "Whose withdrawal."),
        Column("withdrawalId", WORD, "w.id", "The withdrawal's id."),
        Column("externalRef", TEXT, "w.external_ref", "The marketplace's own reference."),
        Column("userId", WORD, "w.user_id", "Whose money."),
        Column("userExternalId", TEXT, "u.external_id", "The marketplace's own id of the user."),
        Column("status", WORD, "w.status", "The withdrawal's state."),
        Column("amount", AMOUNT, "w.amount", "What was asked for.", "USDC"),
        Column("destination", WORD, "w.destination", "The address outside."),
        Column("memoType", WORD, "w.memo_type", "text, id or hash."),
        Column("memo", TEXT, "w.memo", "What the payment says to the receiver."),
        Column("transactionHash", WORD, "w.hash", "The payment on the chain."),
        Column("networkFee", AMOUNT, "w.fee", "What the network charged for it.", "XLM"),
        Column("problem", WORD, "w.problem ->> 'code'", "Why it failed."),
        Column("createdAt", INSTANT, "w.created_at", "When it was asked for."),
        Column("updatedAt", INSTANT, "w.updated_at", "When it last changed."),
    )
    tables = "payouts_withdrawal w JOIN users_user u ON u.id = w.user_id"
    order = "w.id"
    conditions = {
        "marketplace": "w.marketplace_id = %(marketplace)s",
        "since": "w.created_at >= %(start)s",
        "until": "w.created_at < %(end)s",
        "user": "w.user_id = %(user)s",
        "status": "w.status = %(status)s",
    }
    totals = {
        "amount": "w.amount",
        "paid": "CASE WHEN w.status = 'COMPLETED' THEN w.amount ELSE 0 END",
        "pending": "CASE WHEN w.status IN ('REQUESTED', 'SUBMITTED') THEN w.amount ELSE 0 END",
    }
    model, key = "payouts.withdrawal", "w.id"


@register
class Fees(ReportType):
    """What was earned and what was paid in fees."""

    name = "fees.v1"
    title = "Fees"
    about = (
        "Every line of the fee accounts: what the marketplace earned (revenue:platform_fee, "
        "credits) and what the network charged (expense:network_fee, debits, in XLM)."
    )
    columns = (
        Column("marketplaceId", WORD, "e.marketplace_id", "Whose fees."),
        *ENTRY,
        Column("account", WORD, "a.kind", "The kind of the fee account."),
        Column(
            "orderId",
            WORD,
            "CASE WHEN e.source ^@ 'order:' THEN split_part(e.source, ':', 2) END",
            "The order that it came from.",
        ),
        *SIDES,
        *ON_CHAIN,
    )
    tables = (
        "ledger_account a JOIN ledger_posting p ON p.account_id = a.id"
        " JOIN ledger_entry e ON e.id = p.entry_id"
    )
    always = "a.kind IN ('revenue:platform_fee', 'expense:network_fee', 'expense:protocol_fee')"
    order = "p.id"
    conditions = {
        "marketplace": "a.marketplace_id = %(marketplace)s",
        "since": "e.{basis} >= %(start)s",
        "until": "e.{basis} < %(end)s",
        "order": OF_ORDER,
        "asset": "p.asset = %(asset)s",
    }
    defaults = {"basis": "effective"}
    asset = "p.asset"
    totals = SUMS


_ASSET = "d.asset_code || CASE d.asset_issuer WHEN '' THEN '' ELSE ':' || d.asset_issuer END"
DEPOSIT = (
    Column("marketplaceId", WORD, "d.marketplace_id", "Whose wallet received it."),
    Column("depositId", WORD, "d.id", "The deposit's id."),
    Column("status", WORD, "d.status", "CREDITED, SUSPENSE or RETURNED."),
    Column("reason", WORD, "d.reason", "Why it was not simply a user's money."),
    Column("userId", WORD, "d.user_id", "Who was credited."),
    Column("userExternalId", TEXT, "u.external_id", "The marketplace's own id of that user."),
    Column("assetCode", WORD, "d.asset_code", "What arrived."),
    Column("assetIssuer", WORD, "d.asset_issuer", "Who promises it; empty for XLM."),
    Column("amount", AMOUNT, "d.amount", "How much arrived.", OF_ROW),
    Column("address", WORD, "d.address", "The wallet or contract that received it."),
    Column("holder", WORD, "d.holder", "wallet or contract."),
    Column("sender", WORD, "d.sender", "Where it came from."),
    Column("memo", TEXT, "d.muxed_id", "The memo or muxed id that it carried."),
    Column("transactionHash", WORD, "d.tx_hash", "The transaction on the chain."),
    Column("ledger", COUNT, "d.ledger", "The chain's ledger that it is in."),
    Column("arrivedAt", INSTANT, "d.closed_at", "When that ledger closed."),
    Column("recordedAt", INSTANT, "d.recorded_at", "When it was seen and booked."),
)


class _Deposits(ReportType):
    columns = DEPOSIT
    tables = "deposits_deposit d LEFT JOIN users_user u ON u.id = d.user_id"
    order = "d.id"
    conditions = {
        "marketplace": "d.marketplace_id = %(marketplace)s",
        "since": "d.closed_at >= %(start)s",
        "until": "d.closed_at < %(end)s",
        "user": "d.user_id = %(user)s",
    }
    asset = _ASSET
    totals = {"amount": "d.amount"}


@register
class Deposits(_Deposits):
    """Everything that arrived."""

    name = "deposits.v1"
    title = "Deposits"
    about = "Every movement from outside to a wallet or contract, by the time it arrived."
    conditions = {**_Deposits.conditions, "status": "d.status = %(status)s"}
    model, key = "deposits.deposit", "d.id"


@register
class DepositsInSuspense(_Deposits):
    """What arrived and is nobody's."""

    name = "deposits.suspense.v1"
    title = "Deposits in suspense"
    about = "Money that arrived and that nobody could be credited for yet, oldest first."
    always = "d.status = 'SUSPENSE'"
