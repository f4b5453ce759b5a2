"""What addresses hold, straight from the ledger's entries: for comparing the books with the chain.

Two hundred accounts or contracts cost one request, and nobody's index is in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stellar_sdk import Address, Asset, Keypair, scval, xdr

from offerhub.chain import http, rpc
from offerhub.chain.network import current, token_contract, usdc

MOST = 200  # entries that one request may ask for
Held = tuple[str, str]  # an address, and the name of an asset


@dataclass(frozen=True)
class Holding:
    """An amount in stroops as of a closed ledger; an address without an entry holds 0."""

    amount: int
    ledger: int


def balances(addresses: Iterable[str]) -> dict[str, Holding]:
    """USDC of accounts (G…) and contracts (C…). Raises ChainUnavailable.

    Up to MOST addresses are of one and the same ledger; of more, each has the ledger of its part.
    """
    found = assets((address, current().asset_code) for address in addresses)
    return {address: holding for (address, _), holding in found.items()}


def assets(wanted: Iterable[Held]) -> dict[Held, Holding]:
    """The same of any asset: an address and the asset's name as the books write it, which is
    "USDC", "XLM" (an account's own, reserves and all), or "CODE:ISSUER"."""
    every = list(dict.fromkeys(wanted))
    found: dict[Held, Holding] = {}
    for start in range(0, len(every), MOST):
        found |= _read({_key(*held): held for held in every[start : start + MOST]})
    return found


def contract_balance(contract: str) -> int:
    """What a contract holds now, in stroops. Raises ChainUnavailable."""
    return balances([contract])[contract].amount


def _read(keys: dict[str, Held]) -> dict[Held, Holding]:
    result = rpc.call("getLedgerEntries", {"keys": list(keys)})
    with http.in_known_shape("RPC's ledger entries"):
        ledger = int(result["latestLedger"])
        found = {held: Holding(0, ledger) for held in keys.values()}
        for entry in result["entries"] or []:
            found[keys[entry["key"]]] = Holding(_amount(entry), ledger)
        return found


def _amount(entry: dict[str, Any]) -> int:
    data = xdr.LedgerEntryData.from_xdr(entry["xdr"])
    if data.trust_line is not None:
        return data.trust_line.balance.int64
    if data.account is not None:
        return data.account.balance.int64
    assert data.contract_data is not None
    value = scval.to_native(data.contract_data.val)
    if not isinstance(value, dict):
        raise ValueError("not a balance entry")
    return int(value["amount"])


def _key(address: str, name: str) -> str:
    """The ledger key of a balance: an account itself, its trustline, or the token's own record."""
    asset = _asset(name)
    if address.startswith("C"):
        issuer = "" if asset.is_native() else str(asset.issuer)
        data = xdr.LedgerKeyContractData(
            Address(token_contract(asset.code, issuer)).to_xdr_sc_address(),
            scval.to_vec([scval.to_symbol("Balance"), scval.to_address(address)]),
            xdr.ContractDataDurability.PERSISTENT,
        )
        return xdr.LedgerKey(xdr.LedgerEntryType.CONTRACT_DATA, contract_data=data).to_xdr()
    owner = Keypair.from_public_key(address).xdr_account_id()
    if asset.is_native():
        return xdr.LedgerKey(
            xdr.LedgerEntryType.ACCOUNT, account=xdr.LedgerKeyAccount(owner)
        ).to_xdr()
    line = xdr.LedgerKeyTrustLine(owner, asset.to_trust_line_asset_xdr_object())
    return xdr.LedgerKey(xdr.LedgerEntryType.TRUSTLINE, trust_line=line).to_xdr()


def _asset(name: str) -> Asset:
    if name == current().asset_code:
        return usdc()
    code, _, issuer = name.partition(":")
    return Asset(code, issuer) if issuer else Asset.native()
