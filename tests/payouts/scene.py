"""Ann has 100 USDC and wants it outside: the scene that the tests of withdrawals play on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from stellar_sdk import (
    Asset,
    Server,
    Signer,
    TransactionBuilder,
    TransactionEnvelope,
)

from ledger.balances import account_balance
from ledger.invariants import violations
from offerhub.chain import keys
from offerhub.chain.types import Envelope
from offerhub.core import jobs
from offerhub.core.money import format_amount, from_chain, parse_amount, to_chain
from offerhub.users.models import User, Wallet
from payouts import destinations, services
from payouts.memos import Memo
from payouts.models import Withdrawal, WithdrawalAttempt
from tests.http import Api
from tests.payouts.chain import SUBMIT, Chain
from tests.world import World

START = "100"
NEVER = datetime(2100, 1, 1, tzinfo=UTC)


class Scene(Chain):
    """One user with money, one destination that can take it."""

    def __init__(self, world: World, api: Api) -> None:
        super().__init__(world.network)
        self.world, self.api = world, api
        self.ann: User = world.user("ann", money=START)
        self.outside = self.outsider()
        self.destination = self.outside.public_key

    # --- asking ---------------------------------------------------------------------------
    def body(self, **changes: Any) -> dict[str, Any]:
        """What a marketplace sends."""
        return {"userId": "ann", "amount": "25", "destination": self.destination, **changes}

    def ask(self, amount: str = "25", destination: str = "", memo: Memo | None = None) -> str:
        """A withdrawal that is requested and not run yet; its id."""
        checked = destinations.check(
            marketplace_id=self.world.marketplace.id,
            user_reference="ann",
            destination=destination or self.destination,
            memo=memo or Memo(),
            amount=parse_amount(amount),
        )
        with jobs.held():
            return services.request_withdrawal(checked=checked, actor=self.world.actor).id

    def cancel(self, withdrawal: str) -> Withdrawal:
        """Through the service."""
        return services.cancel(
            marketplace_id=self.world.marketplace.id,
            withdrawal_id=withdrawal,
            actor=self.world.actor,
        )

    def give_up(self, withdrawal: str) -> Withdrawal:
        """Staff end it."""
        return services.give_up(
            marketplace_id=self.world.marketplace.id,
            withdrawal_id=withdrawal,
            reason="frozen for good",
            actor=self.world.actor,
        )

    def in_state(self, status: str) -> str:
        """A small withdrawal in this state, brought there in the ordinary way."""
        withdrawal = self.ask("1", destination=(outsider := self.outsider()).public_key)
        if status == "CANCELLED":
            self.cancel(withdrawal)
        if status == "SUBMITTED":
            self.fault("504-before", SUBMIT)
        if status == "FAILED":
            self.as_outsider(outsider, lambda b, usdc: b.append_change_trust_op(usdc, "0"))
        if status not in ("REQUESTED", "CANCELLED"):
            self.run(withdrawal)
        assert self.row(withdrawal).status == status
        return withdrawal

    def drain_xlm(self, *, leave: int) -> None:
        """Ann's wallet loses its fee money, but for so many stroops after the transaction."""
        rest = self.xlm() - leave - 100
        self._as_ann(
            lambda b: b.append_payment_op(self.destination, Asset.native(), to_chain(rest))
        )

    def drop_trustline(self) -> None:
        """The destination does not hold the asset any more."""
        self.as_outsider(self.outside, lambda b, usdc: b.append_change_trust_op(usdc, "0"))

    def give_xlm(self, stroops: int) -> None:
        """The operator puts fee money in."""
        self.as_outsider(
            self.outside,
            lambda b, _: b.append_payment_op(
                self.wallet.address, Asset.native(), to_chain(stroops)
            ),
        )

    def replace_signer(self, wallet: Wallet) -> None:
        """Our key loses its weight on the account: whatever it signs is `tx_bad_auth`."""
        other = Signer.ed25519_public_key(self.destination, 1)
        self._as_ann(lambda b: b.append_set_options_op(master_weight=0, signer=other))

    def _as_ann(self, add: Callable[[TransactionBuilder], TransactionBuilder]) -> None:
        server = Server(self.network.url)
        account = server.load_account(self.wallet.address)
        builder = TransactionBuilder(account, self.passphrase, base_fee=100)
        built = add(builder.add_time_bounds(0, 0)).build()
        signed = keys.sign(
            Envelope(built.to_xdr(), built.hash_hex(), account.account.account_id, NEVER, 100),
            self.wallet,
        )
        envelope = TransactionBuilder.from_xdr(signed, self.passphrase)
        server.submit_transaction(envelope, skip_memo_required_check=True)

    # --- time -----------------------------------------------------------------------------
    def run(self, withdrawal: str, patience: float = 0.0) -> None:
        """Let the runner look once, as if its time had come and a dead runner's lease had ended."""
        attempt = self.attempt(withdrawal)
        WithdrawalAttempt.objects.filter(pk=attempt.pk).update(
            next_attempt_at=Now(), lease_until=None
        )
        jobs.run("payouts.attempt", attempt.pk, patience)

    def expire(self, withdrawal: str) -> None:
        """Let the network's time pass the envelope's end, with the margin."""
        until = self.attempt(withdrawal).valid_until
        assert until is not None
        self.pass_time(until + timedelta(seconds=40) - self.network_time())

    # --- what there is ----------------------------------------------------------------------
    def row(self, withdrawal: str) -> Withdrawal:
        """As it is in the database now."""
        return Withdrawal.objects.get(pk=withdrawal)

    def attempt(self, withdrawal: str) -> WithdrawalAttempt:
        """Its only payment."""
        return WithdrawalAttempt.objects.get(withdrawal_id=withdrawal)

    @property
    def wallet(self) -> Wallet:
        """Ann's, as it is now."""
        return self.world.wallet(self.ann)

    def money(self) -> tuple[str, str, str, str]:
        """(available, pending, on Ann's wallet, at the destination), both sides of every amount."""
        balance = self.world.balance(self.ann)
        return (
            balance["available"],
            balance["pendingWithdrawal"],
            self._held(self.wallet.address),
            self._held(self.destination),
        )

    def _held(self, address: str) -> str:
        return format_amount(from_chain(self.network.held(address)))

    def payments(self) -> int:
        """How many payments the destination received in all."""
        return len(self._payments())

    def last_payment(self) -> dict[str, Any]:
        """The newest payment that the destination received, as Horizon shows it."""
        return self._payments()[-1]

    def _payments(self) -> list[dict[str, Any]]:
        page = self.horizon(f"accounts/{self.destination}/payments", limit="200")
        return [r for r in page["_embedded"]["records"] if r["type"] == "payment"]

    def xlm(self) -> int:
        """Stroops of XLM on Ann's wallet."""
        return from_chain(self.network.held(self.wallet.address, "native"))

    def pause_of(self, withdrawal: str) -> float:
        """Seconds until the next look, when it was put off just now."""
        attempt = self.attempt(withdrawal)
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            return float((attempt.next_attempt_at - cursor.fetchone()[0]).total_seconds())

    def envelope(self, attempt: WithdrawalAttempt) -> TransactionEnvelope:
        """What was signed."""
        return TransactionEnvelope.from_xdr(attempt.xdr, self.passphrase)

    def books_are_right(self) -> bool:
        """Every invariant of the ledger holds, and Ann's wallet is booked as the chain has it."""
        found = violations(marketplace_id=self.world.marketplace.id)
        assert found == []
        address = self.wallet.address
        booked = [
            account_balance(
                marketplace_id=self.world.marketplace.id, kind=kind, owner=address, asset=asset
            )
            for kind, asset in [("wallet", "USDC"), ("xlm", "XLM")]
        ]
        assert booked == [from_chain(self.network.held(address)), self.xlm()]
        return True


UNTOUCHED = ("100.00", "0.00", "100.00", "0.00")
HELD = ("75.00", "25.00", "100.00", "0.00")
PAID = ("75.00", "0.00", "75.00", "25.00")
# The chain has paid and the books do not know it yet.
PAID_UNSEEN = ("75.00", "25.00", "75.00", "25.00")
