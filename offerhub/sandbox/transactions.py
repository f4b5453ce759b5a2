"""A transaction's way into a ledger: validation in the network's order, then application.

What ``check`` refuses costs nothing and leaves no record. What ``apply`` takes has paid its
fee and used its sequence number, whether its operations apply or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stellar_sdk import xdr

from offerhub.sandbox import operations, results, soroban
from offerhub.sandbox.context import Context, OpFailed
from offerhub.sandbox.envelope import MAX_OPERATIONS, Envelope
from offerhub.sandbox.host import Contracts
from offerhub.sandbox.ledger import BASE_FEE, Ledger
from offerhub.sandbox.results import OpResult, TxResult
from offerhub.sandbox.signatures import SignatureCheck


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the transaction would land: ledger number and close time (unix seconds)."""

    sequence: int
    close_time: int


@dataclass(slots=True)
class Applied:
    """What came of a transaction that reached a ledger."""

    envelope: Envelope
    result: TxResult
    context: Context


def _bounds(envelope: Envelope, moment: Moment) -> str:
    """Time and ledger bounds; a bound of 0 is none."""
    cond = envelope.tx.cond
    bounds, ledgers = cond.time_bounds, None
    if cond.v2 is not None:
        bounds, ledgers = cond.v2.time_bounds, cond.v2.ledger_bounds
    if bounds is not None:
        if bounds.min_time.time_point.uint64 > moment.close_time:
            return "tx_too_early"
        last = bounds.max_time.time_point.uint64
        if last and last < moment.close_time:
            return "tx_too_late"
    if ledgers is not None:
        if ledgers.min_ledger.uint32 > moment.sequence:
            return "tx_too_early"
        if ledgers.max_ledger.uint32 and ledgers.max_ledger.uint32 <= moment.sequence:
            return "tx_too_late"
    return ""


def _inclusion(envelope: Envelope) -> tuple[int, int]:
    """The bid for inclusion and the number of operations it has to cover."""
    count = len(envelope.tx.operations)
    declared = envelope.soroban.resource_fee.int64 if envelope.soroban is not None else 0
    if envelope.fee_bump is not None:
        return envelope.fee_bump.fee - declared, count + 1
    return envelope.tx.fee.uint32 - declared, count


def _shape(envelope: Envelope) -> str:
    """Rules that need no ledger: number and kinds of operations, contract data."""
    kinds = [int(operation.body.type) for operation in envelope.tx.operations]
    if not kinds:
        return "tx_missing_operation"
    if len(kinds) > MAX_OPERATIONS:
        return "tx_malformed"
    contract = any(kind in (results.INVOKE, results.EXTEND, results.RESTORE) for kind in kinds)
    if contract != (envelope.soroban is not None):
        return "tx_soroban_invalid" if contract else "tx_malformed"
    if contract and len(kinds) > 1:
        return "tx_malformed"
    declared = envelope.soroban.resource_fee.int64 if envelope.soroban is not None else 0
    return "tx_soroban_invalid" if declared < 0 else ""


def _fee(envelope: Envelope) -> str:
    bid, count = _inclusion(envelope)
    if bid < BASE_FEE * count:
        return "tx_insufficient_fee"
    if envelope.fee_bump is not None:
        # The outer bid per operation may not be lower than the inner one.
        declared = envelope.soroban.resource_fee.int64 if envelope.soroban is not None else 0
        inner = envelope.tx.fee.uint32 - declared
        if bid * len(envelope.tx.operations) < inner * count:
            return "tx_insufficient_fee"
    return ""


def _sequence(envelope: Envelope, current: int, ahead: int, moment: Moment) -> str:
    cond = envelope.tx.cond.v2
    if cond is None:
        return "" if envelope.sequence == current + ahead + 1 else "tx_bad_seq"
    if cond.extra_signers or cond.min_seq_age.duration.uint64 or cond.min_seq_ledger_gap.uint32:
        return "tx_not_supported"
    if cond.min_seq_num is not None:
        least = cond.min_seq_num.sequence_number.int64
        fits = current >= least and envelope.sequence > current
    else:
        fits = envelope.sequence == current + ahead + 1
    return "" if fits and envelope.sequence != moment.sequence << 32 else "tx_bad_seq"


def _refused(envelope: Envelope, code: str, ops: tuple[OpResult, ...] = ()) -> TxResult:
    return TxResult(code, 0, ops, envelope.inner_hash)


def _operations(envelope: Envelope, ledger: Ledger, signed: SignatureCheck) -> tuple[OpResult, ...]:
    """What each operation's own check says before anything applies."""
    codes = []
    for operation in envelope.tx.operations:
        kind = int(operation.body.type)
        source = operations.source_of(operation, envelope.source)
        account = ledger.accounts.get(source)
        code = operations.malformed(operation)
        if not signed.satisfied(source, account, operations.threshold_of(operation)):
            code = "op_bad_auth"
        codes.append(OpResult(kind, code or "op_success"))
    return tuple(codes)


