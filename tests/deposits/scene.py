"""People outside, our wallets, and a go-between that can bend what the network says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from django.conf import settings
from stellar_sdk import Keypair, SorobanServer, TransactionBuilder, scval

from ledger.models import Entry, Posting
from offerhub.core.money import format_amount
from offerhub.deposits import monitor, services
from offerhub.deposits.models import ChainCursor, Deposit, QuarantinedEvent
from offerhub.events.models import Event
from offerhub.users.models import User, Wallet
from tests.sandbox.player import Player
from tests.world import World


class Scene:
    """Ann's wallet is alive and empty; everybody else is a stranger."""

    def __init__(self, world: World) -> None:
        self.world, self.network = world, world.network
        self.ann: User = world.user("ann")
        self.wallet: Wallet = world.wallet(self.ann)
        self.address = self.wallet.address
        self.player = Player(world.network.url)
        self.watch()

    # --- what strangers do ----------------------------------------------------------------
    def pay(self, sender: Keypair, *payments: tuple[str, str], **options: Any) -> str:
        """One transaction with a payment of USDC for each (address, amount); its hash."""
        asset = options.pop("asset", self.player.usdc)
        builder = self.player.builder(sender)
        for address, amount in payments:
            builder.append_payment_op(address, asset, amount)
        return self.send(builder, sender)

    def send(self, builder: TransactionBuilder, *signers: Keypair) -> str:
        """Submit what must succeed; its hash."""
        answer = self.player.submit(builder, *signers)
        assert answer.ok, answer.text
        return str(answer.json()["hash"])

    def token_transfer(self, sender: Keypair, to: str, stroops: int) -> str:
        """A transfer by the token contract of USDC itself; its hash."""
        server = SorobanServer(f"{self.network.url}/rpc")
        builder = self.player.builder(sender)
        builder.append_invoke_contract_function_op(
            self.player.health["usdcContract"],
            "transfer",
            [
                scval.to_address(sender.public_key),
                scval.to_address(to),
                scval.to_int128(stroops),
            ],
        )
        prepared = server.prepare_transaction(builder.build())
        prepared.sign(sender)
        answer = self.player.post_xdr(prepared.to_xdr())
        assert answer.ok, answer.text
        return str(answer.json()["hash"])

    def contract(self) -> str:
        """An address of a contract that nobody knows yet."""
        from stellar_sdk import StrKey

        return str(StrKey.encode_contract(Keypair.random().raw_public_key()))

    # --- what we then have ----------------------------------------------------------------
    def watch(self) -> Any:
        """Let the monitor read everything."""
        return monitor.poll()

    def deposits(self, **filters: Any) -> list[Deposit]:
        """This marketplace's deposits of the scene, oldest first, without its start capital."""
        rows = Deposit.objects.of(self.world.marketplace.id).filter(**filters)
        return list(rows.exclude(reason="platform_capital").order_by("id"))

    def told(self, **filters: Any) -> list[tuple[str, str, str, str]]:
        """Status, reason, asset and amount of each."""
        return [
            (d.status, d.reason, d.asset_code, format_amount(d.amount))
            for d in self.deposits(**filters)
        ]

    def available(self, user: User | None = None) -> str:
        """What the user may spend."""
        return self.world.balance(user or self.ann)["available"]

    def own(self, kind: str) -> Wallet:
        """The marketplace's PLATFORM or RESOLVER wallet."""
        return Wallet.objects.get(marketplace=self.world.marketplace, kind=kind)

    def posted(self, kind: str, owner: str, asset: str = "USDC") -> int:
        """The sum of an account's postings in stroops, debits above zero."""
        rows = Posting.objects.filter(
            marketplace=self.world.marketplace,
            account__kind=kind,
            account__owner=owner,
            asset=asset,
        )
        return sum(row.amount for row in rows)

    def entries(self) -> list[Entry]:
        """The entries of the scene's deposits."""
        return list(Entry.objects.filter(source__in=[d.source for d in self.deposits()]))

    def events(self) -> list[Event]:
        """The events about the scene's deposits."""
        return list(Event.objects.filter(subject__in=[d.id for d in self.deposits()]))

    def quarantined(self) -> list[QuarantinedEvent]:
        """Everything that is set aside on this network."""
        return list(QuarantinedEvent.objects.filter(network=self.cursor.full_name))

    @property
    def cursor(self) -> ChainCursor:
        """How far the network was read."""
        row = services.cursor_row()
        assert row is not None
        return row


Bend = Callable[[str, dict[str, Any]], dict[str, Any] | None]


class _GoBetween(BaseHTTPRequestHandler):
    """Passes every request on; `bend(method, result)` may change an answer of the RPC server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    target: str
    bend: list[Bend]

    def do_GET(self) -> None:
        self._answer(requests.get(self.target + self.path, timeout=30), None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {"Content-Type": self.headers.get("Content-Type", "")}
        answer = requests.post(self.target + self.path, data=body, headers=headers, timeout=30)
        method = json.loads(body).get("method") if self.path == "/rpc" else None
        self._answer(answer, method)

    def _answer(self, answer: requests.Response, method: str | None) -> None:
        content = answer.content
        if method is not None and "result" in answer.json():
            for bend in self.bend:
                reply = answer.json()
                bent = bend(method, reply["result"])
                if bent is not None:
                    content = json.dumps(reply | {"result": bent}).encode()
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read answers, not logs."""


@contextmanager
def bent(network_url: str, *bends: Bend) -> Iterator[str]:
    """The network as seen through a go-between, for as long as the block lasts."""
    handler = type("Handler", (_GoBetween,), {"target": network_url, "bend": list(bends)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings.SANDBOX_URL, before = f"http://127.0.0.1:{server.server_port}", settings.SANDBOX_URL
    try:
        yield settings.SANDBOX_URL
    finally:
        settings.SANDBOX_URL = before
        server.shutdown()
        server.server_close()
        thread.join()
