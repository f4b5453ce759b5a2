"""The runner of clearances: how the payment is built, signed and sent. No transaction is open."""

from stellar_sdk import Asset

from offerhub.chain import stellar
from offerhub.chain.payments import OURS, PaymentDriver
from offerhub.chain.types import ChainFact, Envelope
from offerhub.suspense import outcomes
from offerhub.suspense.models import Clearance


class ClearanceDriver(PaymentDriver):
    """Pays out of the wallet that received the deposit."""

    PAYER = "The wallet of the deposit"

    def build(self, row: Clearance) -> Envelope:
        """The payment, when the wallet can make it; raises BuildRefused, for later, when not."""
        code, issuer = row.deposit.asset_code, row.deposit.asset_issuer
        asset = Asset(code, issuer) if issuer else stellar.NATIVE
        source = self.payer(row, row.amount, asset)
        return stellar.build_payment(
            source.address, source.sequence, row.destination, row.amount, asset=asset
        )

    def confirm(self, row: Clearance, fact: ChainFact) -> None:
        """The money left suspense."""
        outcomes.confirm(row.id, fact)

    def fail(self, row: Clearance, code: str, detail: str, fact: ChainFact | None) -> None:
        """This envelope is dead: another one later if it was our side, else a person decides."""
        if code in OURS:
            outcomes.postpone(row, code, detail, fact)
        else:
            outcomes.fail(row.id, code, detail, fact)


DRIVER = ClearanceDriver()
