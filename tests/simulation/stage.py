"""One run's installation: an empty database, a new network, one marketplace and its users.

What happens to it is told to `tell`, which makes the run's record: no id, address or instant gets
in, so that the same seed gives the same record.
"""

import hashlib
import json
import logging
import random
import re
from collections import Counter
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from stellar_sdk import Keypair, TransactionBuilder

from offerhub.api import authentication, waiting
from offerhub.chain import http
from offerhub.chain import network as chain_network
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor, ActorKind, system
from offerhub.deposits import monitor
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import StaffUser
from offerhub.marketplaces.scopes import Scope
from offerhub.sandbox import friendbot
from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.assets import decimal_text, sdk_asset
from offerhub.sandbox.options import Options
from offerhub.users import services as users
from offerhub.users.models import Wallet
from tests.simulation import inline
from tests.simulation.clock import CLOCK
from tests.simulation.death import Death
from tests.simulation.facts import Facts
from tests.simulation.model import Model
from tests.simulation.terms import Proposed, Terms
from tests.simulation.wire import Wire

URL = "http://sandbox.invalid"
ACTOR = system("simulation")
USERS = ("ann", "bob", "cleo", "dan")
PARTY = "eli"  # sells, and signs every step of it
PUBLIC_ID = re.compile(r"\b[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}\b")


