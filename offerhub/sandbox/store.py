"""The sandbox's file: ledger entries, history and settings, in one SQLite database.

One small transaction per ledger, write-ahead logged and not synced: a killed process loses
nothing that it acknowledged and cannot leave half a ledger; a power cut may lose the tail.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from offerhub.sandbox.escrow import Escrow
from offerhub.sandbox.escrow import load as load_escrow
from offerhub.sandbox.ledger import Account, Claimable, DataEntry, Ledger, Line, Signer
from offerhub.sandbox.rows import (
    OPERATION,
    PAYMENT,
    TRANSACTION,
    Batch,
    Page,
    StoredEvent,
    StoredOp,
    StoredTx,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, body TEXT NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledgers (sequence INTEGER PRIMARY KEY, closed_at INTEGER NOT NULL,
    transactions INTEGER NOT NULL, operations INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE,
    inner_hash TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_inner ON transactions (inner_hash) WHERE inner_hash <> '';
CREATE TABLE IF NOT EXISTS operations (id INTEGER PRIMARY KEY, payment INTEGER NOT NULL,
    successful INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS parties (account TEXT, kind INTEGER, id INTEGER,
    successful INTEGER NOT NULL, PRIMARY KEY (account, kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, operation INTEGER NOT NULL,
    position INTEGER NOT NULL, ledger INTEGER NOT NULL, contract TEXT NOT NULL,
    topics TEXT NOT NULL, value TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS indexed (contract TEXT PRIMARY KEY, body TEXT NOT NULL,
    balance TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_operation ON events (operation);
"""


def _plain(value: Any) -> Any:
    return {name: getattr(value, name) for name in value.__slots__}


_encode = json.JSONEncoder(default=_plain, separators=(",", ":"), ensure_ascii=False).encode


def _account(body: dict[str, Any]) -> Account:
    lines = {asset: Line(**line) for asset, line in body["lines"].items()}
    data = {name: DataEntry(**item) for name, item in body["data"].items()}
    signers = tuple(Signer(**item) for item in body["signers"])
    thresholds = tuple(body["thresholds"])
    return Account(
        **{**body, "lines": lines, "data": data, "signers": signers, "thresholds": thresholds}
    )


