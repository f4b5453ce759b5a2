"""The runner of reimbursements: how the payment is built, signed and sent. No transaction is open
here."""

from offerhub.chain import stellar
from offerhub.chain.drivers import FINAL_CODES
from offerhub.chain.payments import PaymentDriver
from offerhub.chain.types import ChainFact, Envelope
from orders.reimbursements import services
from orders.reimbursements.models import Reimbursement


class ReimbursementDriver(PaymentDriver):
    """Pays from the marketplace's platform wallet to the buyer."""

    PAYER = "The platform wallet"
    PAUSE = services.PAUSE

    def build(self, row: Reimbursement) -> Envelope:
        """The payment, when the wallet can make it; raises BuildRefused, for later, when not."""
        source = self.payer(row, row.amount)
        return stellar.build_payment(source.address, source.sequence, row.destination, row.amount)

    def confirm(self, row: Reimbursement, fact: ChainFact) -> None:
        """The buyer has it."""
        services.confirm(row.id, fact)

    def fail(self, row: Reimbursement, code: str, detail: str, fact: ChainFact | None) -> None:
        """The receiving side says no: a person decides. All else is mended on our side."""
        if code in FINAL_CODES:
            services.fail(row.id, code, detail, fact)
        else:
            services.postpone(row, code, detail, fact)


DRIVER = ReimbursementDriver()
