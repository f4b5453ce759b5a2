"""What every driver has in common: asking the ledger. Only building and sending differ."""

from datetime import timedelta

from offerhub.chain import stellar
from offerhub.chain.submission import Submission
from offerhub.chain.types import Outcome

# A ledger that closed after an envelope's expiry proves that it can not apply any more; the margin
# covers servers that answer look-ups from different heights.
MARGIN = timedelta(seconds=30)

# In a ledger, refused, and no new envelope would fare better: the receiving side says no.
FINAL_CODES = frozenset(
    {
        "op_no_destination",
        "op_no_trust",
        "op_not_authorized",
        "op_line_full",
        "op_malformed",
        "op_no_issuer",
        "op_already_exists",
    }
)


class LedgerReads:
    """Look-ups for a driver, by the envelope's hash."""

    def look_up(self, row: Submission) -> Outcome:
        """What the ledger says of the kept envelope."""
        return stellar.look_up(row.hash)

    def is_past(self, row: Submission) -> bool:
        """Whether the network's own time is safely after the envelope's expiry."""
        _, closed_at = stellar.latest_ledger()
        return row.valid_until is not None and closed_at > row.valid_until + MARGIN

    def is_final(self, code: str) -> bool:
        """Whether a refusal in a ledger ends the operation."""
        return code in FINAL_CODES
