"""Reports of the ledger: entries line by line, the trial balance, and one account's statement."""

from ledger.chart import CHART
from offerhub.reports.columns import Column, Kind
from offerhub.reports.parameters import Parameters
from offerhub.reports.registry import ReportType, register

WORD, TEXT, AMOUNT, COUNT = Kind.WORD, Kind.TEXT, Kind.AMOUNT, Kind.COUNT
INSTANT, DAY = Kind.INSTANT, Kind.DAY
OF_ROW = "the row's asset"
DEBIT, CREDIT = (
    "CASE WHEN p.amount > 0 THEN p.amount END",
    "CASE WHEN p.amount < 0 THEN -p.amount END",
)
SUMS = {"debits": "greatest(p.amount, 0)", "credits": "greatest(-p.amount, 0)"}
OF_ORDER = "e.source ^@ ('order:' || %(order)s || ':')"


def day(sql: str) -> str:
    """The day of an instant in the zone of the run."""
    return f"({sql} AT TIME ZONE %(zone)s)::date"


# An entry, as every report that lists lines tells of it.
ENTRY = (
    Column("entryNumber", COUNT, "e.number", "The entry's place in the order of writing."),
    Column("entryId", WORD, "e.id", "The entry's id."),
    Column("kind", WORD, "e.kind", "What happened: deposit, reserve, fund, release …"),
    Column("source", TEXT, "e.source", "The fact that was booked; unique in a marketplace."),
    Column("description", TEXT, "e.description", "Words of whoever booked it."),
    Column("effectiveAt", INSTANT, "e.effective_at", "When it happened."),
    Column("effectiveDay", DAY, day("e.effective_at"), "The day of that in the run's zone."),
    Column("recordedAt", INSTANT, "e.recorded_at", "When it was booked."),
)
ON_CHAIN = (
    Column("operationId", WORD, "e.operation", "Our operation on the chain, if there was one."),
    Column("transactionHash", WORD, "e.chain_hash", "The transaction on the chain."),
    Column("ledger", COUNT, "e.chain_ledger", "The chain's ledger that it is in."),
    Column("reverses", WORD, "e.reverses_id", "The entry that this one takes back."),
    Column("actor", WORD, "e.actor", "Who did it: a key, a person or a part of the product."),
)
SIDES = (
    Column("asset", WORD, "p.asset", "Code, with its issuer where it is not ours."),
    Column("debit", AMOUNT, DEBIT, "The amount, when it is on the debit side.", OF_ROW),
    Column("credit", AMOUNT, CREDIT, "The amount, when it is on the credit side.", OF_ROW),
)


@register
class LedgerEntries(ReportType):
    """Every line of every entry."""

    name = "ledger.entries.v1"
    title = "Ledger entries"
    about = "Every line of every entry in the order of booking. Debits equal credits per asset."
    columns = (
        Column("marketplaceId", WORD, "e.marketplace_id", "Whose books."),
        *ENTRY,
        Column("lineId", COUNT, "p.id", "The line's own number."),
        Column("accountId", WORD, "p.account_id", "The account's id."),
        Column("account", WORD, "a.kind", "The account's kind in the chart of accounts."),
        Column("accountOwner", TEXT, "a.owner", "Whose it is: an address, a user, an order …"),
        Column("userId", WORD, "a.user_id", "The user whose money it is."),
        *SIDES,
        Column(
            "balanceAfter",
            AMOUNT,
            "p.balance_after",
            "The account's balance after this line on its normal side; empty for accounts that "
            "keep none line by line.",
            OF_ROW,
        ),
        *ON_CHAIN,
    )
    tables = (
        "ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id"
        " JOIN ledger_account a ON a.id = p.account_id"
    )
    alone = "ledger_posting p"
    order = "p.id"
    conditions = {
        "marketplace": "p.marketplace_id = %(marketplace)s",
        "since": "e.{basis} >= %(start)s",
        "until": "e.{basis} < %(end)s",
        "user": "a.user_id = %(user)s",
        "order": OF_ORDER,
        "account": "p.account_id = %(account)s",
        "asset": "p.asset = %(asset)s",
        "kind": "e.kind = %(kind)s",
    }
    defaults = {"basis": "effective"}
    asset = "p.asset"
    totals = SUMS
    model, key = "ledger.entry", "e.id"


_ELEMENT = " ".join(f"WHEN '{kind}' THEN '{line.element}'" for kind, line in CHART.items())
_DEBIT_KINDS = ", ".join(f"'{kind}'" for kind, line in CHART.items() if line.element.side > 0)
_SIGNED = f"CASE WHEN t.kind IN ({_DEBIT_KINDS}) THEN t.amount ELSE -t.amount END"


