"""Classic operations: checks that need no ledger, and application.

Each handler describes itself first, so that a failed operation still shows what it tried.
Codes and their order are the network's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox import assets, claimables, operations_account, paths, results
from offerhub.sandbox.codec import i64
from offerhub.sandbox.context import Context, OpFailed
from offerhub.sandbox.envelope import muxed_parts
from offerhub.sandbox.ledger import LINE_AUTHORIZED, LINE_CLAWBACK, Account, Line

Handler = Callable[[Context, str, Any], bytes]


def _amount(number: int) -> str:
    return assets.decimal_text(number)


def create_account(ctx: Context, source: str, body: xdr.CreateAccountOp) -> bytes:
    """Make an account from the source's XLM; sponsored ones may start with nothing."""
    address = operations_account.key_of(body.destination)
    start = body.starting_balance.int64
    details = {"starting_balance": _amount(start), "funder": source, "account": address}
    ctx.describe(details, address)
    if start < 0 or address == source:
        raise OpFailed("op_malformed")
    if address in ctx.ledger.accounts:
        raise OpFailed("op_already_exists")
    account = Account(id=address, sequence=ctx.sequence << 32, balance=start)
    account, sponsor = ctx.reserve(account, 2)
    account = replace(account, sponsor=sponsor)
    if account.spendable < 0:
        raise OpFailed("op_low_reserve")
    payer = ctx.account(source, "op_no_source_account")
    if payer.spendable < start:
        raise OpFailed("op_underfunded")
    ctx.save(replace(payer, balance=payer.balance - start))
    ctx.save(account)
    if start:
        ctx.moved(assets.NATIVE, source, address, start)
    return b""


def payment(ctx: Context, source: str, body: xdr.PaymentOp) -> bytes:
    """Move an asset; the destination is judged before the source, as on the network."""
    receiver, muxed = muxed_parts(body.destination)
    asset, amount = assets.text(body.asset), body.amount.int64
    details = {"from": source, "to": receiver, "amount": _amount(amount), **assets.fields(asset)}
    if muxed:
        details |= {"to_muxed": muxed, "to_muxed_id": operations_account.muxed_number(muxed)}
    ctx.describe(details, receiver)
    if amount <= 0:
        raise OpFailed("op_malformed")
    if (asset, amount) in ctx.scripted and source != assets.issuer_of(asset):
        raise OpFailed(ctx.scripted[asset, amount])
    if not (receiver == source and asset == assets.NATIVE):
        ctx.credit(receiver, asset, amount)
        ctx.debit(source, asset, amount)
    ctx.moved(asset, source, receiver, amount, muxed)
    return b""


def _trust_details(asset: str, source: str, limit: int) -> dict[str, Any]:
    return {
        **assets.fields(asset),
        "limit": _amount(limit),
        "trustee": assets.issuer_of(asset),
        "trustor": source,
    }


def change_trust(ctx: Context, source: str, body: xdr.ChangeTrustOp) -> bytes:
    """Open, change or (limit 0) remove a trustline."""
    try:
        asset = assets.text(body.line)
    except ValueError:
        raise OpFailed("op_not_supported") from None
    limit, issuer = body.limit.int64, assets.issuer_of(asset)
    ctx.describe(_trust_details(asset, source, limit), issuer or source)
    if limit < 0 or asset == assets.NATIVE:
        raise OpFailed("op_malformed")
    if issuer == source:
        raise OpFailed("op_self_not_allowed")
    account = ctx.account(source, "op_no_source_account")
    line = account.lines.get(asset)
    if line is None:
        return _open_line(ctx, account, asset, limit)
    if limit < line.balance:
        raise OpFailed("op_cannot_delete" if limit == 0 and line.balance else "op_invalid_limit")
    if limit == 0:
        account = ctx.free(account, line.sponsor, 1)
        ctx.save(account.with_line(asset, None))
    else:
        ctx.save_line(account, asset, replace(line, limit=limit))
    return b""


def _open_line(ctx: Context, account: Account, asset: str, limit: int) -> bytes:
    if limit == 0:
        raise OpFailed("op_invalid_limit")
    issuer = ctx.account(assets.issuer_of(asset), "op_no_issuer")
    account, sponsor = ctx.reserve(account, 1)
    flags = (0 if issuer.flags & 1 else LINE_AUTHORIZED) | (
        LINE_CLAWBACK if issuer.flags & 8 else 0
    )
    account = account.with_line(asset, Line(limit=limit, flags=flags, sponsor=sponsor))
    if account.spendable < 0:
        raise OpFailed("op_low_reserve")
    ctx.save_line(account, asset, account.lines[asset])
    ctx.opened.add(asset)
    return b""


def account_merge(ctx: Context, source: str, body: xdr.MuxedAccount) -> bytes:
    """Close the source account and move its XLM."""
    receiver, _ = muxed_parts(body)
    ctx.describe({"account": source, "into": receiver}, receiver)
    if receiver == source:
        raise OpFailed("op_malformed")
    ctx.account(receiver, "op_no_account")
    account = ctx.account(source, "op_no_source_account")
    if account.subentries:
        raise OpFailed("op_has_sub_entries")
    if account.sponsoring or source in ctx.sponsoring.values():
        raise OpFailed("op_is_sponsor")
    if account.sequence >= ctx.sequence << 32:
        raise OpFailed("op_seq_num_too_far")
    ctx.free(account, account.sponsor, 2)
    ctx.credit(receiver, assets.NATIVE, account.balance)
    ctx.ledger.drop_account(source)
    if account.balance:
        ctx.moved(assets.NATIVE, source, receiver, account.balance)
    return i64(account.balance)


