"""The runner of transactions that pay many withdrawals: built, signed by every wallet, sent."""

from collections.abc import Sequence
from dataclasses import replace

from offerhub.chain import keys, stellar
from offerhub.chain.network import usdc
from offerhub.chain.payments import PaymentDriver, why_it_can_not_pay
from offerhub.chain.submission import Submission
from offerhub.chain.types import BuildRefused, ChainFact, ChainUnavailable, Envelope, Outcome
from offerhub.users.models import Wallet
from payouts import carrying
from payouts.carrying import carried, withdrawal_of
from payouts.memos import memo_of
from payouts.models import BatchItem, BatchPayment
from payouts.payment import fee_offer

CHANNEL_PAUSE = 2.0  # seconds until a channel that is being topped up is looked at again


class BatchDriver(PaymentDriver):
    """Pays from many users' wallets, which sign, through a channel account, which signs too."""

    PAYER = "The channel account"
    PAUSE = CHANNEL_PAUSE

    def build(self, row: BatchPayment) -> Envelope:
        """One payment for each withdrawal. Raises BuildRefused for later when the channel can not
        bear the fee, and for good when this set of withdrawals will not do: the payment ends, and
        they go into other ones.

        Wallets that were part of a setback are looked at first, so that nobody is charged for the
        same failure twice. All others are as the books say, and the ledger checks them anyway.
        """
        items = carried(row)
        _refuse_after_a_word_on_operations(row)
        row.blamed = _blamed(items)
        if row.blamed:
            code, detail = next(iter(row.blamed.values()))
            raise BuildRefused(code, detail)
        offer = fee_offer(row, len(items))
        channel = self.payer(row, 0, stellar.NATIVE, offer * len(items))
        withdrawals = [withdrawal_of(item) for item in items]
        envelope = stellar.build_payments(
            channel.address,
            channel.sequence,
            [stellar.Payment(w.user.wallet.address, w.destination, w.amount) for w in withdrawals],
            memo_of(withdrawals[0]),
            offer,
        )
        return replace(envelope, meta={"fee": offer, "withdrawals": [w.id for w in withdrawals]})

    def look_up(self, row: Submission) -> Outcome:
        """What the ledger says of the kept envelope, with up to a hundred operations."""
        return stellar.look_up_large(row.hash)

    def sign(self, row: BatchPayment, envelope: Envelope) -> str:
        """By the channel and by each wallet once."""
        return keys.sign(envelope, row.source_wallet, *_wallets(carried(row)).values())

    def confirm(self, row: BatchPayment, fact: ChainFact) -> None:
        """All of them are outside."""
        carrying.confirm(row.id, fact)

    def fail(self, row: BatchPayment, code: str, detail: str, fact: ChainFact | None) -> None:
        """None of them is."""
        carrying.fail(row.id, code, detail, fact, row.blamed)


def _refuse_after_a_word_on_operations(row: BatchPayment) -> None:
    """The last envelope expired, and the network had refused to take it for one of its operations:
    the next one with the same withdrawals would fare alike."""
    problem = row.problem or {}
    if row.attempts and str(problem.get("code", "")).startswith("op_"):
        raise BuildRefused(problem["code"], "the network did not take it")


def _blamed(items: Sequence[BatchItem]) -> dict[int, tuple[str, str]]:
    """By place, who can not pay now, and why."""
    wallets = _wallets(items)
    why = {
        pk: ("key_unreadable", "The user's wallet can not sign: its key does not open")
        for pk, wallet in wallets.items()
        if not keys.opens(wallet)
    }
    suspects = {withdrawal_of(i).user.wallet.id for i in items if i.setbacks} - why.keys()
    if suspects:
        accounts = stellar.accounts(wallets[pk].address for pk in suspects)
        for pk in suspects:
            account = accounts[wallets[pk].address]
            if isinstance(account, ChainUnavailable):
                raise account
            total = sum(i.amount for i in items if withdrawal_of(i).user.wallet.id == pk)
            if not account.signs:
                why[pk] = "op_bad_auth", "The user's wallet does not obey its own key any more"
            elif refusal := why_it_can_not_pay(account, total, usdc()):
                why[pk] = refusal[0], f"The user's wallet {refusal[1]}"
    return {
        int(item.place or 0): why[pk]
        for item in items
        if (pk := withdrawal_of(item).user.wallet.id) in why
    }


def _wallets(items: Sequence[BatchItem]) -> dict[str, Wallet]:
    """The wallets that pay, once each, by their ids."""
    return {(wallet := withdrawal_of(item).user.wallet).id: wallet for item in items}


DRIVER = BatchDriver()
