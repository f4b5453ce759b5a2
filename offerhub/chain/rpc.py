"""One call of a Stellar RPC server (JSON-RPC 2.0)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from offerhub.chain import http
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable


class RpcRefused(ChainUnavailable):
    """The server's own words of why it does not answer this."""


def call(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """The result. Raises RpcRefused with the server's message, else ChainUnavailable."""
    url = current().rpc_url
    if not url:
        raise ChainUnavailable("no RPC server is configured; set OFFERHUB_RPC_URL")
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    answer = http.call("POST", url, content=orjson.dumps(request))
    if not answer.ok:
        raise ChainUnavailable(
            f"RPC answered {answer.status}", retry_after=answer.retry_after or http.DEFAULT_PAUSE
        )
    with http.in_known_shape(f"RPC's answer to {method}"):
        error = answer.body.get("error")
        if error:
            raise RpcRefused(str(error.get("message", "")))
        return dict(answer.body["result"])


@dataclass(frozen=True)
class Memory:
    """What one answer says of one hash: whether it is in a ledger that the server knows, and from
    when to when those ledgers closed. `oldest` is None when it knows all there ever were."""

    found: bool
    oldest: datetime | None
    latest: datetime


def remembered(transaction_hash: str) -> Memory:
    """Ask for a hash. Absence and the ledger up to which it is meant come from the same answer:
    servers behind one address may be at different heights. Raises ChainUnavailable."""
    result = call("getTransaction", {"hash": transaction_hash})
    with http.in_known_shape("RPC's transaction"):
        status, first = result["status"], int(result["oldestLedger"])
        if status not in ("SUCCESS", "FAILED", "NOT_FOUND"):
            raise ValueError(status)
        oldest = _closed(result["oldestLedgerCloseTime"]) if first > 1 else None
        return Memory(status != "NOT_FOUND", oldest, _closed(result["latestLedgerCloseTime"]))


def _closed(seconds: Any) -> datetime:
    """A close time: seconds since 1970, as a number or as text."""
    return datetime.fromtimestamp(int(seconds), UTC)
