"""Some users with money each, and batches of their withdrawals."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from stellar_sdk import Asset, Server, TransactionBuilder

from ledger.invariants import violations
from offerhub.chain import keys
from offerhub.chain.types import Envelope
from offerhub.core import jobs
from offerhub.core.money import format_amount, from_chain, to_chain
from offerhub.users import services as users
from offerhub.users.models import User, Wallet
from payouts.batches import NewItem, follow, request_batch
from payouts.destinations import Wish
from payouts.models import Batch, BatchItem, BatchPayment, Withdrawal
from tests.http import Api
from tests.payouts.chain import Chain
from tests.world import ACTOR, World

EACH = "100"
_SECOND = timedelta(seconds=1)
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


class Crowd(Chain):
    """Ann, Bob, … with 100 USDC each, and one address outside that can take it."""

    xlm = Asset.native()
    text = staticmethod(to_chain)

    def __init__(self, world: World, api: Api, size: int = 3) -> None:
        super().__init__(world.network)
        self.world, self.api = world, api
        self.outside = self.outsider()
        self.destination = self.outside.public_key
        self.names = [f"u{number}" for number in range(size)]
        self.users = {name: self._new(name) for name in self.names}
        world.settle()
        for name in self.names:
            world.network.mint(self.wallet(name).address, EACH)
        world.watch()

    def _new(self, name: str) -> User:
        new = users.NewUser(name)
        return users.create_user(marketplace_id=self.world.marketplace.id, new=new, actor=ACTOR)[0]

    # --- asking ---------------------------------------------------------------------------
    def item(self, name: str = "u0", amount: str = "10", **more: Any) -> dict[str, Any]:
        """One line of a body."""
        return {"userId": name, "amount": amount, "destination": self.destination, **more}

    def post(self, items: list[dict[str, Any]], *, status: int = 201, **more: Any) -> Any:
        """Through the API, and wait for its end."""
        wait = {"Prefer": "wait=30", **more.pop("headers", {})}
        return self.api.post(
            "/withdrawals/batch", {"items": items, **more}, status=status, headers=wait
        )

    def ask(self, *wishes: Wish) -> Batch:
        """A batch that is checked, each good item's money set aside, and nothing packed yet."""
        tenant = self.world.marketplace.id
        with jobs.held():
            items = [NewItem(wish) for wish in wishes]
            batch = request_batch(marketplace_id=tenant, items=items, actor=ACTOR)
            jobs.step("payouts.batch", batch.id)
        return Batch.objects.get(pk=batch.pk)

    def wish(self, name: str = "u0", amount: int = 100_000_000, **more: Any) -> Wish:
        """Ten USDC of one of them."""
        return Wish(name, amount, more.pop("destination", self.destination), **more)

    def channels(self, number: int) -> None:
        """So many channel accounts, alive."""
        for _ in range(number):
            users.make_managed_wallet(
                marketplace_id=self.world.marketplace.id, kind=Wallet.Kind.CHANNEL
            )
        self.world.settle()

    # --- running ----------------------------------------------------------------------------
    def pack(self) -> list[BatchPayment]:
        """Put what waits into payments, as far as there are channels, and run none."""
        before = set(self.payments().values_list("pk", flat=True))
        for _ in range(10):
            with jobs.held():
                jobs.step("payouts.pack", self.world.marketplace.id)
        return list(self.payments().exclude(pk__in=before))

    def run(self, payment: BatchPayment) -> BatchPayment:
        """Let the runner look once, as if its time had come and a dead runner's lease had ended."""
        due = {"next_attempt_at": Now(), "lease_until": None}
        BatchPayment.objects.filter(pk=payment.pk).update(**due)
        with jobs.held():
            jobs.step("payouts.batch_payment", payment.pk)
        return BatchPayment.objects.get(pk=payment.pk)

    def expire(self, payment: BatchPayment) -> None:
        """Let the network's time pass the envelope's end, with the margin."""
        until = BatchPayment.objects.get(pk=payment.pk).valid_until
        assert until is not None
        self.pass_time(until - self.network_time() + 40 * _SECOND)

    def end(self, batch: Batch) -> Batch:
        """Carry the batch on, now that its items are where they are."""
        with jobs.held():
            follow(batch_id=batch.pk)
        return Batch.objects.get(pk=batch.pk)

    def as_wallet(
        self, wallet: Wallet, add: Callable[[TransactionBuilder], TransactionBuilder]
    ) -> None:
        """One transaction of a wallet of ours that the product did not ask for."""
        server = Server(self.network.url)
        account = server.load_account(wallet.address)
        builder = TransactionBuilder(account, self.passphrase, base_fee=100)
        built = add(builder.add_time_bounds(0, 0)).build()
        envelope = Envelope(built.to_xdr(), built.hash_hex(), wallet.address, _NEVER, 100)
        signed = TransactionBuilder.from_xdr(keys.sign(envelope, wallet), self.passphrase)
        server.submit_transaction(signed, skip_memo_required_check=True)

    @staticmethod
    def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
        """Run the calls on as many threads."""

        def run(call: Callable[[], Any]) -> Any:
            try:
                return call()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    # --- what there is ----------------------------------------------------------------------
    def payments(self) -> Any:
        """The marketplace's transactions of many withdrawals, oldest first."""
        return BatchPayment.objects.filter(marketplace=self.world.marketplace).order_by("pk")

    def items(self, batch: Batch) -> list[BatchItem]:
        """In their order."""
        return list(batch.items.select_related("withdrawal").order_by("position"))

    def statuses(self, batch: Batch) -> list[str]:
        """Of the withdrawals, in order of the items."""
        return [item.withdrawal.status if item.withdrawal else "-" for item in self.items(batch)]

    def wallet(self, name: str) -> Wallet:
        """As it is now."""
        return Wallet.objects.get(user=self.users[name])

    def available(self) -> dict[str, str]:
        """What each of them may use."""
        return {n: self.world.balance(user)["available"] for n, user in self.users.items()}

    def arrived(self, address: str = "") -> str:
        """What the address outside holds."""
        return format_amount(from_chain(self.network.held(address or self.destination)))

    def received(self, address: str = "") -> int:
        """How many payments the address outside received."""
        page = self.horizon(f"accounts/{address or self.destination}/payments", limit="200")
        return sum(r["type"] == "payment" for r in page["_embedded"]["records"])

    def sequences(self, names: Iterable[str] = ()) -> list[str]:
        """How far the users' own accounts have counted their transactions."""
        wallets = [self.wallet(name).address for name in names or self.names]
        return [self.horizon(f"accounts/{address}")["sequence"] for address in wallets]

    def books_are_right(self, *, but: str = "") -> bool:
        """Every invariant holds, books and chain agree (`but` for the fee money of one of them, who
        did something that the product knows nothing of), and what is pending is on its way."""
        tenant = self.world.marketplace.id
        assert violations(marketplace_id=tenant) == []
        self.world.watch()
        own = f"xlm:{self.wallet(but).address}" if but else " "
        assert [line for line in self.world.differences() if not line.startswith(own)] == []
        open_now = Withdrawal.objects.filter(
            marketplace=tenant, status__in=["REQUESTED", "SUBMITTED"]
        )
        held = sum(row.amount for row in open_now)
        pending = [self.world.balance(user)["pendingWithdrawal"] for user in self.users.values()]
        assert sum(from_chain(text) for text in pending) == held
        return True