@register
class TrialBalance(ReportType):
    """All kinds of accounts at an instant."""

    name = "ledger.trial-balance.v1"
    title = "Trial balance"
    about = (
        "What all accounts of each kind held at an instant, that instant included; a day means its "
        "end, and no instant means now. Debits equal credits per asset."
    )
    columns = (
        Column("marketplaceId", WORD, "m.id", "Whose books."),
        Column("account", WORD, "t.kind", "The kind in the chart of accounts."),
        Column(
            "element",
            WORD,
            f"CASE t.kind {_ELEMENT} END",
            "asset, liability, equity, revenue or expense.",
        ),
        Column("asset", WORD, "t.asset", "Code, with its issuer where it is not ours."),
        Column("debit", AMOUNT, f"greatest({_SIGNED}, 0)", "A balance on the debit side.", OF_ROW),
        Column(
            "credit", AMOUNT, f"greatest(-({_SIGNED}), 0)", "A balance on the credit side.", OF_ROW
        ),
    )
    tables = (
        "marketplaces_marketplace m"
        " CROSS JOIN LATERAL ledger_trial_balance(m.id, %(before)s, %(basis)s) t"
    )
    order = "m.id, t.kind, t.asset"
    conditions = {
        "marketplace": "m.id = %(marketplace)s",
        "asset": "t.asset = %(asset)s",
    }
    defaults = {"at": "", "basis": "effective"}
    asset = "t.asset"
    totals = {"debits": f"greatest({_SIGNED}, 0)", "credits": f"greatest(-({_SIGNED}), 0)"}


_OPENING = (
    "CASE WHEN %(start)s::timestamptz IS NULL THEN 0 ELSE"
    " ledger_balance_at(a.id, %(start)s::timestamptz - interval '1 microsecond') END"
)


@register
class AccountStatement(ReportType):
    """One account, line by line."""

    name = "account.statement.v1"
    title = "Account statement"
    about = (
        "Why an account holds what it holds: every line in the order of booking, by the time of "
        "booking, with the balance after it. Opening + what made it grow − what made it shrink = "
        "closing, on the account's normal side."
    )
    columns = (
        Column("accountId", WORD, "a.id", "The account's id."),
        Column("account", WORD, "a.kind", "Its kind in the chart of accounts."),
        Column("accountOwner", TEXT, "a.owner", "Whose it is: an address, a user, an order …"),
        *ENTRY,
        *SIDES,
        Column(
            "balance",
            AMOUNT,
            "coalesce(p.balance_after, o.opening"
            " + sum(p.amount * a.side) OVER (PARTITION BY a.id ORDER BY p.id))",
            "The balance after this line, on the account's normal side.",
            OF_ROW,
        ),
        *ON_CHAIN,
    )
    tables = (
        "ledger_account a"
        f" CROSS JOIN LATERAL (SELECT {_OPENING} AS opening OFFSET 0) o"
        " JOIN ledger_posting p ON p.account_id = a.id"
        " JOIN ledger_entry e ON e.id = p.entry_id"
    )
    order = "p.account_version, p.id"
    conditions = {
        "marketplace": "a.marketplace_id = %(marketplace)s",
        "account": "a.id = %(account)s",
        "user": "a.user_id = %(user)s",
        "since": "e.recorded_at >= %(start)s",
        "until": "e.recorded_at < %(end)s",
    }
    needs = ("account",)
    asset = "a.asset"
    totals = {"opening": "", "debits": "", "credits": "", "closing": ""}

    def sums(self, asked: Parameters, narrowed: str = "") -> str:
        """Opening and closing are there in a period without lines, too."""
        lines = " AND ".join(["p.account_id = a.id", *self._period(asked)])
        return (
            "SELECT a.asset, l.lines, o.opening, l.debits, l.credits,"
            " o.opening + a.side * (l.debits - l.credits)"
            f" FROM ledger_account a CROSS JOIN LATERAL (SELECT {_OPENING} AS opening) o"
            " CROSS JOIN LATERAL (SELECT count(*) AS lines,"
            " coalesce(sum(greatest(p.amount, 0)), 0) AS debits,"
            " coalesce(sum(greatest(-p.amount, 0)), 0) AS credits"
            " FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id"
            f" WHERE {lines}) l WHERE {self._whose(asked)}"
        )

    def _period(self, asked: Parameters) -> list[str]:
        return [self.conditions[name] for name in ("since", "until") if getattr(asked, name)]

    def _whose(self, asked: Parameters) -> str:
        names = [name for name in ("marketplace", "account", "user") if getattr(asked, name)]
        return " AND ".join(self.conditions[name] for name in names)
