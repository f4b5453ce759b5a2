"""The runner of reimbursements: how the payment is built, signed and sent. No transaction is open
here."""

from offerhub.chain import keys, stellar
from offerhub.chain.drivers import FINAL_CODES, LedgerReads
from offerhub.chain.network import current
from offerhub.chain.types import BuildRefused, ChainFact, Envelope, Outcome
from offerhub.core.money import format_amount
from orders.reimbursements import services
from orders.reimbursements.models import Reimbursement


class ReimbursementDriver(LedgerReads):
    """Pays from the marketplace's platform wallet to the buyer."""

    def build(self, row: Reimbursement) -> Envelope:
        """The payment, when the wallet can make it; raises BuildRefused, for later, when not."""
        source = stellar.account(row.source_wallet.address)
        line = source.line(current().asset_code, current().usdc_issuer)
        held = line.balance if line else 0
        if held < row.amount:
            text = f"holds {format_amount(held)} USDC, {format_amount(row.amount)} are needed"
            raise _later("op_underfunded", text)
        if source.xlm < stellar.BASE_FEE:
            text = f"holds {format_amount(source.xlm)} XLM for fees"
            raise _later("tx_insufficient_balance", text)
        return stellar.build_payment(source.address, source.sequence, row.destination, row.amount)

    def sign(self, row: Reimbursement, envelope: Envelope) -> str:
        """By the wallet's own key."""
        return keys.sign(envelope, row.source_wallet)

    def send(self, row: Reimbursement) -> Outcome:
        """To Horizon."""
        return stellar.submit(row.xdr)

    def is_final(self, code: str) -> bool:
        """Every refusal in a ledger comes to `fail`, which books what it cost and then decides."""
        return True

    def retire(self, row: Reimbursement, code: str, fact: ChainFact) -> None:
        """Never asked for, as every refusal is final."""
        raise NotImplementedError

    def confirm(self, row: Reimbursement, fact: ChainFact) -> None:
        """The buyer has it."""
        services.confirm(row.id, fact)

    def fail(self, row: Reimbursement, code: str, detail: str, fact: ChainFact | None) -> None:
        """The receiving side says no: a person decides. All else is mended on our side."""
        if code in FINAL_CODES:
            services.fail(row.id, code, detail, fact)
        else:
            services.postpone(row, code, detail, fact)


def _later(code: str, text: str) -> BuildRefused:
    return BuildRefused(
        code, f"The platform wallet {text}", transient=True, retry_after=services.PAUSE
    )


DRIVER = ReimbursementDriver()
