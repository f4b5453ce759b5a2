"""getEvents, and the meta of a transaction."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offerhub.sandbox.clock import iso
from offerhub.sandbox.codec import u32
from offerhub.sandbox.context import Event
from offerhub.sandbox.network import Network
from offerhub.sandbox.rows import StoredEvent, StoredTx
from offerhub.sandbox.rpc_errors import INVALID_PARAMS, INVALID_REQUEST, RpcError
from offerhub.sandbox.soroban import event_xdr
from offerhub.sandbox.store import Store
from offerhub.sandbox.view import View

#: As the real RPC: how far one call looks, and how much it takes and gives.
SCAN_LEDGERS = 10_000
MAX_LIMIT, DEFAULT_LIMIT = 10_000, 100
MAX_FILTERS, MAX_CONTRACTS, MAX_TOPIC_FILTERS, MAX_TOPICS = 5, 5, 5, 4


def event_id(operation: int, position: int) -> str:
    """An event's id, which is also its cursor."""
    return f"{operation:019d}-{position:010d}"


def _parse_cursor(text: object) -> tuple[int, int]:
    head, _, tail = str(text).partition("-")
    if not head.isdecimal() or not tail.isdecimal():
        raise RpcError(INVALID_PARAMS, f"invalid cursor {text}")
    return int(head), int(tail)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: any of the contracts, and any of the topic patterns; empty is any."""

    type: str
    contracts: frozenset[str]
    topics: Sequence[Sequence[str]]

    def fits(self, event: StoredEvent) -> bool:
        """Whether an event passes."""
        if self.type and "contract" not in self.type.split(","):
            return False
        if self.contracts and event.contract not in self.contracts:
            return False
        return not self.topics or any(_matches(t, event.topics) for t in self.topics)


def _matches(pattern: Sequence[str], topics: Sequence[str]) -> bool:
    """``*`` stands for one topic, ``**`` at the end for any number of them."""
    if pattern and pattern[-1] == "**":
        pattern = pattern[:-1]
        topics = topics[: len(pattern)]
    if len(pattern) != len(topics):
        return False
    return all(want in ("*", have) for want, have in zip(pattern, topics, strict=True))


def _filters(params: dict[str, Any]) -> list[Filter]:
    given = params.get("filters") or []
    if not isinstance(given, list) or len(given) > MAX_FILTERS:
        raise RpcError(INVALID_PARAMS, f"maximum {MAX_FILTERS} filters per request")
    return [_filter(item) for item in given]


def _filter(item: dict[str, Any]) -> Filter:
    contracts, topics = item.get("contractIds") or [], item.get("topics") or []
    if len(contracts) > MAX_CONTRACTS:
        raise RpcError(INVALID_PARAMS, f"maximum {MAX_CONTRACTS} contract IDs per filter")
    if len(topics) > MAX_TOPIC_FILTERS:
        raise RpcError(INVALID_PARAMS, f"maximum {MAX_TOPIC_FILTERS} topics per filter")
    for pattern in topics:
        segments = [segment for segment in pattern if segment != "**"]
        if not pattern or len(segments) > MAX_TOPICS or "**" in pattern[:-1]:
            raise RpcError(INVALID_PARAMS, "topic must have 1 to 4 segments, `**` only at its end")
        for segment in segments:
            _check_segment(segment)
    return Filter(str(item.get("type") or ""), frozenset(contracts), topics)


def _check_segment(segment: str) -> None:
    if segment != "*":
        try:
            base64.b64decode(segment, validate=True)
        except ValueError:
            raise RpcError(INVALID_PARAMS, "topic segment is not base64 xdr") from None


def start_ledger(network: Network, params: dict[str, Any], view: View) -> int:
    """``startLedger``, which must be within what RPC keeps."""
    start = params.get("startLedger")
    oldest = network.oldest()
    if isinstance(start, bool) or not isinstance(start, int):
        raise RpcError(INVALID_PARAMS, "startLedger must be positive")
    if not oldest <= start <= view.ledger:
        raise RpcError(
            INVALID_REQUEST,
            f"startLedger must be within the ledger range: {oldest} - {view.ledger}",
        )
    return start


def _from(network: Network, params: dict[str, Any], view: View) -> tuple[int, int]:
    """Where to start, as (operation id, position) of the last event already seen."""
    cursor = (params.get("pagination") or {}).get("cursor")
    if not cursor:
        return start_ledger(network, params, view) << 32, -1
    if params.get("startLedger") or params.get("endLedger"):
        raise RpcError(INVALID_PARAMS, "ledger ranges and cursor cannot both be set")
    operation, position = _parse_cursor(cursor)
    oldest = network.oldest()
    # The cursor at a ledger's very end asks for the next one.
    asked = (operation + 1) >> 32
    if not oldest <= asked <= view.ledger + 1:
        raise RpcError(
            INVALID_REQUEST,
            f"startLedger must be within the ledger range: {oldest} - {view.ledger}",
        )
    return operation, position


def get_events(network: Network, params: dict[str, Any], view: View) -> dict[str, Any]:
    """Events in order, with the cursor to go on from, also when there were none."""
    filters = _filters(params)
    limit = (params.get("pagination") or {}).get("limit") or DEFAULT_LIMIT
    if not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise RpcError(INVALID_PARAMS, f"limit must not exceed {MAX_LIMIT}")
    operation, position = _from(network, params, view)
    first = (operation + 1) >> 32
    end = min(first + SCAN_LEDGERS, view.ledger + 1)
    if params.get("endLedger"):
        end = min(end, int(params["endLedger"]))
    found: list[dict[str, Any]] = []
    # A ledger's first id is itself never used, so its predecessor ends the one before.
    cursor = event_id(max(operation, (end << 32) - 1), 2**32 - 1)
    for event in network.store.events(operation, position, end << 32):
        if filters and not any(item.fits(event) for item in filters):
            continue
        found.append(_shown(network, event))
        if len(found) == limit:
            cursor = found[-1]["id"]
            break
    return {"events": found, "cursor": cursor}


def _shown(network: Network, event: StoredEvent) -> dict[str, Any]:
    identifier = event_id(event.operation, event.position)
    return {
        "type": "contract",
        "ledger": event.ledger,
        "ledgerClosedAt": iso(network.closed_time(event.ledger)),
        "contractId": event.contract,
        "id": identifier,
        "operationIndex": (event.operation & 0xFFF) - 1,
        "transactionIndex": (event.operation >> 12) & 0xFFFFF,
        "txHash": event.hash,
        "inSuccessfulContractCall": True,
        "topic": list(event.topics),
        "value": event.value,
    }


def by_operation(store: Store, tx: StoredTx) -> list[list[bytes]]:
    """The XDR of each operation's contract events."""
    events: list[list[bytes]] = [[] for _ in range(tx.operation_count)]
    for event in store.events(tx.id, -1, tx.id + 4096):
        topics = tuple(base64.b64decode(topic) for topic in event.topics)
        row = Event(event.contract, topics, base64.b64decode(event.value))
        events[(event.operation & 0xFFF) - 1].append(event_xdr(row))
    return events


def meta(store: Store, tx: StoredTx) -> bytes:
    """The XDR of a TransactionMeta (v4) with events and return value, without entry changes."""
    operations = b""
    for events in by_operation(store, tx):
        operations += u32(0) + u32(0) + u32(len(events)) + b"".join(events)
    soroban = u32(0)
    if tx.return_value:
        soroban = u32(1) + u32(0) + u32(1) + base64.b64decode(tx.return_value)
    head = u32(4) + u32(0) + u32(0) + u32(tx.operation_count)
    return head + operations + u32(0) + soroban + u32(0) + u32(0)
