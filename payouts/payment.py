"""The runner of withdrawals: how the payment is built, signed and sent. No transaction is open."""

from dataclasses import replace

from django.conf import settings

from offerhub.chain import keys, stellar
from offerhub.chain.drivers import LedgerReads
from offerhub.chain.network import current
from offerhub.chain.submission import MAX_PAUSE
from offerhub.chain.types import BuildRefused, ChainFact, Envelope, Outcome
from offerhub.core.money import format_amount, parse_amount
from payouts import outcomes
from payouts.addresses import policy_of
from payouts.memos import memo_of
from payouts.models import Withdrawal, WithdrawalAttempt

# Not the destination's fault: the operator mends it (fee money, a key, the network's load), and
# until then the withdrawal waits with its money held. Everything else gives the money back.
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
RAISE = 4  # how much more the next envelope offers when the network found the fee too low


class PaymentDriver(LedgerReads):
    """Pays from the user's own wallet, which signs."""

    def build(self, row: WithdrawalAttempt) -> Envelope:
        """The payment, when the wallet can make it; raises BuildRefused, for later, when not.

        Without this look an empty wallet would be charged for one failing transaction after
        another, and could not be cancelled any more.
        """
        offer = fee_offer(row)
        rows = Withdrawal.objects.select_related("marketplace__payout_policy")
        withdrawal = rows.get(pk=row.withdrawal_id)
        if policy_of(withdrawal.marketplace).paused:
            text = "The marketplace has paused its withdrawals"
            raise BuildRefused("withdrawals_paused", text, transient=True, retry_after=MAX_PAUSE)
        source = stellar.account(row.source_wallet.address)
        _refuse_unless_it_can_pay(source, withdrawal.amount, offer)
        envelope = stellar.build_payment(
            source.address,
            source.sequence,
            withdrawal.destination,
            withdrawal.amount,
            memo_of(withdrawal),
            offer,
        )
        return replace(envelope, meta={"fee": offer})

    def sign(self, row: WithdrawalAttempt, envelope: Envelope) -> str:
        """By the wallet's own key. One that does not open is for the operator, not for a crash."""
        try:
            return keys.sign(envelope, row.source_wallet)
        except keys.SecretUnreadable as error:
            raise _later("key_unreadable", f"can not sign: {error}") from error

    def send(self, row: WithdrawalAttempt) -> Outcome:
        """To Horizon."""
        return stellar.submit(row.xdr)

    def is_final(self, code: str) -> bool:
        """Every refusal in a ledger comes to `fail`, which books what it cost and then decides."""
        return True

    def retire(self, row: WithdrawalAttempt, code: str, fact: ChainFact) -> None:
        """Never asked for, as every refusal is final."""
        raise NotImplementedError

    def confirm(self, row: WithdrawalAttempt, fact: ChainFact) -> None:
        """The money is outside."""
        outcomes.confirm(row.id, fact)

    def fail(self, row: WithdrawalAttempt, code: str, detail: str, fact: ChainFact | None) -> None:
        """This envelope is dead: another one later if it was our side, else the money goes back."""
        if code in OURS:
            outcomes.postpone(row, code, detail, fact)
        else:
            outcomes.fail(row.id, code, detail, fact)


def fee_offer(row: WithdrawalAttempt) -> int:
    """The most that the next envelope pays the network, in stroops of XLM, within the cap."""
    cap = parse_amount(settings.MAX_NETWORK_FEE)
    last = int(row.envelope_meta.get("fee", stellar.BASE_FEE))
    too_low = (row.problem or {}).get("code") == "tx_insufficient_fee"
    return min(last * RAISE if too_low else last, cap)


def _refuse_unless_it_can_pay(source: stellar.Account, amount: int, fee: int) -> None:
    if why := why_it_can_not_pay(source, amount):
        raise _later(*why)
    if source.xlm < fee:
        held = f"holds {format_amount(source.xlm)} XLM"
        raise _later("tx_insufficient_balance", f"{held} for fees; it needs a top-up")


def why_it_can_not_pay(source: stellar.Account, amount: int) -> tuple[str, str] | None:
    """Code and words for a wallet that can not send so much USDC now; None when it can."""
    network = current()
    line = source.line(network.asset_code, network.usdc_issuer)
    if not source.exists:
        return "tx_no_source_account", "does not exist on the network"
    if line is None:
        return "op_src_no_trust", f"has no trustline for {network.asset_code}"
    if not line.authorized:
        return "op_src_not_authorized", "may not send the asset: its issuer forbids it"
    if line.balance < amount:
        held = f"holds {format_amount(line.balance)} {network.asset_code}"
        return "op_underfunded", f"{held}, the withdrawal needs {format_amount(amount)}"
    return None


def _later(code: str, text: str) -> BuildRefused:
    return BuildRefused(code, f"The user's wallet {text}", transient=True, retry_after=MAX_PAUSE)


DRIVER = PaymentDriver()
