"""What addresses hold, from the ledger's entries: exact, and many at once."""

from typing import Any

import pytest

from offerhub.chain import stellar
from offerhub.chain.terms import SINGLE
from offerhub.chain.types import ChainUnavailable
from offerhub.core.money import UNIT
from tests.chain.conftest import Deal, new_purse
from tests.chain.relay import Relay
from tests.network import Network


def test_accounts_and_contracts_are_read_together(deal: Deal) -> None:
    contract = deal.deployed(SINGLE, 100, funded=True)
    nobody, empty = new_purse().address, deal.deployed(SINGLE, 5)
    deal.network.mint(deal.seller.address, "0.0000001")
    wanted = [contract, deal.buyer.address, deal.seller.address, nobody, empty]
    found = stellar.balances(wanted)
    assert [found[address].amount for address in wanted] == [100 * UNIT, 900 * UNIT, 1, 0, 0]
    assert {holding.ledger for holding in found.values()} == {stellar.latest_ledger()[0]}
    assert stellar.contract_balance(contract) == 100 * UNIT


def test_two_hundred_addresses_are_one_request(deal: Deal, relay: Relay) -> None:
    addresses = [new_purse().address for _ in range(201)]
    relay.asked.clear()
    assert len(stellar.balances(addresses + addresses)) == 201
    assert relay.count("/rpc") == 2
    assert stellar.balances([]) == {}


@pytest.mark.parametrize(
    "result",
    [None, {}, {"entries": [{}], "latestLedger": 5}, {"entries": None}, {"latestLedger": "x"},
     {"entries": [{"key": "AAAA", "xdr": "AAAA"}], "latestLedger": 5}],
    ids=str,
)  # fmt: skip
def test_an_answer_of_another_shape_is_no_empty_account(
    deal: Deal, relay: Relay, result: Any
) -> None:
    relay.instead("/rpc", {"result": result})
    with pytest.raises(ChainUnavailable):
        stellar.balances([deal.buyer.address])


def test_a_server_that_is_away_is_no_empty_account(network: Network, deal: Deal) -> None:
    network.fault("503", "/rpc")
    with pytest.raises(ChainUnavailable):
        stellar.balances([deal.buyer.address])
