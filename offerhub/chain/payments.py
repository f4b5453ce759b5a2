"""What drivers of payments have in common: a look at the payer first, its own key, and Horizon."""

from typing import Any, ClassVar

from stellar_sdk import Asset

from offerhub.chain import keys, stellar
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.network import usdc
from offerhub.chain.submission import MAX_PAUSE
from offerhub.chain.types import BuildRefused, ChainFact, Envelope, Outcome
from offerhub.core.money import format_amount

# Not the destination's fault: the operator mends it (fee money, a key, the network's load), and
# until then the payment waits with its money held.
OURS = frozenset(
    {
        "op_underfunded",
        "op_src_no_trust",
        "op_src_not_authorized",
        "tx_bad_auth",
        "tx_bad_auth_extra",
        "tx_insufficient_balance",
        "tx_insufficient_fee",
        "tx_malformed",
        "tx_missing_operation",
        "tx_no_source_account",
        "transaction_malformed",
    }
)


class PaymentDriver(LedgerReads):
    """A wallet pays, and signs itself. What the network says to that is final for the envelope:
    `fail` books what it cost and decides whether another one follows."""

    PAYER: ClassVar[str]  # who it is, in words
    PAUSE: ClassVar[float] = MAX_PAUSE  # seconds until a payer that can not pay is looked at again

    def sign(self, row: Any, envelope: Envelope) -> str:
        """By the wallet's own key."""
        return keys.sign(envelope, row.source_wallet)

    def send(self, row: Any) -> Outcome:
        """To Horizon."""
        return stellar.submit(row.xdr)

    def is_final(self, code: str) -> bool:
        """Every refusal in a ledger comes to `fail`."""
        return True

    def retire(self, row: Any, code: str, fact: ChainFact) -> None:
        """Never asked for, as every refusal is final."""
        raise NotImplementedError

    def payer(
        self, row: Any, amount: int, asset: Asset | None = None, fee: int = stellar.BASE_FEE
    ) -> stellar.Account:
        """The account that pays, when it can: so many stroops of USDC, unless another asset is
        named, and the fee.

        Without this look an empty wallet would be charged for one failing transaction after
        another. Raises BuildRefused, for later.
        """
        source = stellar.account(row.source_wallet.address)
        asset = asset or usdc()
        if why := why_it_can_not_pay(source, amount, asset):
            raise self.later(*why)
        self.refuse_unless_it_bears(source, fee, amount if asset.is_native() else 0)
        return source

    def refuse_unless_it_bears(self, source: stellar.Account, fee: int, beside: int = 0) -> None:
        """The fee, beside so much XLM that is paid away. Raises BuildRefused, for later."""
        left = source.xlm - beside
        if left < fee:
            held = f"has {format_amount(left)} XLM left"
            raise self.later("tx_insufficient_balance", f"{held} for fees; it needs a top-up")

    def later(self, code: str, text: str) -> BuildRefused:
        """That the payer can not do it now."""
        return BuildRefused(code, f"{self.PAYER} {text}", transient=True, retry_after=self.PAUSE)


def why_it_can_not_pay(
    source: stellar.Account, amount: int, asset: Asset
) -> tuple[str, str] | None:
    """Code and words for an account that can not send so many stroops now; None when it can."""
    line = source.line(asset.code, asset.issuer or "")
    if not source.exists:
        return "tx_no_source_account", "does not exist on the network"
    if line is None:
        return "op_src_no_trust", f"has no trustline for {asset.code}"
    if not line.authorized:
        return "op_src_not_authorized", "may not send the asset: its issuer forbids it"
    if line.balance < amount:
        held = f"holds {format_amount(line.balance)} {asset.code}"
        return "op_underfunded", f"{held}, {format_amount(amount)} are needed"
    return None
