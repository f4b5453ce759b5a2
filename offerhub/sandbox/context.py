"""What one transaction sees while it applies, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox import assets
from offerhub.sandbox.assets import I64_MAX, NATIVE
from offerhub.sandbox.codec import (
    sc_address,
    sc_bytes,
    sc_i128,
    sc_string,
    sc_struct,
    sc_symbol,
    sc_u64,
)
from offerhub.sandbox.envelope import muxed_id
from offerhub.sandbox.ledger import Account, Ledger, Line


class OpFailed(Exception):
    """An operation that cannot apply; ``code`` is Horizon's word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ContractError(Exception):
    """A contract that traps. ``number`` is its error number, 0 for a host error."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.number = number

    @property
    def diagnostic(self) -> str:
        """The text in which a simulation reports the error."""
        code = f"Error(Contract, #{self.number})" if self.number else "Error(WasmVm, InvalidAction)"
        return f'HostError: {code}\n\nEvent log (newest first):\n   0: data:"{self.message}"'


@dataclass(frozen=True, slots=True)
class Change:
    """One movement of an asset: kind is transfer, mint, burn or clawback; stroops."""

    kind: str
    asset: str
    sender: str
    receiver: str
    amount: int
    muxed_id: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One contract event; topics and value are encoded SCVals."""

    contract: str
    topics: tuple[bytes, ...]
    value: bytes