class Stage:
    """The product, its network, and what the simulator knows of both."""

    def __init__(self, seed: str, wire: Wire, death: Death) -> None:
        self.rng = random.Random(seed)  # noqa: S311 (chance that can be repeated is the point)
        self.terms = Terms(self.rng)
        self.wire, self.death = wire, death
        self.record = hashlib.sha256()
        self.lines: list[str] = []
        self.names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self.rings: list[jobs.Ring] = []
        self.problems: list[str] = []
        self.trouble: BaseException | None = None
        self.disputes: list[tuple[str, str, list[str]]] = []  # id, order, milestones
        self.proposals: dict[str, Proposed] = {}
        self.batches: dict[str, Any] = {}  # id → the items that were asked for
        self.secrets = re.compile(r"\bS[A-Z2-7]{55}\b")  # and the keys of this run's servers
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
        if identifier not in self.names:
            kind = identifier[:3]
            self._counts[kind] += 1
            self.names[identifier] = f"{kind}{self._counts[kind]}"
        return self.names[identifier]

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
        settings.SANDBOX_URL, settings.API_WAITERS = URL, self.terms.waiters
        limit = str(self.terms.approve_over)
        settings.WITHDRAWAL_APPROVAL_THRESHOLD = limit
        settings.DISPUTE_APPROVAL_THRESHOLD = limit if self.terms.approve_over else ""
        settings.DISPUTE_APPROVAL_ORDER_SUM = settings.DISPUTE_APPROVAL_DAY_SUM = ""
        settings.CLAIM_LOOKS_PER_MINUTE = settings.CLAIM_LOOK_MINUTES = 60
        chain_network.forget()
        self.forget()
        authentication.forget()
        for handler in logging.getLogger().handlers:
            vars(handler)["stream"] = inline.Log(self)
        self.facts = Facts(self.sandbox)
        self._marketplace()
        inline.install(self)
        self.client = Client(raise_request_exception=True, SERVER_NAME="localhost")
        self.calm()

    def keypair(self) -> Keypair:
        """The next of this run's keys: the same for the same seed."""
        self._keys += 1
        raw = hashlib.sha256(f"{self._seed} {self._keys}".encode()).digest()
        return Keypair.from_raw_ed25519_seed(raw)

    def _marketplace(self) -> None:
        self.marketplace, self.token = self._tenant("Simulated")
        self.other, self.other_token = self._tenant("Another")
        self.secrets = re.compile(
            "|".join([r"\bS[A-Z2-7]{55}\b", re.escape(self.token), re.escape(self.other_token)])
        )
        rows = Wallet.objects.filter(kind=Wallet.Kind.PLATFORM)
        self.platform = rows.get(marketplace=self.marketplace).address
        vendor = self.sandbox.network.contracts.fee_address
        self.model = Model(self.platform, vendor, self.terms.vendor_bps)
        self.staff = [self._person(name) for name in ("eva", "finn")]
        monitor.poll()
        self.targets = [str(self._stranger().public_key) for _ in range(2)]
        self.giver = self._stranger()  # who sets money aside for users
        self.pay([(self.giver.public_key, 10**13)])
        self.party = self._stranger()  # a seller who holds their own key

    def _tenant(self, name: str) -> tuple[str, str]:
        """A marketplace with wallets, by the terms of this run, and its server's key."""
        row = marketplaces.create_marketplace(
            name=name, platform_fee_percent=self.terms.fee_percent, actor=ACTOR
        )
        marketplaces.update_marketplace(
            marketplace_id=row.id,
            name=name,
            platform_fee_percent=self.terms.fee_percent,
            max_platform_fee_percent=self.terms.highest_percent,
            refund_fees_borne_by="MARKETPLACE" if self.terms.whole_refunds else "BUYER",
            release_policy=None,
            actor=ACTOR,
        )
        with jobs.held():
            users.make_own_wallets(marketplace_id=row.id)
        new = marketplaces.create_api_key(
            marketplace_id=row.id, name="simulation", scopes=tuple(Scope), actor=ACTOR
        )
        return row.id, new.token

    @staticmethod
    def _person(name: str) -> Actor:
        """Somebody of the desk; passwords are not what is played here."""
        person = StaffUser.objects.create(username=name, is_staff=True)
        return Actor(ActorKind.STAFF, person.public_id)

    def _stranger(self) -> Keypair:
        """Somebody outside who can receive USDC."""
        keypair, network = self.keypair(), self.sandbox.network
        friendbot.fund(network, keypair.public_key)
        builder = network.builder(keypair)
        builder.append_change_trust_op(sdk_asset(network.usdc))
        self.play(builder, keypair)
        return keypair

    def forget(self) -> None:
        """What a process knows is gone with it."""
        monitor.forget()
        clock._cached = (-1.0, clock._cached[1])
        jobs._slots = waiting._slots = None

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

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        prefer: str = "",
        token: str = "",
    ) -> tuple[int, Any]:
        """One request to the API: status and decoded body. No secret is in any answer (I11)."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"Prefer": prefer} if prefer else {}
        data = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else "application/json"
        url = f"/api/v1{path}"
        answer = self.client.generic(method, url, data, content_type=kind, headers=headers)
        self.operations += 1
        text = answer.content.decode()
        if self.secrets.search(text):
            self.wrong(f"{method} {path} answered a secret")
        return answer.status_code, json.loads(text) if text else None

    def pass_time(self, seconds: int) -> None:
        """The sandbox's clock is turned on, and the monitor hears of it undisturbed: an outage that
        is longer than events are kept has tests of its own (tests/deposits/test_gaps.py)."""
        kept, self.wire.ratio = self.wire.ratio, 0.0
        deaths, self.wire.deaths = self.wire.deaths, 0.0
        points, self.death.at_points = self.death.at_points, 0.0
        self.sandbox.faults.clear()
        for part in (0, seconds):
            if part:
                self.sandbox.network.advance(part)
            while monitor.poll().looked_at:
                pass
        self.wire.ratio, self.wire.deaths, self.death.at_points = kept, deaths, points

    def now(self) -> float:
        """The product's instant, as its database tells it."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM offerhub_now())")
            return float(cursor.fetchone()[0])

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
        self.play(builder, issuer)

    def play(self, builder: TransactionBuilder, keypair: Keypair) -> None:
        """A transaction of somebody outside, which the network takes."""
        outcome = self.sandbox.network.play(builder, keypair)
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
