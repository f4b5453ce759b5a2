"""What a reader of Horizon or of RPC sees of the network: up to a ledger, and nothing after it."""

from dataclasses import dataclass

from offerhub.sandbox.problems import not_found
from offerhub.sandbox.rows import StoredOp, StoredTx
from offerhub.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class View:
    """Up to which ledger a reader sees; a lagging one sees less than there is."""

    ledger: int
    closed_at: int

    @property
    def until(self) -> int:
        """The first id that is not seen."""
        return (self.ledger + 1) << 32

    def transaction(self, store: Store, digest: str) -> StoredTx:
        """A transaction by its hash; Horizon's 404 when it is not seen."""
        tx = store.transaction(digest.lower())
        if tx is None or tx.ledger > self.ledger:
            raise not_found()
        return tx

    def operation(self, store: Store, text: str) -> tuple[StoredOp, StoredTx]:
        """An operation by its id, and its transaction; Horizon's 404 when it is not seen."""
        op = store.operation(int(text)) if text.isdecimal() else None
        tx = store.transaction_at(op.id & ~0xFFF) if op is not None else None
        if op is None or tx is None or tx.ledger > self.ledger:
            raise not_found()
        return op, tx