class Store:
    """Reads and writes the file. An empty path keeps everything in memory."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None,
                                   check_same_thread=False)  # fmt: skip
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def meta(self, name: str) -> str:
        """A setting, or an empty text."""
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Write settings."""
        rows = list(values.items())
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", rows)

    def load(self) -> Ledger:
        """All ledger entries."""
        ledger = Ledger()
        for kind, key, body in self._db.execute("SELECT kind, key, body FROM entries"):
            value = json.loads(body)
            if kind == "a":
                ledger.accounts[key] = _account(value)
            elif kind == "e":
                ledger.escrows[key] = load_escrow(value)
            elif kind == "c":
                value["claimants"] = tuple(value["claimants"])
                ledger.claimables[key] = Claimable(**value)
            else:
                (ledger.tokens if kind == "t" else ledger.nonces)[key] = value
        return ledger

    def load_index(self) -> dict[str, tuple[Escrow, int]]:
        """What the escrow API's indexer knows: contract to its escrow and balance (stroops)."""
        rows = self._db.execute("SELECT contract, body, balance FROM indexed ORDER BY rowid")
        return {row[0]: (load_escrow(json.loads(row[1])), int(row[2])) for row in rows}

    def save_index(self, contract: str, escrow: Escrow, balance: int) -> None:
        """Note what the indexer saw of a contract."""
        self._db.execute(
            "INSERT INTO indexed VALUES (?,?,?) ON CONFLICT (contract)"
            " DO UPDATE SET body=excluded.body, balance=excluded.balance",
            (contract, _encode(escrow), str(balance)),
        )

    def write(self, batch: Batch) -> None:
        """Commit one ledger: all of it or nothing."""
        db = self._db
        db.execute("BEGIN")
        try:
            self._write(db, batch)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _write(self, db: sqlite3.Connection, batch: Batch) -> None:
        count = sum(tx.operation_count for tx in batch.transactions)
        db.execute(
            "INSERT INTO ledgers VALUES (?,?,?,?)",
            (batch.sequence, batch.closed_at, len(batch.transactions), count),
        )
        for tx in batch.transactions:
            db.execute(
                "INSERT INTO transactions VALUES (?,?,?,?)",
                (tx.id, tx.hash, tx.inner_hash, _encode(tx)),
            )
        for op in batch.operations:
            db.execute(
                "INSERT INTO operations VALUES (?,?,?,?)",
                (op.id, op.payment, op.successful, _encode(op.body)),
            )
        db.executemany("INSERT OR IGNORE INTO parties VALUES (?,?,?,?)", _parties(batch))
        for event in batch.events:
            db.execute(
                "INSERT INTO events (operation, position, ledger, contract, topics, value, hash)"
                " VALUES (?,?,?,?,?,?,?)",
                (event.operation, event.position, event.ledger, event.contract,
                 " ".join(event.topics), event.value, event.hash),
            )  # fmt: skip
        for (kind, key), value in batch.changes.items():
            if value is None:
                db.execute("DELETE FROM entries WHERE kind=? AND key=?", (kind, key))
            else:
                db.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?,?,?)", (kind, key, _encode(value))
                )

    def ledger_before(self, sequence: int) -> tuple[int, int, int, int] | None:
        """The stored ledger at or before a number: number, close time, transactions, ops."""
        return self._db.execute(  # type: ignore[no-any-return]
            "SELECT * FROM ledgers WHERE sequence<=? ORDER BY sequence DESC LIMIT 1", (sequence,)
        ).fetchone()

    def ledger_after(self, sequence: int) -> tuple[int, int, int, int] | None:
        """The stored ledger at or after a number."""
        return self._db.execute(  # type: ignore[no-any-return]
            "SELECT * FROM ledgers WHERE sequence>=? ORDER BY sequence LIMIT 1", (sequence,)
        ).fetchone()

    def transaction(self, digest: str) -> StoredTx | None:
        """A transaction by its hash, or by the hash inside a fee bump."""
        row = self._db.execute("SELECT body FROM transactions WHERE hash=?", (digest,)).fetchone()
        if row is None:
            row = self._db.execute(
                "SELECT body FROM transactions WHERE inner_hash=? AND inner_hash<>''", (digest,)
            ).fetchone()
        return StoredTx(**json.loads(row[0])) if row else None

    def transaction_at(self, identifier: int) -> StoredTx | None:
        """A transaction by its id."""
        row = self._db.execute("SELECT body FROM transactions WHERE id=?", (identifier,)).fetchone()
        return StoredTx(**json.loads(row[0])) if row else None

    def operations_of(self, tx: StoredTx, payments: bool = False) -> list[StoredOp]:
        """The operations of one transaction, in order."""
        where = "AND payment=1" if payments else ""
        rows = self._db.execute(
            f"SELECT id, payment, successful, body FROM operations"  # noqa: S608
            f" WHERE id>? AND id<? {where} ORDER BY id",
            (tx.id, tx.id + 4096),
        )
        return [_op(row) for row in rows]

    def operation(self, identifier: int) -> StoredOp | None:
        """One operation by its id."""
        row = self._db.execute(
            "SELECT id, payment, successful, body FROM operations WHERE id=?", (identifier,)
        ).fetchone()
        return _op(row) if row else None

    def page(self, query: Page) -> list[int]:
        """Ids of operations or transactions after a cursor, for one account or for all."""
        low, high = (query.cursor, query.until) if query.ascending else (0, query.cursor)
        high = min(high, query.until)
        order = "ASC" if query.ascending else "DESC"
        done = "" if query.failed else "AND successful=1"
        span = (low, high, query.limit)
        if query.account:
            kinds = "IN (0,1)" if query.kind == OPERATION else f"={int(query.kind)}"
            sql = f"SELECT id FROM parties WHERE account=? AND kind {kinds}"  # noqa: S608
            sql += f" {done} AND id>? AND id<? ORDER BY id {order} LIMIT ?"
            return [row[0] for row in self._db.execute(sql, (query.account, *span))]
        table = "transactions" if query.kind == TRANSACTION else "operations"
        only = "AND payment=1" if query.kind == PAYMENT else ""
        done = "" if query.kind == TRANSACTION else done
        sql = f"SELECT id FROM {table} WHERE id>? AND id<? {only} {done}"  # noqa: S608
        return [row[0] for row in self._db.execute(f"{sql} ORDER BY id {order} LIMIT ?", span)]

    def events(self, after: int, position: int, until: int) -> Iterator[StoredEvent]:
        """Events behind (operation id, position) in operations below ``until``, in order."""
        rows = self._db.execute(
            "SELECT operation, position, ledger, contract, topics, value, hash FROM events"
            " WHERE operation>=? AND operation<? AND (operation>? OR position>?)"
            " ORDER BY operation, position",
            (after, until, after, position),
        )
        return (StoredEvent(r[0], r[1], r[2], r[3], r[4].split(" "), r[5], r[6]) for r in rows)


def _op(row: tuple[int, int, int, str]) -> StoredOp:
    return StoredOp(row[0], bool(row[1]), bool(row[2]), json.loads(row[3]))


def _parties(batch: Batch) -> Iterator[tuple[str, int, int, int]]:
    for tx in batch.transactions:
        everyone = {tx.source, tx.fee_account}
        for op in batch.operations:
            if op.id >> 12 == tx.id >> 12:
                everyone |= op.participants
        for account in everyone:
            yield account, TRANSACTION, tx.id, tx.successful
    for op in batch.operations:
        kind = PAYMENT if op.payment else OPERATION
        for account in op.participants:
            yield account, kind, op.id, op.successful
