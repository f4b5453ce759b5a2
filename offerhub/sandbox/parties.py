"""Whose a request is: the addresses that it names, in its words or inside its envelope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offerhub.sandbox import assets
from offerhub.sandbox.codec import contract_text
from offerhub.sandbox.envelope import BadEnvelope, Envelope, muxed_parts
from offerhub.sandbox.web import Request

if TYPE_CHECKING:
    from offerhub.sandbox.network import Network

_ADDRESS = re.compile(r"\b[GC][A-Z2-7]{55}\b", re.ASCII)
_HASH = re.compile(r"/transactions/([0-9a-f]{64})\b", re.ASCII)


def mentioned(network: Network, request: Request) -> frozenset[str]:
    """Accounts and contracts that a request is about. One for a hash is about the transaction's
    source."""
    words = f"{request.path} {request.query_text} {request.body.decode('utf-8', 'replace')}"
    found = set(_ADDRESS.findall(words))
    if (known := _HASH.search(request.path)) is not None:
        stored = network.store.transaction(known.group(1))
        found |= {stored.source} if stored is not None else set()
    try:
        envelope = network.parse(envelope_text(request))
    except BadEnvelope:
        return frozenset(found)
    found.add(envelope.source)
    for operation in envelope.tx.operations:
        if operation.source_account is not None:
            found.add(muxed_parts(operation.source_account)[0])
        if operation.body.payment_op is not None:
            found.add(muxed_parts(operation.body.payment_op.destination)[0])
    if (call := call_of(envelope)) is not None:
        found.add(call[1])
    return frozenset(found)


def envelope_text(request: Request) -> str:
    """The envelope inside a submission, or an empty text for other requests."""
    if request.method != "POST":
        return ""
    if request.path in ("/transactions", "/transactions_async"):
        return request.form("tx")
    try:
        body = request.json()
    except ValueError:
        return ""
    if request.path == "/helper/send-transaction" and isinstance(body, dict):
        return str(body.get("signedXdr") or "")
    if request.path.startswith("/rpc") and isinstance(body, dict):
        params = body.get("params") or {}
        send = body.get("method") == "sendTransaction" and isinstance(params, dict)
        return str(params.get("transaction") or "") if send else ""
    return ""


def call_of(envelope: Envelope) -> tuple[str, str] | None:
    """Function and contract of a contract call; None for another transaction."""
    call = envelope.tx.operations[0].body.invoke_host_function_op
    invoked = call.host_function.invoke_contract if call is not None else None
    if invoked is None or invoked.contract_address.contract_id is None:
        return None
    name = invoked.function_name.sc_symbol.decode("utf-8", "replace")
    return name, contract_text(invoked.contract_address.contract_id.contract_id.hash)


def payments_of(envelope: Envelope) -> list[tuple[str, int]]:
    """(asset, stroops) of each plain payment."""
    bodies = [operation.body.payment_op for operation in envelope.tx.operations]
    return [(assets.text(b.asset), b.amount.int64) for b in bodies if b is not None]
