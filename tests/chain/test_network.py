"""One bundle a network: nothing of one is ever used with another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from stellar_sdk import Asset, Keypair

from offerhub import networks
from offerhub.chain import network as chain_network
from offerhub.chain.network import (
    WrongNetwork,
    current,
    sandbox_facts,
    token_contract,
    trustless_work_key,
    usdc,
    usdc_contract,
    verify_passphrase,
)
from offerhub.chain.types import ChainUnavailable
from tests.chain.relay import Handler, Relay, Reply
from tests.network import Network, free_port
from tests.sandbox.player import Player


def test_the_sandbox_tells_its_own_issuer_and_key(player: Player) -> None:
    assert current().usdc_issuer == player.issuer
    assert trustless_work_key() == player.health["trustlessWorkApiKey"]
    assert usdc() == Asset("USDC", player.issuer)
    assert usdc_contract() == player.health["usdcContract"]
    assert token_contract("XLM", "") == player.health["nativeContract"]


def test_a_silent_sandbox_holds_up_each_thread_for_its_own_time_and_not_one_after_another(
    relay: Relay,
) -> None:
    """The first to ask must not keep the others from asking: each would wait in turn."""
    together = threading.Barrier(4)

    def silent(handler: Handler) -> None:
        together.wait(5)
        handler.close_connection = True

    relay.by_hand("/control/health", silent)
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(sandbox_facts, f"{relay.url}/new") for _ in range(4)]
    assert [type(one.exception()) for one in asked] == [ChainUnavailable] * 4
    assert not together.broken


def test_a_sandbox_that_is_not_there_says_how_to_start_it(network: Network) -> None:
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    try:
        with pytest.raises(ChainUnavailable, match=r"manage\.py up.*OFFERHUB_SANDBOX_URL"):
            current()
    finally:
        settings.SANDBOX_URL = network.url


def test_something_else_on_the_sandboxs_port_is_not_the_sandbox(
    network: Network, relay: Relay
) -> None:
    relay.instead("/control/health", [1])
    with pytest.raises(ChainUnavailable, match=r"manage\.py up"):
        sandbox_facts(relay.url + "/.")


def test_what_the_sandbox_says_is_asked_once(relay: Relay) -> None:
    for _ in range(3):
        current()
        trustless_work_key()
    assert relay.count("/control/health") == 0


def test_the_right_network_is_taken(player: Player) -> None:
    verify_passphrase()


def _of_another_network(reply: Reply) -> Reply:
    name = networks.MAINNET.passphrase.encode()
    content = reply.content.replace(networks.SANDBOX_PASSPHRASE.encode(), name)
    return Reply(reply.status, reply.headers, content)


def test_another_horizon_fails_closed(relay: Relay) -> None:
    relay.change("/", _of_another_network)
    with pytest.raises(WrongNetwork, match=r"Public Global.*OFFERHUB_NETWORK is sandbox"):
        verify_passphrase()


def test_another_rpc_server_fails_closed(relay: Relay) -> None:
    relay.change("/rpc", _of_another_network)
    with pytest.raises(WrongNetwork, match="/rpc is of the network"):
        verify_passphrase()


@pytest.mark.parametrize("path", ["/", "/rpc"])
def test_a_server_that_does_not_say_is_not_taken(relay: Relay, path: str) -> None:
    relay.instead(path, {})
    with pytest.raises(ChainUnavailable):
        verify_passphrase()


def test_real_networks_have_their_own_contracts(
    monkeypatch: pytest.MonkeyPatch, player: Player
) -> None:
    known = {
        "testnet": "CBIELTK6YBZJU5UP2WWQEUCYKLPU6AUNZ2BQ4WWFEIE3USCIHMXQDAMA",
        "mainnet": "CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75",
    }
    for name, contract in known.items():
        monkeypatch.setattr(settings, "OFFERHUB_NETWORK", name)
        monkeypatch.setattr(settings, "TRUSTLESS_WORK_API_KEY", "id.secret")
        assert usdc_contract() == contract
        assert trustless_work_key() == "id.secret"


def test_a_server_of_ones_own_replaces_only_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "OFFERHUB_NETWORK", "testnet")
    monkeypatch.setattr(settings, "HORIZON_URL", "https://horizon.example/")
    chain_network._real.cache_clear()
    try:
        assert current().horizon_url == "https://horizon.example"
        assert current().passphrase == networks.TESTNET.passphrase
        assert current().usdc_issuer == networks.TESTNET.usdc_issuer
        assert current().rpc_url == networks.TESTNET.rpc_url
    finally:
        chain_network._real.cache_clear()


def test_a_name_that_no_asset_can_have_has_no_contract(player: Player) -> None:
    for code, issuer in [("", "G"), ("a b", Keypair.random().public_key), ("USDC", "GABC")]:
        assert token_contract(code, issuer) == ""
