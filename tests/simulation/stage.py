"""One run's installation: an empty database, a new network, one marketplace and its users.

What happens to it is told to `tell`, which makes the run's record: no id, address or instant gets
in, so that the same seed gives the same record.
"""

import hashlib
import json
import random
import re
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from stellar_sdk import Keypair

from offerhub.api import authentication
from offerhub.chain import http
from offerhub.chain import network as chain_network
from offerhub.core import clock, jobs
from offerhub.core.actor import system
from offerhub.deposits import monitor
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.scopes import Scope
from offerhub.sandbox import friendbot
from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.assets import decimal_text, sdk_asset
from offerhub.sandbox.network import Options
from offerhub.users import services as users
from offerhub.users.models import Wallet
from tests.simulation.clock import CLOCK
from tests.simulation.death import Death
from tests.simulation.facts import Facts
from tests.simulation.model import Model
from tests.simulation.wire import Wire

URL = "http://sandbox.invalid"
ACTOR = system("simulation")
USERS = ("ann", "bob", "cleo", "dan")
PUBLIC_ID = re.compile(r"\b[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}\b")


class Terms:
    """What a run is like, drawn from its seed."""

    def __init__(self, rng: random.Random) -> None:
        self.fee_percent = rng.choice([0, 0, 1, 5, 10])
        self.vendor_bps = rng.choice([0, 0, 30])
        self.faults = rng.choice([0.0, 0.02, 0.08, 0.2])
        self.deaths = rng.choice([0.0, 0.01, 0.05])
        self.lost_rings = rng.choice([0.0, 0.1, 0.5])
        self.skew = rng.choice([0.0, 0.0, -90.0, 90.0])


