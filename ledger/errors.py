"""What the ledger refuses, beside `offerhub.core.errors.InsufficientFunds`.

The database speaks in SQLSTATEs of its own (class OH, see `sql/post.sql`); `services` translates.
"""

from offerhub.core.errors import Conflict


class SourceReused(Conflict):
    """A source is used once for ever; the same source came with other content."""

    code, title = "source_reused", "This fact is already in the books with other content"


class PeriodClosed(Conflict):
    """The entry is dated into a day that is closed."""

    code, title = "period_closed", "That day is closed"


class Unbalanced(ValueError):
    """Debits and credits differ, or the amounts given do not add up: a defect of the caller."""


class LedgerRefused(RuntimeError):
    """The database refused what no service may ask for: a defect of the caller.

    An account named with another user than its own, an unknown kind.
    """


class NoTransaction(RuntimeError):
    """Posting outside a transaction would part the entry from the change it records: a defect."""