def clawback(ctx: Context, source: str, body: xdr.ClawbackOp) -> bytes:
    """The issuer takes an amount back from a holder."""
    holder, _ = muxed_parts(body.from_)
    asset, amount = assets.text(body.asset), body.amount.int64
    ctx.describe({"from": holder, "amount": _amount(amount), **assets.fields(asset)}, holder)
    if amount <= 0 or assets.issuer_of(asset) != source:
        raise OpFailed("op_malformed")
    account = ctx.account(holder, "op_no_trust")
    line = account.lines.get(asset)
    if line is None:
        raise OpFailed("op_no_trust")
    if not line.flags & LINE_CLAWBACK:
        raise OpFailed("op_not_clawback_enabled")
    if line.balance < amount:
        raise OpFailed("op_underfunded")
    ctx.save_line(account, asset, replace(line, balance=line.balance - amount))
    ctx.clawed(asset, holder, amount)
    return b""


def set_line_flags(ctx: Context, source: str, body: xdr.SetTrustLineFlagsOp) -> bytes:
    """The issuer authorizes or freezes a holder's trustline."""
    holder, asset = operations_account.key_of(body.trustor), assets.text(body.asset)
    ctx.describe({"trustor": holder, **assets.fields(asset)}, holder)
    if assets.issuer_of(asset) != source:
        raise OpFailed("op_malformed")
    issuer = ctx.account(source, "op_no_source_account")
    account = ctx.account(holder, "op_no_trust")
    line = account.lines.get(asset)
    if line is None:
        raise OpFailed("op_no_trust")
    clear, flags = body.clear_flags.uint32, body.set_flags.uint32
    if clear & LINE_AUTHORIZED and not issuer.flags & 2:
        raise OpFailed("op_cant_revoke")
    ctx.save_line(account, asset, replace(line, flags=(line.flags & ~clear) | flags))
    return b""


def no_change(ctx: Context, source: str, body: object) -> bytes:
    """Extend and restore a footprint: nothing is ever archived here."""
    ctx.describe({})
    return b""


#: Operation type to its handler and the attribute of the body that holds its arguments.
HANDLERS: dict[int, tuple[Handler, str]] = {
    results.CREATE: (create_account, "create_account_op"),
    results.PAY: (payment, "payment_op"),
    results.PATH_RECEIVE: (paths.strict_receive, "path_payment_strict_receive_op"),
    results.PATH_SEND: (paths.strict_send, "path_payment_strict_send_op"),
    results.SET_OPTIONS: (operations_account.set_options, "set_options_op"),
    results.TRUST: (change_trust, "change_trust_op"),
    results.MERGE: (account_merge, "destination"),
    results.DATA: (operations_account.manage_data, "manage_data_op"),
    results.BUMP: (operations_account.bump_sequence, "bump_sequence_op"),
    results.BEGIN: (operations_account.begin_sponsoring, "begin_sponsoring_future_reserves_op"),
    results.END: (operations_account.end_sponsoring, "type"),
    results.CREATE_BALANCE: (claimables.create, "create_claimable_balance_op"),
    results.CLAIM_BALANCE: (claimables.claim, "claim_claimable_balance_op"),
    results.CLAWBACK: (clawback, "clawback_op"),
    results.LINE_FLAGS: (set_line_flags, "set_trust_line_flags_op"),
    results.EXTEND: (no_change, "extend_footprint_ttl_op"),
    results.RESTORE: (no_change, "restore_footprint_op"),
}


def malformed(operation: xdr.Operation) -> str:
    """The code of an operation that can never apply, or an empty text.

    Such a transaction is refused before it reaches a ledger, so it costs nothing.
    """
    body = operation.body
    kind = int(body.type)
    if kind != results.INVOKE and kind not in HANDLERS:
        return "op_not_supported"
    if body.payment_op is not None and body.payment_op.amount.int64 <= 0:
        return "op_malformed"
    if body.create_account_op is not None and body.create_account_op.starting_balance.int64 < 0:
        return "op_malformed"
    balance = body.create_claimable_balance_op
    if balance is not None and claimables.malformed(balance):
        return "op_malformed"
    trust = body.change_trust_op
    if trust is not None and (trust.limit.int64 < 0 or trust.line.type == 0):
        return "op_malformed"
    return paths.malformed(body)


def threshold_of(operation: xdr.Operation) -> int:
    """Which threshold guards the operation: 1 low, 2 medium, 3 high."""
    kind = int(operation.body.type)
    if kind == results.MERGE:
        return 3
    options = operation.body.set_options_op
    if options is not None:
        return operations_account.options_threshold(options)
    return 1 if kind in (results.BUMP, results.LINE_FLAGS, results.EXTEND, results.RESTORE) else 2


def source_of(operation: xdr.Operation, default: str) -> str:
    """The account on whose behalf the operation runs."""
    if operation.source_account is None:
        return default
    return muxed_parts(operation.source_account)[0]
