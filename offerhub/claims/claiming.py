"""The runner of claims: how the transaction is built, signed and sent. No transaction is open
here."""

from offerhub.chain import claimables, stellar
from offerhub.chain.claimables import Unreadable
from offerhub.chain.network import current
from offerhub.chain.payments import OURS, PaymentDriver
from offerhub.chain.submission import Submission
from offerhub.chain.types import BuildRefused, ChainFact, Envelope, Outcome
from offerhub.claims import outcomes
from offerhub.claims.models import Claim

GONE, NOT_NOW = "op_does_not_exist", "op_cannot_claim"


class ClaimDriver(PaymentDriver):
    """Claims for the wallet that the balance is for, which signs and pays the network."""

    PAYER = "The wallet"
    PAUSE = 60.0

    def build(self, row: Claim) -> Envelope:
        """The claim, when the ledger would take it; what it would refuse is not charged for."""
        address = row.source_wallet.address
        found = claimables.find(row.balance.balance_id, address)
        if found is None:
            raise BuildRefused(GONE, "The balance is not there any more")
        _, closed_at = stellar.latest_ledger()
        try:
            opens_at = claimables.opens_at(found.predicate, closed_at)
        except Unreadable as error:
            raise BuildRefused(NOT_NOW, f"Its conditions can not be read: {error}") from error
        if opens_at != closed_at:
            raise BuildRefused(NOT_NOW, "The wallet may not claim it now")
        source = stellar.account(address)
        self._refuse_unless_it_takes(source, row)
        return claimables.build_claim(address, source.sequence, found.id)

    def look_up(self, row: Submission) -> Outcome:
        """What the ledger says of it, and what it brought."""
        return claimables.look_up_claim(row.hash)

    def confirm(self, row: Claim, fact: ChainFact) -> None:
        """The wallet has it."""
        outcomes.confirm(row.id, fact)

    def fail(self, row: Claim, code: str, detail: str, fact: ChainFact | None) -> None:
        """Gone, too early, or for a person; what is mended on our side is tried again."""
        if code in OURS:
            outcomes.postpone(row, code, detail, fact)
        else:
            outcomes.fail(row.id, code, detail, fact)

    def _refuse_unless_it_takes(self, source: stellar.Account, row: Claim) -> None:
        line = source.line(current().asset_code, current().usdc_issuer)
        if line is None:
            raise BuildRefused("op_no_trust", "The wallet has no trustline for it")
        if not line.authorized:
            raise self.later("op_not_authorized", "may not hold the asset: its issuer froze it")
        if line.limit - line.balance < row.balance.amount:
            raise BuildRefused("op_line_full", "The wallet's trustline has no room for it")
        self.refuse_unless_it_bears(source, stellar.BASE_FEE)


DRIVER = ClaimDriver()