class Stage:
    """The product, its network, and what the simulator knows of both."""

    def __init__(self, seed: str, wire: Wire, death: Death) -> None:
        self.rng = random.Random(seed)  # noqa: S311 (chance that can be repeated is the point)
        self.terms = Terms(self.rng)
        self.wire, self.death = wire, death
        self.record = hashlib.sha256()
        self.lines: list[str] = []
        self.names: dict[str, str] = {}
        self.rings: list[jobs.Ring] = []
        self.problems: list[str] = []
        self.trouble: Exception | None = None
        self.disputes: list[tuple[str, str, list[str]]] = []  # id, order, milestones
        self.raging = False
        self.operations = 0
        self._keys = 0
        self._seed = seed
        self._begin()

    # --- the record -----------------------------------------------------------------------------
    def tell(self, line: str) -> None:
        """Write down what happened; ids by the order in which they were first told."""
        line = PUBLIC_ID.sub(lambda found: self.name(found.group()), line)
        self.record.update(line.encode() + b"\n")
        self.lines.append(line)

    def name(self, identifier: str) -> str:
        """The same name for the same thing in every run of the seed."""
        kind = identifier[:3]
        count = sum(1 for name in self.names.values() if name.startswith(kind))
        return self.names.setdefault(identifier, f"{kind}{count + 1}")

    def wrong(self, what: str) -> None:
        """Something that must not be."""
        self.tell(f"WRONG {what}")
        if self.lines[-1][6:] not in self.problems:
            self.problems.append(self.lines[-1][6:])

    # --- making it ------------------------------------------------------------------------------
    def _begin(self) -> None:
        random.seed(self._seed)  # the product spreads its appointments by chance
        CLOCK.begin()
        CLOCK.tell()
        # Every network is another one, so that nothing this process remembers of the last fits.
        self.sandbox = Sandbox(
            Options(seed=self._seed, protocol_fee_bps=self.terms.vendor_bps, patience=1.0)
        )
        self.wire.sandbox, self.wire.ratio, self.wire.deaths = self.sandbox, 0.0, 0.0
        self.wire.tell, self.wire.rng = self.tell, self.rng
        self.death.rng, self.death.at_points = self.rng, 0.0
        Keypair.random = staticmethod(self.keypair)  # type: ignore[method-assign]
        http._pool = self.wire  # type: ignore[assignment]
        jobs._send = self.heard
        settings.SANDBOX_URL, settings.API_WAITERS = URL, 0
        chain_network.forget()
        self.forget()
        authentication.forget()
        self.facts = Facts(self.sandbox)
        self._marketplace()
        self.client = Client(raise_request_exception=True, SERVER_NAME="localhost")
        self.calm()

    def keypair(self) -> Keypair:
        """The next of this run's keys: the same for the same seed."""
        self._keys += 1
        raw = hashlib.sha256(f"{self._seed} {self._keys}".encode()).digest()
        return Keypair.from_raw_ed25519_seed(raw)

    def _marketplace(self) -> None:
        row = marketplaces.create_marketplace(
            name="Simulated", platform_fee_percent=self.terms.fee_percent, actor=ACTOR
        )
        self.marketplace = row.id
        with jobs.held():
            users.make_own_wallets(marketplace_id=row.id)
        new = marketplaces.create_api_key(
            marketplace_id=row.id, name="simulation", scopes=tuple(Scope), actor=ACTOR
        )
        self.token = new.token
        platform = Wallet.objects.get(marketplace=row, kind=Wallet.Kind.PLATFORM).address
        self.model = Model(
            platform,
            self.sandbox.network.contracts.fee_address,
            self.terms.fee_percent * 100,
            self.terms.vendor_bps,
        )
        monitor.poll()
        self.targets = [self._stranger() for _ in range(2)]

    def _stranger(self) -> str:
        """The address of somebody outside who can receive USDC."""
        keypair, network = self.keypair(), self.sandbox.network
        friendbot.fund(network, keypair.public_key)
        builder = network.builder(keypair)
        builder.append_change_trust_op(sdk_asset(network.usdc))
        network.play(builder, keypair)
        return str(keypair.public_key)

    def forget(self) -> None:
        """What a process knows is gone with it."""
        monitor.forget()
        clock._cached = (-1.0, clock._cached[1])

    # --- its ways -------------------------------------------------------------------------------
    def rage(self) -> None:
        """From now on things go wrong, as often as this run's terms say."""
        self.raging = True
        self.wire.ratio, self.wire.deaths = self.terms.faults, self.terms.deaths / 4
        self.death.at_points = self.terms.deaths
        CLOCK.skew = self.terms.skew

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.raging = False
        self.wire.ratio = self.wire.deaths = self.death.at_points = CLOCK.skew = 0.0
        self.sandbox.faults.clear()

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """One request to the API: status and decoded body."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        data = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else "application/json"
        url = f"/api/v1{path}"
        answer = self.client.generic(method, url, data, content_type=kind, headers=headers)
        self.operations += 1
        return answer.status_code, answer.json() if answer.content else None

    def heard(self, rings: list[jobs.Ring]) -> None:
        """Rings on their way to a worker; some are lost."""
        for ring in rings:
            if not self.raging or self.rng.random() >= self.terms.lost_rings:
                self.rings.append(ring)

    # --- the network, past the product ----------------------------------------------------------
    def mint(self, address: str, amount: int) -> None:
        """USDC from its issuer, by a payment or into a contract."""
        network = self.sandbox.network
        issuer = network.keys.keypair("issuer")
        if address.startswith("C"):
            outcome = friendbot.transfer(network, network.usdc, issuer, address, amount)
        else:
            self.pay([(address, amount)])
            return
        assert outcome.tx is not None and outcome.tx.successful

    def pay(self, payments: list[tuple[str, int]]) -> None:
        """USDC from its issuer to wallets, all in one transaction."""
        network = self.sandbox.network
        issuer = network.keys.keypair("issuer")
        builder = network.builder(issuer)
        for address, amount in payments:
            builder.append_payment_op(address, sdk_asset(network.usdc), decimal_text(amount))
        outcome = network.play(builder, issuer)
        assert outcome.tx is not None and outcome.tx.successful

    def birth(self, contract: str) -> str:
        """A contract's place among all, by its order."""
        return self.sandbox.network.ledger.escrows[contract].engagement_id

    def look(self) -> None:
        """Let the model see what the network shows by now."""
        for contract, escrow in self.sandbox.network.ledger.escrows.items():
            if escrow.engagement_id in self.model.orders:
                self.model.escrow(escrow.engagement_id, contract)
        self.model.see(self.facts.new())

    def close(self) -> None:
        """Nothing of the run goes on."""
        self.sandbox.network.store.close()
        connection.close()
