"""The network: it takes envelopes, closes ledgers and keeps their history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stellar_sdk import Account as SdkAccount
from stellar_sdk import Keypair, TransactionBuilder

from offerhub.sandbox import envelope as envelopes
from offerhub.sandbox import genesis, history
from offerhub.sandbox.clock import Clock, Mode
from offerhub.sandbox.envelope import Envelope
from offerhub.sandbox.keys import Keys
from offerhub.sandbox.ledger import Ledger
from offerhub.sandbox.options import Options
from offerhub.sandbox.results import TxResult
from offerhub.sandbox.rows import Batch, StoredEvent, StoredOp, StoredTx
from offerhub.sandbox.store import Store
from offerhub.sandbox.transactions import Moment, apply, check

LEDGER_SECONDS = 5
MAX_PER_LEDGER = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission: stored, refused with a result, or waiting (neither)."""

    tx: StoredTx | None = None
    refused: TxResult | None = None
    known: bool = False


@dataclass(slots=True)
class Waiting:
    """A transaction that waits for a ledger which only the controls close."""

    envelope: Envelope
    tell: Callable[[Outcome], None]


class Network:
    """One ledger, its clock and its history. Not thread-safe: one thread owns it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.keys = Keys(options.seed)
        self.store = Store(options.data)
        self.contracts = genesis.contracts(self.keys, options)
        self.usdc = genesis.usdc(self.keys)
        self.ledger: Ledger = self.store.load()
        self.clock = Clock.restore(self.store.meta("clock"))
        self.waiting: list[Waiting] = []
        self.listeners: list[Callable[[], None]] = []
        if not self.ledger.accounts:
            self._begin()
        if not self._same_seed():
            self.store.close()
            raise ValueError("the file belongs to a network with another seed or passphrase")
        latest = self.store.ledger_before(2**62)
        self.sequence, self.closed_at = (latest[0], latest[1]) if latest else (1, 0)
        for asset in self.ledger.supply():
            self.contracts.know(asset)

    def _begin(self) -> None:
        genesis.fill(self.ledger, self.keys)
        now = int(self.clock.now())
        self.store.write(Batch(1, now, changes=self.ledger.take_changes()))
        self.store.set_meta({"seed": self.options.seed, "passphrase": self.options.passphrase})

    def _same_seed(self) -> bool:
        kept = (self.store.meta("seed"), self.store.meta("passphrase"))
        return kept == (self.options.seed, self.options.passphrase)

    def moment(self) -> Moment:
        """Where the next transaction lands."""
        return Moment(self.sequence + 1, max(self.closed_at, int(self.clock.now())))

    def parse(self, text: str) -> Envelope:
        """Decode an envelope for this network; BadEnvelope when it is none."""
        return envelopes.parse(text, self.options.passphrase)

    def submit(self, envelope: Envelope, tell: Callable[[Outcome], None] | None = None) -> Outcome:
        """Take a transaction. A known hash answers what was stored.

        With a stopped clock the transaction waits, and ``tell`` is called when it landed.
        """
        known = self.store.transaction(envelope.hash)
        if known is not None:
            return Outcome(tx=known, known=True)
        if self.clock.mode == "manual" and tell is not None:
            return self._wait(envelope, tell)
        moment = self.moment()
        refused = check(envelope, self.ledger, moment)
        if refused is not None:
            return Outcome(refused=refused)
        return Outcome(tx=self._close(moment, [envelope])[0])

    def _wait(self, envelope: Envelope, tell: Callable[[Outcome], None]) -> Outcome:
        same = [w for w in self.waiting if w.envelope.hash == envelope.hash]
        ahead = sum(w.envelope.source == envelope.source for w in self.waiting)
        refused = None if same else check(envelope, self.ledger, self.moment(), ahead)
        if refused is not None:
            return Outcome(refused=refused)
        self.waiting.append(Waiting(envelope, tell))
        return Outcome()

    def _close(self, moment: Moment, batch: Sequence[Envelope]) -> list[StoredTx]:
        """Apply checked transactions in one ledger and commit it."""
        closing = _Closing(self, moment)
        txs = [closing.take(envelope) for envelope in batch]
        self._commit(closing)
        return txs

    def _commit(self, closing: _Closing) -> None:
        moment = closing.moment
        batch = replace(closing.batch(), changes=self.ledger.take_changes())
        self.store.write(batch)
        self.sequence, self.closed_at = moment.sequence, moment.close_time
        for listener in list(self.listeners):
            listener()

    def close_waiting(self, moment: Moment) -> None:
        """Close a ledger with the waiting transactions, in the order in which they came."""
        batch, self.waiting = self.waiting[:MAX_PER_LEDGER], self.waiting[MAX_PER_LEDGER:]
        outcomes: dict[str, Outcome] = {}
        closing = _Closing(self, moment)
        for waiting in batch:
            envelope = waiting.envelope
            if envelope.hash not in outcomes:
                refused = check(envelope, self.ledger, moment)
                tx = closing.take(envelope) if refused is None else None
                outcomes[envelope.hash] = Outcome(tx=tx, refused=refused)
        self._commit(closing)
        for waiting in batch:
            waiting.tell(outcomes[waiting.envelope.hash])

    def close(self, count: int = 1) -> None:
        """Close ledgers at the network's present time; the first takes what waits."""
        self.close_waiting(self.moment())
        if count > 1:
            moment = self.moment()
            self._close(replace(moment, sequence=self.sequence + count - 1), [])

    def tick(self) -> None:
        """Close an empty ledger when five seconds have passed since the last one."""
        if self.clock.mode == "auto" and self.clock.now() - self.closed_at >= LEDGER_SECONDS:
            self._close(self.moment(), [])

    def advance(self, seconds: int) -> None:
        """Move the clock; a ledger for every five seconds closes on the way."""
        step = min(LEDGER_SECONDS, seconds)
        self.clock.advance(step)
        self.close_waiting(self.moment())
        rest = seconds - step
        if rest:
            self.clock.advance(rest)
            moment = self.moment()
            passed = max(1, rest // LEDGER_SECONDS)
            self._close(replace(moment, sequence=self.sequence + passed), [])
        self.save_clock()

    def set_mode(self, mode: Mode) -> None:
        """Stop or start the clock; what waits when it starts is applied."""
        self.clock.set_mode(mode)
        self.save_clock()
        if mode == "auto" and self.waiting:
            self.close_waiting(self.moment())

    def save_clock(self) -> None:
        """Keep the clock over a restart."""
        self.store.set_meta({"clock": self.clock.save()})

    def builder(self, source: Keypair) -> TransactionBuilder:
        """A builder for one of the network's own transactions."""
        account = self.ledger.accounts[source.public_key]
        builder = TransactionBuilder(
            SdkAccount(account.id, account.sequence), self.options.passphrase, base_fee=100
        )
        return builder.add_time_bounds(0, 0)

    def play(self, builder: TransactionBuilder, *signers: Keypair) -> Outcome:
        """Sign and apply one of the network's own transactions, in a ledger of its own."""
        built = builder.build()
        for signer in signers:
            built.sign(signer)
        return self.submit(self.parse(built.to_xdr()))

    def oldest(self) -> int:
        """The oldest ledger that RPC still remembers."""
        return max(1, self.sequence - self.options.retention + 1)

    def closed_time(self, sequence: int) -> int:
        """The close time of a ledger; between stored ones it is interpolated."""
        before, after = self.store.ledger_before(sequence), self.store.ledger_after(sequence)
        if before is None or after is None:
            return self.closed_at
        if before[0] == after[0]:
            return before[1]
        share = (sequence - before[0]) / (after[0] - before[0])
        return before[1] + int((after[1] - before[1]) * share)


class _Closing:
    """A ledger while it is being filled."""

    def __init__(self, network: Network, moment: Moment) -> None:
        self.moment = moment
        self._network = network
        self._txs: list[StoredTx] = []
        self._ops: list[StoredOp] = []
        self._events: list[StoredEvent] = []

    def take(self, envelope: Envelope) -> StoredTx:
        """Apply one checked transaction."""
        network = self._network
        applied = apply(envelope, network.ledger, self.moment, network.contracts)
        tx = history.stored_transaction(applied, self.moment, len(self._txs) + 1)
        self._txs.append(tx)
        self._ops += history.stored_operations(tx, applied.context.ops)
        self._events += history.stored_events(tx, applied.context.ops)
        for asset in applied.context.opened:
            network.contracts.know(asset)
        return tx

    def batch(self) -> Batch:
        """What the ledger adds to history."""
        moment = self.moment
        return Batch(moment.sequence, moment.close_time, self._txs, self._ops, self._events)


__all__ = ["Network", "Options", "Outcome"]
