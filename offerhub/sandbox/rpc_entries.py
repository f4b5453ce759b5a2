"""getLedgerEntries and getLatestLedger: ledger entries and headers as XDR."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox import assets
from offerhub.sandbox.codec import (
    BadValue,
    account_key,
    account_text,
    address_of,
    i64,
    opaque,
    plain,
    sc_address_body,
    sc_bool,
    sc_i128,
    sc_struct,
    sc_symbol,
    u32,
)
from offerhub.sandbox.escrow import to_value
from offerhub.sandbox.ledger import Account, Line
from offerhub.sandbox.network import Network
from offerhub.sandbox.records import PROTOCOL
from offerhub.sandbox.rows import b64
from offerhub.sandbox.rpc_errors import INVALID_PARAMS, RpcError

#: How long entries are said to live: nothing is archived here.
LIFETIME = 3_110_400


def _account(account: Account) -> bytes:
    thresholds = bytes(account.thresholds)
    body = u32(0) + u32(0) + account_key(account.id) + i64(account.balance)
    body += i64(account.sequence) + u32(account.subentries) + u32(0) + u32(account.flags)
    body += opaque(account.home_domain.encode()) + thresholds + u32(len(account.signers))
    for signer in sorted(account.signers, key=lambda item: account_key(item.key)):
        body += u32(0) + account_key(signer.key) + u32(signer.weight)
    v3 = u32(3) + u32(0) + u32(account.seq_ledger) + account.seq_time.to_bytes(8, "big")
    v2 = u32(2) + u32(account.sponsored) + u32(account.sponsoring)
    v2 += u32(len(account.signers)) + u32(0) * len(account.signers)
    return body + u32(1) + i64(0) + i64(0) + v2 + v3


def _line(owner: str, asset: str, line: Line) -> bytes:
    named = assets.sdk_asset(asset).to_trust_line_asset_xdr_object().to_xdr_bytes()
    body = u32(1) + u32(0) + account_key(owner) + named + i64(line.balance) + i64(line.limit)
    return body + u32(line.flags) + u32(0)


def _contract_data(contract: str, key: bytes, value: bytes) -> bytes:
    return u32(6) + u32(0) + sc_address_body(contract) + key + u32(1) + value


def _held(network: Network, contract: str, key: xdr.SCVal) -> bytes:
    """The balance entry of a contract in a token contract."""
    try:
        named = plain(key)
    except BadValue:
        return b""
    asset = network.contracts.tokens.get(contract)
    if asset is None or not isinstance(named, list) or len(named) != 2 or named[0] != "Balance":
        return b""
    holder = str(named[1])
    if f"{holder}|{asset}" not in network.ledger.tokens:
        return b""
    issuer = network.ledger.accounts.get(assets.issuer_of(asset))
    fields = {
        "amount": sc_i128(network.ledger.token(holder, asset)),
        "authorized": sc_bool(True),
        "clawback": sc_bool(bool(issuer and issuer.flags & 8)),
    }
    return _contract_data(contract, key.to_xdr_bytes(), sc_struct(fields))


def _instance(network: Network, contract: str, key: xdr.SCVal) -> bytes:
    """A contract's instance: native token executable, or the escrow's code and state."""
    escrow = network.ledger.escrows.get(contract)
    if contract in network.contracts.tokens:
        value = u32(19) + u32(1) + u32(0)
    elif escrow is not None:
        stored = u32(1) + u32(1) + sc_symbol("Escrow") + to_value(escrow)
        value = u32(19) + u32(0) + network.keys.wasm_hash + stored
    else:
        return b""
    return _contract_data(contract, key.to_xdr_bytes(), value)


def _data(network: Network, key: xdr.LedgerKeyContractData) -> tuple[bytes, int]:
    contract = address_of(key.contract)
    if key.key.type == xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE:
        return _instance(network, contract, key.key), LIFETIME
    return _held(network, contract, key.key), LIFETIME


def entry(network: Network, text: str) -> dict[str, Any] | None:
    """One entry by its base64 key, or None when the ledger has none."""
    try:
        key = xdr.LedgerKey.from_xdr(text)
    except Exception as problem:
        raise RpcError(INVALID_PARAMS, f"cannot unmarshal key value {text}") from problem
    body, modified, lifetime = b"", network.sequence, 0
    if key.account is not None:
        account = network.ledger.accounts.get(_owner(key.account.account_id))
        if account is not None:
            body, modified = _account(account), account.modified
    elif key.trust_line is not None:
        body, modified = _trust_line(network, key.trust_line)
    elif key.contract_data is not None:
        body, lifetime = _data(network, key.contract_data)
    if not body:
        return None
    found = {"key": text, "xdr": b64(body), "lastModifiedLedgerSeq": modified, "extXdr": "AAAAAA=="}
    if lifetime:
        found["liveUntilLedgerSeq"] = network.sequence + lifetime
    return found


def _owner(account: xdr.AccountID) -> str:
    key = account.account_id.ed25519
    return account_text(key.uint256) if key is not None else ""


def _trust_line(network: Network, key: xdr.LedgerKeyTrustLine) -> tuple[bytes, int]:
    owner = _owner(key.account_id)
    account = network.ledger.accounts.get(owner)
    try:
        asset = assets.text(key.asset)
    except ValueError:
        return b"", 0
    line = account.lines.get(asset) if account is not None else None
    return (_line(owner, asset, line), line.modified) if line is not None else (b"", 0)


def header(sequence: int, closed_at: int, digest: bytes) -> tuple[str, str]:
    """The XDR of a LedgerHeader and of a LedgerCloseMeta around it, as base64."""
    value = bytes(32) + closed_at.to_bytes(8, "big") + u32(0) + u32(0)
    body = u32(PROTOCOL) + hashlib.sha256(digest).digest() + value + bytes(64) + u32(sequence)
    body += i64(50_000_000_000 * assets.ONE) + i64(0) + u32(0) + bytes(8) + u32(100)
    body += u32(5_000_000) + u32(1000) + bytes(128) + u32(0)
    entry = digest + body + u32(0)
    meta = u32(0) + entry + bytes(32) + u32(0) * 4
    return b64(body), base64.b64encode(meta).decode()
