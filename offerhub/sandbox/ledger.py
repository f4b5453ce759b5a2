"""What the ledger holds, and how a failed transaction leaves no trace in it.

Every entry is an immutable value that is replaced as a whole, so the undo log is a list of
old values and a rollback is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from offerhub.sandbox.assets import I64_MAX, NATIVE
from offerhub.sandbox.escrow import Escrow

BASE_RESERVE = 5_000_000
BASE_FEE = 100

AUTH_REQUIRED, AUTH_REVOCABLE, AUTH_IMMUTABLE, AUTH_CLAWBACK = 1, 2, 4, 8
LINE_AUTHORIZED, LINE_CLAWBACK = 1, 4


@dataclass(frozen=True, slots=True)
class Line:
    """A trustline: balance and limit in stroops, flags as on the network."""

    balance: int = 0
    limit: int = I64_MAX
    flags: int = LINE_AUTHORIZED
    sponsor: str = ""
    modified: int = 0

    @property
    def authorized(self) -> bool:
        """Whether the issuer lets this line hold and move the asset."""
        return bool(self.flags & LINE_AUTHORIZED)


@dataclass(frozen=True, slots=True)
class Signer:
    """An additional ed25519 signer of an account."""

    key: str
    weight: int
    sponsor: str = ""


@dataclass(frozen=True, slots=True)
class DataEntry:
    """A named value on an account (at most 64 bytes), as base64 text."""

    value: str
    sponsor: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account with everything that hangs on it. Amounts in stroops."""

    id: str
    sequence: int
    balance: int
    lines: Mapping[str, Line] = field(default_factory=dict)
    data: Mapping[str, DataEntry] = field(default_factory=dict)
    signers: tuple[Signer, ...] = ()
    thresholds: tuple[int, int, int, int] = (1, 0, 0, 0)
    flags: int = 0
    home_domain: str = ""
    sponsor: str = ""
    sponsoring: int = 0
    sponsored: int = 0
    seq_ledger: int = 0
    seq_time: int = 0
    modified: int = 0

    @property
    def subentries(self) -> int:
        """Trustlines, data entries and additional signers."""
        return len(self.lines) + len(self.data) + len(self.signers)

    @property
    def minimum(self) -> int:
        """The XLM, in stroops, that must stay on the account."""
        return (2 + self.subentries + self.sponsoring - self.sponsored) * BASE_RESERVE

    @property
    def spendable(self) -> int:
        """XLM above the minimum balance, in stroops; may be negative."""
        return self.balance - self.minimum

    def with_line(self, asset: str, line: Line | None) -> Account:
        """A copy with one trustline replaced, or removed when None."""
        lines = dict(self.lines)
        if line is None:
            lines.pop(asset, None)
        else:
            lines[asset] = line
        return replace(self, lines=lines)


@dataclass(frozen=True, slots=True)
class Claimable:
    """A claimable balance. `claimants` in Horizon's words, their times absolute."""

    id: str
    asset: str
    amount: int
    sponsor: str
    claimants: tuple[dict[str, Any], ...]
    modified: int


Key = tuple[str, str]
Entry = Account | Escrow | Claimable | int


class Ledger:
    """All entries in memory, with an undo log that doubles as the list of changes."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.escrows: dict[str, Escrow] = {}
        self.tokens: dict[str, int] = {}
        self.nonces: dict[str, int] = {}
        self.claimables: dict[str, Claimable] = {}
        self._undo: list[tuple[str, str, Entry | None]] = []

    def _table(self, kind: str) -> dict[str, Entry]:
        tables = {
            "a": self.accounts,
            "e": self.escrows,
            "t": self.tokens,
            "n": self.nonces,
            "c": self.claimables,
        }
        return tables[kind]  # type: ignore[return-value]

    def _put(self, kind: str, key: str, value: Entry | None) -> None:
        table = self._table(kind)
        self._undo.append((kind, key, table.get(key)))
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value

    def put_account(self, account: Account) -> None:
        """Create or replace an account."""
        self._put("a", account.id, account)

    def drop_account(self, address: str) -> None:
        """Remove an account."""
        self._put("a", address, None)

    def put_escrow(self, escrow: Escrow) -> None:
        """Create or replace a contract's stored escrow."""
        self._put("e", escrow.contract_id, escrow)

    def put_claimable(self, balance: Claimable) -> None:
        """Create a claimable balance."""
        self._put("c", balance.id, balance)

    def drop_claimable(self, balance_id: str) -> None:
        """Remove a claimable balance."""
        self._put("c", balance_id, None)

    def put_token(self, contract: str, asset: str, amount: int) -> None:
        """Set what a contract holds of an asset, in stroops."""
        self._put("t", f"{contract}|{asset}", amount)

    def put_nonce(self, address: str, nonce: int, until: int) -> None:
        """Remember a used authorization nonce until its ledger has passed."""
        self._put("n", f"{address}|{nonce}", until)

    def token(self, contract: str, asset: str) -> int:
        """What a contract holds of an asset, in stroops."""
        return self.tokens.get(f"{contract}|{asset}", 0)

    def nonce_used(self, address: str, nonce: int) -> bool:
        """Whether an authorization with this nonce was already consumed."""
        return f"{address}|{nonce}" in self.nonces

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Undo every change made since the mark."""
        while len(self._undo) > mark:
            kind, key, old = self._undo.pop()
            table = self._table(kind)
            if old is None:
                table.pop(key, None)
            else:
                table[key] = old

    def take_changes(self) -> dict[Key, Entry | None]:
        """The entries changed since the last call, as they stand now; None is a removal."""
        changes = {(kind, key): self._table(kind).get(key) for kind, key, _ in self._undo}
        self._undo.clear()
        return changes

    def supply(self) -> dict[str, int]:
        """Stroops of every asset that accounts, contracts and claimable balances hold together."""
        total: dict[str, int] = {}
        for account in self.accounts.values():
            total[NATIVE] = total.get(NATIVE, 0) + account.balance
            for asset, line in account.lines.items():
                total[asset] = total.get(asset, 0) + line.balance
        for key, amount in self.tokens.items():
            asset = key.partition("|")[2]
            total[asset] = total.get(asset, 0) + amount
        for balance in self.claimables.values():
            total[balance.asset] = total.get(balance.asset, 0) + balance.amount
        return total