@dataclass(slots=True)
class OpEffects:
    """What one operation showed to the outside."""

    kind: int
    source: str
    details: dict[str, Any] = field(default_factory=dict)
    participants: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Context:
    """The surroundings of a transaction under application."""

    ledger: Ledger
    passphrase: str
    sequence: int
    close_time: int
    memo: xdr.Memo | None = None
    soroban: xdr.SorobanTransactionData | None = None
    tx_source: str = ""
    sponsoring: dict[str, str] = field(default_factory=dict)
    ops: list[OpEffects] = field(default_factory=list)
    return_value: bytes = b""
    problem: str = ""
    touched: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    scripted: Mapping[tuple[str, int], str] = field(default_factory=dict)
    archived: bool = False

    @property
    def op(self) -> OpEffects:
        """The operation that applies at the moment."""
        return self.ops[-1]

    def begin(self, kind: int, source: str) -> None:
        """Start the record of the next operation."""
        self.ops.append(OpEffects(kind, source, participants={source}))

    def describe(self, details: Mapping[str, Any], *participants: str) -> None:
        """Add fields to the operation's Horizon record, and accounts that it concerns."""
        self.op.details.update(details)
        self.op.participants.update(participants)

    def effect(self, kind: str, number: int, account: str, told: Mapping[str, Any]) -> None:
        """Add one of the operation's effects as Horizon tells them."""
        self.op.effects.append({"account": account, "type": kind, "type_i": number, **told})

    def account(self, address: str, missing: str) -> Account:
        """An account, or OpFailed with the given code."""
        account = self.ledger.accounts.get(address)
        if account is None:
            raise OpFailed(missing)
        return account

    def save(self, account: Account) -> None:
        """Store a changed account under this ledger's number."""
        self.ledger.put_account(replace(account, modified=self.sequence))

    def save_line(self, account: Account, asset: str, line: Line) -> None:
        """Store a changed trustline of an account."""
        line = replace(line, modified=self.sequence)
        self.ledger.put_account(replace(account.with_line(asset, line), modified=self.sequence))

    def reserve(self, account: Account, entries: int) -> tuple[Account, str]:
        """Take the reserve of new entries: from the sponsor if there is one, else own XLM.

        Answers the account with its counters, and the sponsor or an empty text.
        """
        sponsor_id = self.sponsoring.get(account.id, "")
        if not sponsor_id:
            return account, ""
        sponsor = self.account(sponsor_id, "op_low_reserve")
        sponsor = replace(sponsor, sponsoring=sponsor.sponsoring + entries)
        if sponsor.spendable < 0:
            raise OpFailed("op_low_reserve")
        self.save(sponsor)
        return replace(account, sponsored=account.sponsored + entries), sponsor_id

    def free(self, account: Account, sponsor_id: str, entries: int) -> Account:
        """Give back the reserve of removed entries to whoever paid it."""
        if not sponsor_id:
            return account
        sponsor = self.ledger.accounts.get(sponsor_id)
        if sponsor is not None:
            self.save(replace(sponsor, sponsoring=sponsor.sponsoring - entries))
        return replace(account, sponsored=account.sponsored - entries)

    def emit(self, contract: str, topics: tuple[bytes, ...], value: bytes) -> None:
        """Record a contract event."""
        self.op.events.append(Event(contract, topics, value))

    def moved(self, asset: str, sender: str, receiver: str, amount: int, muxed: str = "") -> None:
        """Record that an asset moved: the event of its token contract, and the change.

        A movement from the issuer is a mint and one to the issuer a burn (CAP-67).
        """
        issuer = assets.issuer_of(asset)
        topics: tuple[bytes, ...]
        contract = assets.contract_of(asset, self.passphrase)
        name = sc_string(asset)
        memo_id, memo_value = self._receiver_id(receiver, muxed)
        value = sc_i128(amount)
        if memo_value:
            value = sc_struct({"amount": value, "to_muxed_id": memo_value})
        if sender == issuer and receiver != issuer:
            kind, topics = "mint", (sc_symbol("mint"), sc_address(receiver), name)
        elif receiver == issuer and sender != issuer:
            kind, topics = "burn", (sc_symbol("burn"), sc_address(sender), name)
            value = sc_i128(amount)
        else:
            kind = "transfer"
            topics = (sc_symbol(kind), sc_address(sender), sc_address(receiver), name)
        self.emit(contract, topics, value)
        shown_from = "" if kind == "mint" else sender
        shown_to = "" if kind == "burn" else receiver
        self.op.changes.append(Change(kind, asset, shown_from, shown_to, amount, memo_id))
        self.op.participants.update(who for who in (sender, receiver) if who.startswith("G"))

    def clawed(self, asset: str, holder: str, amount: int) -> None:
        """Record that an issuer took an amount back."""
        topics = (sc_symbol("clawback"), sc_address(holder), sc_string(asset))
        self.emit(assets.contract_of(asset, self.passphrase), topics, sc_i128(amount))
        self.op.changes.append(Change("clawback", asset, holder, "", amount))

    def _receiver_id(self, receiver: str, muxed: str) -> tuple[str, bytes]:
        """The id inside a muxed destination, else the transaction's memo (CAP-67)."""
        if muxed:
            number = muxed_id(muxed)
            return str(number), sc_u64(number)
        memo = self.memo
        if memo is None or not receiver.startswith("G"):
            return "", b""
        if memo.id is not None:
            return str(memo.id.uint64), sc_u64(memo.id.uint64)
        if memo.text is not None:
            return "", sc_string(memo.text.decode("utf-8", "replace"))
        hashed = memo.hash or memo.ret_hash
        return ("", sc_bytes(hashed.hash)) if hashed is not None else ("", b"")

    def credit(self, address: str, asset: str, amount: int) -> None:
        """Give an account an amount; OpFailed by the words of a payment's destination."""
        account = self.account(address, "op_no_destination")
        if asset == NATIVE:
            if account.balance + amount > I64_MAX:
                raise OpFailed("op_line_full")
            self.save(replace(account, balance=account.balance + amount))
            return
        if address == assets.issuer_of(asset):
            return
        line = account.lines.get(asset)
        if line is None:
            raise OpFailed("op_no_trust")
        if not line.authorized:
            raise OpFailed("op_not_authorized")
        if line.balance + amount > line.limit:
            raise OpFailed("op_line_full")
        self.save_line(account, asset, replace(line, balance=line.balance + amount))

    def debit(self, address: str, asset: str, amount: int) -> None:
        """Take an amount from an account; OpFailed by the words of a payment's source."""
        account = self.account(address, "op_no_source_account")
        if asset == NATIVE:
            if account.spendable < amount:
                raise OpFailed("op_underfunded")
            self.save(replace(account, balance=account.balance - amount))
            return
        if address == assets.issuer_of(asset):
            return
        line = account.lines.get(asset)
        if line is None:
            raise OpFailed("op_src_no_trust")
        if not line.authorized:
            raise OpFailed("op_src_not_authorized")
        if line.balance < amount:
            raise OpFailed("op_underfunded")
        self.save_line(account, asset, replace(line, balance=line.balance - amount))
