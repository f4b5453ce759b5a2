"""The journal for accounting programs, as text that Beancount reads."""

from offerhub.reports.columns import Column, Format, Kind
from offerhub.reports.registry import ReportType, register
from offerhub.reports.types.books import SUMS


@register
class BeancountJournal(ReportType):
    """Plain-text accounting: transactions, and the balances that they must lead to."""

    name = "journal.beancount.v1"
    title = "Journal for Beancount"
    about = (
        "Every entry as a transaction of plain-text accounting, with opening balances before it "
        "and assertions of every closing balance after it, exact to the last place: a program "
        "that loads the file without an error has proven our balances. Of one marketplace."
    )
    columns = (
        Column("date", Kind.DAY, "", "The day of the entry in the zone of the run."),
        Column("narration", Kind.TEXT, "", "The entry's description, or what happened."),
        Column("entry", Kind.WORD, "", "Metadata: the entry's id."),
        Column("source", Kind.TEXT, "", "Metadata: the fact that was booked."),
        Column("recorded", Kind.INSTANT, "", "Metadata: when it was booked."),
        Column("operation", Kind.WORD, "", "Metadata: our operation on the chain."),
        Column("transaction", Kind.WORD, "", "Metadata: the transaction on the chain."),
        Column(
            "account",
            Kind.WORD,
            "",
            "Of each posting: Assets, Liabilities, Equity, Income or Expenses, then the kind and "
            "the owner, each beginning with a capital, `_` written as `-`.",
        ),
        Column("amount", Kind.AMOUNT, "", "Of each posting: a debit is positive.", "the posting's"),
    )
    formats = (Format.BEANCOUNT,)
    tables = "ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id"
    order = "e.number"
    conditions = {
        "marketplace": "p.marketplace_id = %(marketplace)s",
        "since": "e.{basis} >= %(start)s",
        "until": "e.{basis} < %(end)s",
    }
    defaults = {"basis": "effective"}
    needs = ("marketplace",)
    asset = "p.asset"
    totals = SUMS
