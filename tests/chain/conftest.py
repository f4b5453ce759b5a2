"""Wallets of a network and an escrow on it, without any database rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from stellar_sdk import Keypair

from offerhub.chain import keys, stellar, trustless_work
from offerhub.chain.types import ChainFact, Envelope, Verdict
from offerhub.core.money import UNIT
from tests.chain.relay import Relay, running_relay
from tests.deposits.anew import set_clocks_alike
from tests.network import Network
from tests.sandbox.player import Player


@dataclass
class Purse:
    """What a wallet row offers to `keys`."""

    id: str
    marketplace_id: str
    address: str
    sealed_secret: bytes | None
    sealed_by: str


def new_purse(name: str = "wal_1", tenant: str = "mkt_1") -> Purse:
    """A fresh keypair, sealed."""
    pair = Keypair.random()
    sealed, key_id = keys.seal(
        pair.secret, marketplace_id=tenant, wallet_id=name, address=pair.public_key
    )
    return Purse(name, tenant, pair.public_key, sealed, key_id)


def apply(envelope: Envelope, *signers: Purse, send: Any = stellar.submit) -> ChainFact:
    """Sign, send and look up; the envelope must be confirmed."""
    send(keys.sign(envelope, *signers))
    outcome = stellar.look_up(envelope.hash)
    assert outcome.verdict is Verdict.CONFIRMED, outcome
    assert outcome.fact is not None
    return outcome.fact


@dataclass
class Deal:
    """Four live accounts, and contracts between them."""

    network: Network
    platform: Purse
    buyer: Purse
    seller: Purse
    resolver: Purse

    @property
    def roles(self) -> trustless_work.Roles:
        return trustless_work.Roles(
            self.buyer.address, self.seller.address, self.platform.address, self.resolver.address
        )

    def new(self, kind: str, *amounts: int) -> trustless_work.NewEscrow:
        """A contract with a milestone for each amount, in whole USDC; fee 5 %."""
        parts = [trustless_work.Part(f"part {i}", a * UNIT) for i, a in enumerate(amounts)]
        return trustless_work.NewEscrow(kind, "ord_1", "Deal", "A deal", self.roles, 5, parts)

    def deployed(self, kind: str, *amounts: int, funded: bool = False) -> str:
        """The address of a contract on the chain."""
        envelope = trustless_work.deploy(self.buyer.address, self.new(kind, *amounts))
        apply(envelope, self.buyer, send=trustless_work.send)
        contract = str(envelope.meta["contract_id"])
        if funded:
            total = sum(amounts) * UNIT
            fund = trustless_work.fund(kind, contract, self.buyer.address, total)
            apply(fund, self.buyer, send=trustless_work.send)
        return contract


@pytest.fixture
def player(network: Network, committed: None) -> Iterator[Player]:
    """People on the network whom we know nothing of. Its clock is ours, and it has no faults."""
    network.heal()
    set_clocks_alike(network)
    with Player(network.url) as one:
        yield one
    network.heal()


@pytest.fixture
def relay(network: Network) -> Iterator[Relay]:
    """The adapters reach the network through this; it was asked nothing yet."""
    with running_relay(network.url) as server:
        settings.SANDBOX_URL = server.url
        trustless_work.send("")  # so that what the sandbox says of itself is known
        server.asked.clear()
        yield server
    settings.SANDBOX_URL = network.url


@pytest.fixture
def deal(network: Network, player: Player) -> Deal:
    """Everybody alive, the buyer with 1,000 USDC."""
    platform, buyer, seller, resolver = (new_purse(f"wal_{n}") for n in range(4))
    stellar.friendbot(platform.address)
    sequence = stellar.account(platform.address).sequence
    apply(stellar.build_trustline(platform.address, sequence), platform)
    for purse in (buyer, seller, resolver):
        sequence = stellar.account(platform.address).sequence
        envelope = stellar.build_activation(platform.address, sequence, purse.address, 5 * UNIT)
        apply(envelope, platform, purse)
    network.mint(buyer.address, "1000")
    return Deal(network, platform, buyer, seller, resolver)
