"""Horizon's JSON, field by field. Numbers that may be large are text, as in the real one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from offerhub.sandbox import assets, envelope
from offerhub.sandbox.clock import iso
from offerhub.sandbox.ledger import BASE_FEE, BASE_RESERVE, LINE_CLAWBACK, Account, Line
from offerhub.sandbox.rows import EFFECTS, Page, StoredOp, StoredTx
from offerhub.sandbox.slices import parameters

if TYPE_CHECKING:
    from offerhub.sandbox.network import Network
    from offerhub.sandbox.web import Request

PROTOCOL = 23


def base(request: Request) -> str:
    """The address under which the client reached us; links start with it."""
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def _link(href: str, templated: bool = False) -> dict[str, Any]:
    return {"href": href, "templated": True} if templated else {"href": href}


def root(network: Network, latest: int, closed_at: int) -> dict[str, Any]:
    """GET /"""
    return {
        "_links": {"self": _link("/")},
        "horizon_version": "sandbox",
        "core_version": "sandbox",
        "ingest_latest_ledger": latest,
        "history_latest_ledger": latest,
        "history_latest_ledger_closed_at": iso(closed_at),
        "history_elder_ledger": 1,
        "core_latest_ledger": network.sequence,
        "network_passphrase": network.options.passphrase,
        "current_protocol_version": PROTOCOL,
        "supported_protocol_version": PROTOCOL,
        "core_supported_protocol_version": PROTOCOL,
    }


def _balance(asset: str, line: Line) -> dict[str, Any]:
    record: dict[str, Any] = {
        "balance": assets.decimal_text(line.balance),
        "limit": assets.decimal_text(line.limit),
        "buying_liabilities": "0.0000000",
        "selling_liabilities": "0.0000000",
        "last_modified_ledger": line.modified,
        "is_authorized": line.authorized,
        "is_authorized_to_maintain_liabilities": line.authorized,
        "is_clawback_enabled": bool(line.flags & LINE_CLAWBACK),
        **assets.fields(asset),
    }
    if line.sponsor:
        record["sponsor"] = line.sponsor
    return record


def _account_links(own: str) -> dict[str, Any]:
    paging = "{?cursor,limit,order}"
    return {
        "self": _link(own),
        "transactions": _link(f"{own}/transactions{paging}", True),
        "operations": _link(f"{own}/operations{paging}", True),
        "payments": _link(f"{own}/payments{paging}", True),
        "effects": _link(f"{own}/effects{paging}", True),
        "offers": _link(f"{own}/offers{paging}", True),
        "trades": _link(f"{own}/trades{paging}", True),
        "data": _link(f"{own}/data/{{key}}", True),
    }


def account(entry: Account, base: str, modified_time: int) -> dict[str, Any]:
    """GET /accounts/{G}"""
    master, low, medium, high = entry.thresholds
    signers = [{"weight": s.weight, "key": s.key, "type": "ed25519_public_key"}
               for s in entry.signers]  # fmt: skip
    signers.append({"weight": master, "key": entry.id, "type": "ed25519_public_key"})
    native = {
        "balance": assets.decimal_text(entry.balance),
        "buying_liabilities": "0.0000000",
        "selling_liabilities": "0.0000000",
        "asset_type": "native",
    }
    record: dict[str, Any] = {
        "_links": _account_links(f"{base}/accounts/{entry.id}"),
        "id": entry.id,
        "account_id": entry.id,
        "sequence": str(entry.sequence),
        "sequence_ledger": entry.seq_ledger,
        "sequence_time": str(entry.seq_time),
        "subentry_count": entry.subentries,
        "last_modified_ledger": entry.modified,
        "last_modified_time": iso(modified_time),
        "thresholds": {"low_threshold": low, "med_threshold": medium, "high_threshold": high},
        "flags": {
            "auth_required": bool(entry.flags & 1),
            "auth_revocable": bool(entry.flags & 2),
            "auth_immutable": bool(entry.flags & 4),
            "auth_clawback_enabled": bool(entry.flags & 8),
        },
        "balances": [*(_balance(asset, line) for asset, line in entry.lines.items()), native],
        "signers": signers,
        "data": {name: item.value for name, item in entry.data.items()},
        "num_sponsoring": entry.sponsoring,
        "num_sponsored": entry.sponsored,
        "paging_token": entry.id,
    }
    if entry.home_domain:
        record["home_domain"] = entry.home_domain
    if entry.sponsor:
        record["sponsor"] = entry.sponsor
    return record


def _preconditions(tx: StoredTx) -> dict[str, Any]:
    if not tx.bounds:
        return {}
    low, high = tx.bounds
    bounds = {"min_time": str(low)} | ({"max_time": str(high)} if high else {})
    shown: dict[str, Any] = {"preconditions": {"timebounds": bounds}, "valid_after": iso(low)}
    if 0 < high < 2**40:
        shown["valid_before"] = iso(high) if high < 253_402_300_800 else ""
    return shown


def _transaction_links(tx: StoredTx, base: str, own: str) -> dict[str, Any]:
    return {
        "self": _link(own),
        "account": _link(f"{base}/accounts/{tx.source}"),
        "ledger": _link(f"{base}/ledgers/{tx.ledger}"),
        "operations": _link(f"{own}/operations{{?cursor,limit,order}}", True),
        "effects": _link(f"{own}/effects{{?cursor,limit,order}}", True),
        "precedes": _link(f"{base}/transactions?order=asc&cursor={tx.id}"),
        "succeeds": _link(f"{base}/transactions?order=desc&cursor={tx.id}"),
        "transaction": _link(own),
    }


def transaction(tx: StoredTx, base: str, asked: str = "") -> dict[str, Any]:
    """GET /transactions/{hash}, and what POST /transactions answers.

    A fee bump that was asked for by its inner hash answers under that one.
    """
    digest = asked or tx.hash
    record: dict[str, Any] = {
        "_links": _transaction_links(tx, base, f"{base}/transactions/{digest}"),
        "id": digest,
        "paging_token": str(tx.id),
        "successful": tx.successful,
        "hash": digest,
        "ledger": tx.ledger,
        "created_at": iso(tx.created_at),
        "source_account": tx.source,
        "source_account_sequence": str(tx.sequence),
        "fee_account": tx.fee_account,
        "fee_charged": str(tx.fee_charged),
        "max_fee": str(tx.max_fee),
        "operation_count": tx.operation_count,
        "envelope_xdr": tx.envelope,
        "result_xdr": tx.result,
        "fee_meta_xdr": "AAAAAA==",
        "memo_type": tx.memo_type,
        "signatures": list(tx.signatures),
        **_preconditions(tx),
    }
    if tx.source_muxed:
        record |= _muxed("account", tx.source_muxed)
    if tx.memo_type != "none":
        record["memo"] = tx.memo
    if tx.memo_type == "text":
        record["memo_bytes"] = base64.b64encode(tx.memo.encode()).decode()
    if tx.inner_hash:
        record["fee_bump_transaction"] = {"hash": tx.hash, "signatures": list(tx.signatures)}
        record["inner_transaction"] = {"hash": tx.inner_hash, "signatures": [], "max_fee": ""}
    return record


def _muxed(name: str, muxed: str) -> dict[str, str]:
    return {f"{name}_muxed": muxed, f"{name}_muxed_id": str(envelope.muxed_id(muxed))}


def operation(op: StoredOp, tx: StoredTx, base: str, joined: bool) -> dict[str, Any]:
    """One operation or payment record; ``joined`` embeds its transaction."""
    own = f"{base}/operations/{op.id}"
    record: dict[str, Any] = {
        "_links": {
            "self": _link(own),
            "transaction": _link(f"{base}/transactions/{tx.hash}"),
            "effects": _link(f"{own}/effects"),
            "succeeds": _link(f"{base}/effects?order=desc&cursor={op.id}"),
            "precedes": _link(f"{base}/effects?order=asc&cursor={op.id}"),
        },
        "id": str(op.id),
        "paging_token": str(op.id),
        "transaction_successful": tx.successful,
        "source_account": op.body["source_account"],
        "type": op.body["type"],
        "type_i": op.body["type_i"],
        "created_at": iso(tx.created_at),
        "transaction_hash": tx.hash,
        **op.body,
    }
    record.pop(EFFECTS, None)
    if op.body["type"] == "invoke_host_function":
        values = parameters(tx.envelope)
        record["parameters"] = [{"type": kind, "value": value} for kind, value in values]
        record |= {"address": "", "salt": ""}
        record.pop("type_function", None)
    if joined:
        record["transaction"] = transaction(tx, base)
    return record


def page(request: Request, span: Page, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A page of records with its links."""
    order = "asc" if span.ascending else "desc"
    back = "desc" if span.ascending else "asc"
    first = found[0]["paging_token"] if found else request.one("cursor")
    last = found[-1]["paging_token"] if found else request.one("cursor")
    return {
        "_links": {
            "self": _link(_page_link(request, {})),
            "next": _link(_page_link(request, {"cursor": last, "order": order})),
            "prev": _link(_page_link(request, {"cursor": first, "order": back})),
        },
        "_embedded": {"records": list(found)},
    }