def check(envelope: Envelope, ledger: Ledger, moment: Moment, ahead: int = 0) -> TxResult | None:
    """The refusal of a transaction, or None. ``ahead``: waiting ones of the same source."""
    if envelope.fee_bump is not None:
        bump = envelope.fee_bump
        outer = SignatureCheck(bump.digest, bump.signatures)
        payer = ledger.accounts.get(bump.source)
        if payer is None:
            return TxResult("tx_no_source_account")
        if not outer.satisfied(bump.source, payer, 1):
            return TxResult("tx_bad_auth")
        if not outer.all_used:
            return TxResult("tx_bad_auth_extra")
    account = ledger.accounts.get(envelope.source)
    code = _shape(envelope) or _bounds(envelope, moment)
    if code or account is None:
        return _refused(envelope, code or "tx_no_source_account")
    code = _fee(envelope)
    if code:
        return TxResult(code)
    code = _sequence(envelope, account.sequence, ahead, moment)
    if code:
        return _refused(envelope, code)
    return _authorized(envelope, ledger)


def _authorized(envelope: Envelope, ledger: Ledger) -> TxResult | None:
    signed = SignatureCheck(envelope.digest, envelope.signatures)
    if not signed.satisfied(envelope.source, ledger.accounts.get(envelope.source), 1):
        return _refused(envelope, "tx_bad_auth")
    ops = _operations(envelope, ledger, signed)
    if any(op.code != "op_success" for op in ops):
        return _refused(envelope, "tx_failed", ops)
    if not signed.all_used:
        return _refused(envelope, "tx_bad_auth_extra")
    payer = ledger.accounts[envelope.fee_account]
    bid = envelope.fee_bump.fee if envelope.fee_bump is not None else envelope.tx.fee.uint32
    if payer.spendable < bid:
        return TxResult("tx_insufficient_balance")
    return None


def charge(envelope: Envelope) -> int:
    """What the transaction costs, in stroops: 100 per operation, and contract resources."""
    _, count = _inclusion(envelope)
    declared = envelope.soroban.resource_fee.int64 if envelope.soroban is not None else 0
    call = envelope.tx.operations[0].body.invoke_host_function_op
    if call is None or call.host_function.invoke_contract is None:
        return BASE_FEE * count + declared
    name = call.host_function.invoke_contract.function_name.sc_symbol.decode("utf-8", "replace")
    return BASE_FEE * count + min(declared, soroban.resource_fee(name))


def apply(envelope: Envelope, ledger: Ledger, moment: Moment, network: Contracts) -> Applied:
    """Charge the fee, use the sequence number, and apply all operations or none."""
    ctx = Context(
        ledger=ledger,
        passphrase=network.passphrase,
        sequence=moment.sequence,
        close_time=moment.close_time,
        memo=envelope.tx.memo,
        soroban=envelope.soroban,
        tx_source=envelope.source,
        scripted=network.scripted,
        archived=envelope.hash in network.archived,
    )
    fee = charge(envelope)
    payer = ledger.accounts[envelope.fee_account]
    ctx.save(replace(payer, balance=payer.balance - fee))
    source = ledger.accounts[envelope.source]
    ctx.save(
        replace(
            source,
            sequence=envelope.sequence,
            seq_ledger=moment.sequence,
            seq_time=moment.close_time,
        )
    )
    mark = ledger.mark()
    ops = tuple(_apply_one(ctx, network, envelope, item) for item in envelope.tx.operations)
    code = "tx_success" if all(op.code == "op_success" for op in ops) else "tx_failed"
    if code == "tx_success" and ctx.sponsoring:
        code, ops = "tx_bad_sponsorship", ()
    if code != "tx_success":
        _undo(ctx, mark)
    return Applied(envelope, TxResult(code, fee, ops, envelope.inner_hash), ctx)


def _undo(ctx: Context, mark: int) -> None:
    """Take back every effect; the description of what was tried stays."""
    ctx.ledger.rollback(mark)
    ctx.return_value = b""
    ctx.touched.clear()
    for op in ctx.ops:
        op.events.clear()
        op.changes.clear()
        op.effects.clear()


def _apply_one(
    ctx: Context, network: Contracts, envelope: Envelope, operation: xdr.Operation
) -> OpResult:
    kind = int(operation.body.type)
    source = operations.source_of(operation, envelope.source)
    ctx.begin(kind, source)
    mark = ctx.ledger.mark()
    try:
        if source not in ctx.ledger.accounts:
            raise OpFailed("op_no_source_account")
        if operation.body.invoke_host_function_op is not None:
            payload = soroban.invoke(ctx, network, source, operation.body.invoke_host_function_op)
        else:
            handler, argument = operations.HANDLERS[kind]
            payload = handler(ctx, source, getattr(operation.body, argument))
    except OpFailed as refusal:
        ctx.ledger.rollback(mark)
        return OpResult(kind, refusal.code)
    return OpResult(kind, payload=payload)
