"""Parties that hold their own keys, and what they do with the envelopes that they are handed."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from stellar_sdk import Keypair, TransactionEnvelope

from ledger.invariants import violations
from offerhub.chain.submission import LIVE
from offerhub.core import clock
from offerhub.deposits import monitor
from offerhub.users import services as users
from offerhub.users.models import User
from orders.models import EscrowOperation
from tests.http import Api
from tests.sandbox.player import Player
from tests.world import ACTOR, World


class Market:
    """Its users, its orders, and the books beside the chain."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        self.player = Player(world.network.url)
        self.keys: dict[str, Keypair] = {}

    def party(self, name: str, usdc: str = "") -> User:
        """A user who holds their own key, with USDC on their wallet."""
        self.keys[name] = self.player.person(usdc)
        new = users.NewUser(name, public_key=self.keys[name].public_key)
        user, _ = users.create_user(marketplace_id=self.world.marketplace.id, new=new, actor=ACTOR)
        return user

    def sign(self, envelope: str, name: str, passphrase: str = "") -> str:
        """The envelope with one signature of theirs."""
        parsed = TransactionEnvelope.from_xdr(envelope, passphrase or self.player.passphrase)
        parsed.signatures.append(self.keys[name].sign_decorated(parsed.hash()))
        return parsed.to_xdr()

    def operation(self, order: str) -> EscrowOperation:
        """The newest call to the order's contract."""
        return EscrowOperation.objects.filter(order=order).order_by("-id")[0]

    def asked(self, order: str, name: str) -> Any:
        """The operation that waits for this party's signature, as the API shows it."""
        operation = self.api.get(f"/operations/{self.operation(order).id}")
        assert operation["status"] == "AWAITING_SIGNATURE", operation
        assert operation["nextStep"] == "SIGN"
        assert operation["signer"]["address"] == self.keys[name].public_key
        assert operation["networkPassphrase"] == self.player.passphrase
        return operation

    def signs(self, order: str, name: str, kind: str, *, status: int = 200) -> Any:
        """They sign what they are asked for, and it is handed in."""
        operation = self.asked(order, name)
        assert operation["kind"] == kind
        body = {"signedXdr": self.sign(operation["unsignedXdr"], name)}
        path = f"/operations/{operation['id']}/signature"
        return self.api.post(path, body, status=status)

    def sends_it_alone(self, order: str, name: str) -> str:
        """They sign it and submit it without us; its hash."""
        signed = self.sign(self.asked(order, name)["unsignedXdr"], name)
        answer = self.player.post_xdr(signed)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["hash"])

    def order(self, buyer: str, seller: str, amount: Any = 100, **more: Any) -> Any:
        """An order, reserved, whose contract is on the chain; the order."""
        sale = {"buyerId": buyer, "sellerId": seller, "amount": amount, **more}
        order = self.api.post("/orders", sale, status=201)
        self.api.post(f"/orders/{order['id']}/reserve")
        self.api.post("/escrow", {"orderId": order["id"]}, status=201)
        return self.api.get(f"/orders/{order['id']}")

    def funded(self, buyer: str, seller: str, amount: Any = 100, **more: Any) -> str:
        """An order in progress, funded by whoever buys; its id."""
        order = self.order(buyer, seller, amount, **more)
        path, theirs = f"/escrow/{order['escrowId']}/fund", buyer in self.keys
        self.api.post(path, status=202 if theirs else 200)
        if theirs:
            self.signs(order["id"], buyer, "FUND")
        return str(order["id"])

    def advance(self, duration: str) -> None:
        """Move the time of network and product."""
        self.world.network.advance(duration)
        offset = self.world.network.control("clock")["offset"]
        clock.set_offset(timedelta(seconds=offset))

    def look(self) -> None:
        """Everything that is live is due, and looked at once."""
        live = EscrowOperation.objects.filter(
            order__marketplace=self.world.marketplace, status__in=LIVE
        )
        live.update(next_attempt_at=Now())
        self.world.work()

    def held(self, name: str) -> str:
        """What a party's own wallet holds on the chain."""
        return self.world.network.held(self.keys[name].public_key)

    def assert_sound(self) -> None:
        """Books and chain agree, and the books with themselves."""
        monitor.poll()
        assert self.world.differences() == []
        assert violations(self.world.marketplace.id) == []
