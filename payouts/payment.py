"""The runner of withdrawals: how the payment is built, signed and sent. No transaction is open."""

from dataclasses import replace

from django.conf import settings

from offerhub.chain import stellar
from offerhub.chain.payments import OURS, PaymentDriver
from offerhub.chain.submission import MAX_PAUSE, Submission
from offerhub.chain.types import BuildRefused, ChainFact, Envelope
from offerhub.core.money import parse_amount
from payouts import outcomes
from payouts.addresses import policy_of
from payouts.memos import memo_of
from payouts.models import Withdrawal, WithdrawalAttempt

RAISE = 4  # how much more the next envelope offers when the network found the fee too low


class WithdrawalDriver(PaymentDriver):
    """Pays from the user's own wallet, which signs."""

    PAYER = "The user's wallet"

    def build(self, row: WithdrawalAttempt) -> Envelope:
        """The payment, when the wallet can make it; raises BuildRefused, for later, when not.

        Without this look a withdrawal from an empty wallet could not be cancelled any more.
        """
        offer = fee_offer(row)
        rows = Withdrawal.objects.select_related("marketplace__payout_policy")
        withdrawal = rows.get(pk=row.withdrawal_id)
        if policy_of(withdrawal.marketplace).paused:
            text = "The marketplace has paused its withdrawals"
            raise BuildRefused("withdrawals_paused", text, transient=True, retry_after=MAX_PAUSE)
        source = self.payer(row, withdrawal.amount, fee=offer)
        envelope = stellar.build_payment(
            source.address,
            source.sequence,
            withdrawal.destination,
            withdrawal.amount,
            memo_of(withdrawal),
            offer,
        )
        return replace(envelope, meta={"fee": offer})

    def confirm(self, row: WithdrawalAttempt, fact: ChainFact) -> None:
        """The money is outside."""
        outcomes.confirm(row.id, fact)

    def fail(self, row: WithdrawalAttempt, code: str, detail: str, fact: ChainFact | None) -> None:
        """This envelope is dead: another one later if it was our side, else the money goes back."""
        if code in OURS:
            outcomes.postpone(row, code, detail, fact)
        else:
            outcomes.fail(row.id, code, detail, fact)


def fee_offer(row: Submission, payments: int = 1) -> int:
    """The most that each payment of the next envelope may cost, in stroops of XLM; all of them
    together are within the cap."""
    cap = parse_amount(settings.MAX_NETWORK_FEE) // payments
    last = int(row.envelope_meta.get("fee", stellar.BASE_FEE))
    too_low = (row.problem or {}).get("code") == "tx_insufficient_fee"
    return min(last * RAISE if too_low else last, cap)


DRIVER = WithdrawalDriver()
