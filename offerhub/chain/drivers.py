"""What every driver has in common: asking the ledger. Only building and sending differ."""

from datetime import timedelta
from typing import Any

from offerhub.chain import rpc, stellar
from offerhub.chain.inspection import LONGEST_LIFE
from offerhub.chain.submission import Submission
from offerhub.chain.types import Outcome

# A ledger that closed after an envelope's expiry proves that it can not apply any more; the margin
# is for clocks, not for servers: absence and height are read from one answer.
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

    def cannot_apply(self, row: Submission) -> bool:
        """Whether the kept envelope is in no ledger and never can be.

        One answer must say both: that the hash is unknown, and that the ledgers in which it is
        unknown reach from before the envelope was made to safely after its expiry. Only when RPC
        has forgotten those ledgers (an outage of days) is Horizon's own height taken instead,
        which the look-up that follows may come from another server than.
        """
        if row.valid_until is None:
            return False
        memory = rpc.remembered(row.hash)
        if memory.found or memory.latest <= row.valid_until + MARGIN:
            return False
        if memory.oldest is None or memory.oldest <= row.valid_until - LONGEST_LIFE - MARGIN:
            return True
        _, closed_at = stellar.latest_ledger()
        return closed_at > row.valid_until + MARGIN

    def party_signs(self, row: Any) -> bool:
        """Whether the source account's key is with the party and not with us."""
        return False

    def given_up(self, row: Any) -> str:
        """Why nobody waits for the party's signature any more."""
        return ""

    def is_final(self, code: str) -> bool:
        """Whether a refusal in a ledger ends the operation."""
        return code in FINAL_CODES
