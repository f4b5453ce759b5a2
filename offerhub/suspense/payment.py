"""The runner of clearances: how the payment is built, signed and sent. No transaction is open."""

from stellar_sdk import Asset

from offerhub.chain import keys, stellar
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.submission import MAX_PAUSE
from offerhub.chain.types import BuildRefused, ChainFact, Envelope, Outcome
from offerhub.core.money import format_amount
from offerhub.suspense import outcomes
from offerhub.suspense.models import Clearance
from offerhub.suspense.services import XLM
from payouts.payment import OURS


class ClearanceDriver(LedgerReads):
    """Pays out of the wallet that received the deposit."""

    def build(self, row: Clearance) -> Envelope:
        """The payment, when the wallet can make it; raises BuildRefused, for later, when not."""
        deposit = row.deposit
        source = stellar.account(row.source_wallet.address)
        _refuse_unless_it_holds(source, row)
        asset = Asset(deposit.asset_code, deposit.asset_issuer) if deposit.asset_issuer else None
        return stellar.build_payment(
            source.address,
            source.sequence,
            row.destination,
            row.amount,
            asset=asset or stellar.NATIVE,
        )

    def sign(self, row: Clearance, envelope: Envelope) -> str:
        """By the wallet's own key."""
        return keys.sign(envelope, row.source_wallet)

    def send(self, row: Clearance) -> Outcome:
        """To Horizon."""
        return stellar.submit(row.xdr)

    def is_final(self, code: str) -> bool:
        """Every refusal in a ledger comes to `fail`, which books what it cost and then decides."""
        return True

    def retire(self, row: Clearance, code: str, fact: ChainFact) -> None:
        """Never asked for, as every refusal is final."""
        raise NotImplementedError

    def confirm(self, row: Clearance, fact: ChainFact) -> None:
        """The money left suspense."""
        outcomes.confirm(row.id, fact)

    def fail(self, row: Clearance, code: str, detail: str, fact: ChainFact | None) -> None:
        """This envelope is dead: another one later if it was our side, else a person decides."""
        if code in OURS:
            outcomes.postpone(row, code, detail, fact)
        else:
            outcomes.fail(row.id, code, detail, fact)


def _refuse_unless_it_holds(source: stellar.Account, row: Clearance) -> None:
    deposit = row.deposit
    line = source.line(deposit.asset_code, deposit.asset_issuer)
    held = line.balance if line else 0
    needed = row.amount + (stellar.BASE_FEE if deposit.asset_code == XLM else 0)
    if held < needed:
        text = f"holds {format_amount(held)} {deposit.asset_code}"
        raise _later("op_underfunded", f"{text}, {format_amount(needed)} are needed")
    if source.xlm < stellar.BASE_FEE:
        raise _later("tx_insufficient_balance", f"holds {format_amount(source.xlm)} XLM for fees")


def _later(code: str, text: str) -> BuildRefused:
    return BuildRefused(
        code, f"The wallet of the deposit {text}", transient=True, retry_after=MAX_PAUSE
    )


DRIVER = ClearanceDriver()
