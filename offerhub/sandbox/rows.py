"""The rows of history: what is kept of a ledger, and how pages of it are asked for."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from offerhub.sandbox.ledger import Entry, Key

#: ``parties.kind``
OPERATION, PAYMENT, TRANSACTION = 0, 1, 2
_LAST_ID = 2**63 - 1
#: Where the body of a stored operation keeps its effects; its own record leaves them out.
EFFECTS = "_effects"


@dataclass(frozen=True, slots=True)
class StoredTx:
    """A transaction that reached a ledger. Fees in stroops, times in unix seconds."""

    id: int
    hash: str
    inner_hash: str
    ledger: int
    created_at: int
    source: str
    source_muxed: str
    sequence: int
    fee_account: str
    max_fee: int
    fee_charged: int
    successful: bool
    operation_count: int
    envelope: str
    result: str
    codes: Mapping[str, Any]
    memo_type: str
    memo: str
    signatures: Sequence[str]
    bounds: Sequence[int] = ()
    return_value: str = ""
    problem: str = ""
    touched: Sequence[str] = ()

    @property
    def order(self) -> int:
        """The place within its ledger, from 1."""
        return (self.id >> 12) & 0xFFFFF


@dataclass(frozen=True, slots=True)
class StoredOp:
    """One operation of a stored transaction; ``body`` is its own part of Horizon's record."""

    id: int
    payment: bool
    successful: bool
    body: Mapping[str, Any]
    participants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One contract event; topics and value as base64 XDR."""

    operation: int
    position: int
    ledger: int
    contract: str
    topics: Sequence[str]
    value: str
    hash: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one closed ledger adds."""

    sequence: int
    closed_at: int
    transactions: Sequence[StoredTx] = ()
    operations: Sequence[StoredOp] = ()
    events: Sequence[StoredEvent] = ()
    changes: Mapping[Key, Entry | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of history; ``until`` hides what a lagging reader does not see yet."""

    kind: int
    account: str = ""
    cursor: int = 0
    ascending: bool = True
    limit: int = 10
    failed: bool = False
    until: int = _LAST_ID


def b64(data: bytes) -> str:
    """Bytes as base64 text."""
    return base64.b64encode(data).decode()