def _page_link(request: Request, changed: Mapping[str, str]) -> str:
    query = {name: values[-1] for name, values in request.query.items()} | dict(changed)
    return f"{base(request)}{request.path}?{urlencode(query)}"


def ledger_hash(network: Network, number: int) -> str:
    """Hex hash of a ledger: a function of the network's seed and the number alone."""
    return hashlib.sha256(network.keys.material("ledgers") + number.to_bytes(8, "big")).hexdigest()


def ledger(network: Network, number: int, base: str) -> dict[str, Any]:
    """GET /ledgers/{sequence}"""
    stored = network.store.ledger_before(number)
    _, _, transactions, operations = stored if stored and stored[0] == number else (0, 0, 0, 0)
    own = f"{base}/ledgers/{number}"
    return {
        "_links": {"self": _link(own), "transactions": _link(f"{own}/transactions", True)},
        "id": ledger_hash(network, number),
        "paging_token": str(number << 32),
        "hash": ledger_hash(network, number),
        "prev_hash": ledger_hash(network, number - 1),
        "sequence": number,
        "successful_transaction_count": transactions,
        "failed_transaction_count": 0,
        "operation_count": operations,
        "tx_set_operation_count": operations,
        "closed_at": iso(network.closed_time(number)),
        "total_coins": "50000000000.0000000",
        "fee_pool": "0.0000000",
        "base_fee_in_stroops": BASE_FEE,
        "base_reserve_in_stroops": BASE_RESERVE,
        "max_tx_set_size": 1000,
        "protocol_version": PROTOCOL,
        "header_xdr": "",
    }


def fee_stats(latest: int) -> dict[str, Any]:
    """GET /fee_stats"""
    names = ("min", "mode", "max", *(f"p{n}" for n in (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)))
    figures = dict.fromkeys(names, str(BASE_FEE))
    return {
        "last_ledger": str(latest),
        "last_ledger_base_fee": str(BASE_FEE),
        "ledger_capacity_usage": "0.01",
        "fee_charged": figures,
        "max_fee": figures,
    }
