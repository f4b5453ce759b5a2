"""What addresses hold, straight from the ledger's entries: for comparing the books with the chain.

Two hundred accounts or contracts cost one request, and nobody's index is in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stellar_sdk import Address, Keypair, scval, xdr

from offerhub.chain import http, rpc
from offerhub.chain.network import usdc, usdc_contract

MOST = 200  # entries that one request may ask for


@dataclass(frozen=True)
class Holding:
    """USDC in stroops as of a closed ledger; an address without an entry holds 0."""

    amount: int
    ledger: int


def balances(addresses: Iterable[str]) -> dict[str, Holding]:
    """USDC of accounts (G…) and contracts (C…). Raises ChainUnavailable.

    Up to MOST addresses are of one and the same ledger; of more, each has the ledger of its part.
    """
    wanted = list(dict.fromkeys(addresses))
    found: dict[str, Holding] = {}
    for start in range(0, len(wanted), MOST):
        found |= _read({_key(address): address for address in wanted[start : start + MOST]})
    return found


def contract_balance(contract: str) -> int:
    """What a contract holds now, in stroops. Raises ChainUnavailable."""
    return balances([contract])[contract].amount


def _read(keys: dict[str, str]) -> dict[str, Holding]:
    result = rpc.call("getLedgerEntries", {"keys": list(keys)})
    with http.in_known_shape("RPC's ledger entries"):
        ledger = int(result["latestLedger"])
        held = {address: Holding(0, ledger) for address in keys.values()}
        for entry in result["entries"] or []:
            held[keys[entry["key"]]] = Holding(_amount(entry), ledger)
        return held


def _amount(entry: dict[str, Any]) -> int:
    data = xdr.LedgerEntryData.from_xdr(entry["xdr"])
    if data.trust_line is not None:
        return data.trust_line.balance.int64
    assert data.contract_data is not None
    value = scval.to_native(data.contract_data.val)
    if not isinstance(value, dict):
        raise ValueError("not a balance entry")
    return int(value["amount"])


def _key(address: str) -> str:
    """The ledger key of a USDC balance: an account's trustline, or the token's own record."""
    if address.startswith("C"):
        data = xdr.LedgerKeyContractData(
            Address(usdc_contract()).to_xdr_sc_address(),
            scval.to_vec([scval.to_symbol("Balance"), scval.to_address(address)]),
            xdr.ContractDataDurability.PERSISTENT,
        )
        return xdr.LedgerKey(xdr.LedgerEntryType.CONTRACT_DATA, contract_data=data).to_xdr()
    line = xdr.LedgerKeyTrustLine(
        Keypair.from_public_key(address).xdr_account_id(),
        usdc().to_trust_line_asset_xdr_object(),
    )
    return xdr.LedgerKey(xdr.LedgerEntryType.TRUSTLINE, trust_line=line).to_xdr()
