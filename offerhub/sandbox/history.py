"""From an applied transaction to the rows that are kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox import assets, results
from offerhub.sandbox.context import Change, OpEffects
from offerhub.sandbox.rows import EFFECTS, StoredEvent, StoredOp, StoredTx, b64
from offerhub.sandbox.transactions import Applied, Moment

OPERATION_NAMES = {
    results.CREATE: "create_account",
    results.PAY: "payment",
    results.PATH_RECEIVE: "path_payment_strict_receive",
    results.PATH_SEND: "path_payment_strict_send",
    results.SET_OPTIONS: "set_options",
    results.TRUST: "change_trust",
    results.MERGE: "account_merge",
    results.DATA: "manage_data",
    results.BUMP: "bump_sequence",
    results.BEGIN: "begin_sponsoring_future_reserves",
    results.END: "end_sponsoring_future_reserves",
    results.CREATE_BALANCE: "create_claimable_balance",
    results.CLAIM_BALANCE: "claim_claimable_balance",
    results.CLAWBACK: "clawback",
    results.LINE_FLAGS: "set_trust_line_flags",
    results.INVOKE: "invoke_host_function",
    results.EXTEND: "extend_footprint_ttl",
    results.RESTORE: "restore_footprint",
}
_PAYMENTS = {results.CREATE, results.PAY, results.PATH_RECEIVE, results.PATH_SEND, results.MERGE}


def transaction_id(ledger: int, order: int) -> int:
    """The id of a transaction: ledger number, then the place within it (from 1)."""
    return (ledger << 32) | (order << 12)


def memo_of(memo: xdr.Memo) -> tuple[str, str]:
    """Horizon's ``memo_type`` and ``memo``."""
    if memo.text is not None:
        return "text", memo.text.decode("utf-8", "replace")
    if memo.id is not None:
        return "id", str(memo.id.uint64)
    if memo.hash is not None:
        return "hash", b64(memo.hash.hash)
    if memo.ret_hash is not None:
        return "return", b64(memo.ret_hash.hash)
    return "none", ""


def _bounds(cond: xdr.Preconditions) -> tuple[int, ...]:
    bounds = cond.v2.time_bounds if cond.v2 is not None else cond.time_bounds
    if bounds is None:
        return ()
    return bounds.min_time.time_point.uint64, bounds.max_time.time_point.uint64


def stored_transaction(applied: Applied, moment: Moment, order: int) -> StoredTx:
    """The row of a transaction."""
    envelope, result = applied.envelope, applied.result
    memo_type, memo = memo_of(envelope.tx.memo)
    bump = envelope.fee_bump
    signatures = bump.signatures if bump is not None else envelope.signatures
    return StoredTx(
        id=transaction_id(moment.sequence, order),
        hash=envelope.hash,
        inner_hash=envelope.inner_hash,
        ledger=moment.sequence,
        created_at=moment.close_time,
        source=envelope.source,
        source_muxed=envelope.source_muxed,
        sequence=envelope.sequence,
        fee_account=envelope.fee_account,
        max_fee=bump.fee if bump is not None else envelope.tx.fee.uint32,
        fee_charged=result.fee,
        successful=result.successful,
        operation_count=len(envelope.tx.operations),
        envelope=envelope.text,
        result=result.to_xdr(),
        codes=result.codes(),
        memo_type=memo_type,
        memo=memo,
        signatures=[b64(signature.value) for signature in signatures],
        bounds=_bounds(envelope.tx.cond),
        return_value=b64(applied.context.return_value) if applied.context.return_value else "",
        problem=applied.context.problem,
        touched=sorted(applied.context.touched),
    )


def _change(change: Change) -> dict[str, Any]:
    record: dict[str, Any] = {**assets.fields(change.asset), "type": change.kind}
    if change.sender:
        record["from"] = change.sender
    if change.receiver:
        record["to"] = change.receiver
    record["amount"] = assets.decimal_text(change.amount)
    if change.muxed_id:
        record["destination_muxed_id"] = change.muxed_id
    return record


def stored_operations(tx: StoredTx, effects: Sequence[OpEffects]) -> list[StoredOp]:
    """The rows of a transaction's operations, with what each moved."""
    rows = []
    for index, op in enumerate(effects, start=1):
        body: dict[str, Any] = {
            "source_account": op.source,
            "type": OPERATION_NAMES[op.kind],
            "type_i": op.kind,
            **op.details,
        }
        payment = op.kind in _PAYMENTS
        if op.kind == results.INVOKE:
            body["asset_balance_changes"] = [_change(change) for change in op.changes]
            payment = bool(op.changes)
        if op.effects:
            body[EFFECTS] = op.effects
        participants = frozenset(op.participants)
        rows.append(StoredOp(tx.id + index, payment, tx.successful, body, participants))
    return rows


def stored_events(tx: StoredTx, effects: Sequence[OpEffects]) -> list[StoredEvent]:
    """The rows of the events that a transaction's operations emitted."""
    return [
        StoredEvent(
            operation=tx.id + index,
            position=position,
            ledger=tx.ledger,
            contract=event.contract,
            topics=[b64(topic) for topic in event.topics],
            value=b64(event.value),
            hash=tx.hash,
        )
        for index, op in enumerate(effects, start=1)
        for position, event in enumerate(op.events)
    ]
