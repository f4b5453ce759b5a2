"""Operations on an account itself: options, data, sequence, sponsoring."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox.codec import account_text
from offerhub.sandbox.context import Context, OpFailed
from offerhub.sandbox.envelope import muxed_id
from offerhub.sandbox.ledger import Account, DataEntry, Signer

MAX_SIGNERS = 20


def key_of(account: xdr.AccountID) -> str:
    """G... of an account id."""
    key = account.account_id.ed25519
    return account_text(key.uint256) if key is not None else ""


def muxed_number(muxed: str) -> str:
    """The id inside an M... address as Horizon prints it."""
    return str(muxed_id(muxed))


def options_threshold(options: xdr.SetOptionsOp) -> int:
    """High for thresholds and signers, medium for the rest."""
    guarded = (
        options.master_weight,
        options.low_threshold,
        options.med_threshold,
        options.high_threshold,
        options.signer,
    )
    return 3 if any(item is not None for item in guarded) else 2


def set_options(ctx: Context, source: str, body: xdr.SetOptionsOp) -> bytes:
    """Flags, thresholds, home domain and signers."""
    ctx.describe({})
    account = ctx.account(source, "op_no_source_account")
    account = _flags(account, body)
    account = replace(account, thresholds=_thresholds(account, body))
    if body.home_domain is not None:
        domain = body.home_domain.string32.decode("ascii", "replace")
        account = replace(account, home_domain=domain)
    if body.signer is not None:
        account = _signer(ctx, account, body.signer)
    ctx.save(account)
    return b""


def _flags(account: Account, body: xdr.SetOptionsOp) -> Account:
    clear = body.clear_flags.uint32 if body.clear_flags is not None else 0
    flags = body.set_flags.uint32 if body.set_flags is not None else 0
    if clear & flags:
        raise OpFailed("op_bad_flags")
    if (clear | flags) > 15:
        raise OpFailed("op_unknown_flag")
    if (clear or flags) and account.flags & 4:
        raise OpFailed("op_cant_change")
    return replace(account, flags=(account.flags & ~clear) | flags)


def _thresholds(account: Account, body: xdr.SetOptionsOp) -> tuple[int, int, int, int]:
    asked = (body.master_weight, body.low_threshold, body.med_threshold, body.high_threshold)
    pairs = zip(asked, account.thresholds, strict=True)
    values = [old if item is None else item.uint32 for item, old in pairs]
    if any(value > 255 for value in values):
        raise OpFailed("op_threshold_out_of_range")
    return values[0], values[1], values[2], values[3]


def _signer(ctx: Context, account: Account, signer: xdr.Signer) -> Account:
    weight = signer.weight.uint32
    key = account_text(signer.key.ed25519.uint256) if signer.key.ed25519 is not None else ""
    if not key or key == account.id or weight > 255:
        raise OpFailed("op_bad_signer")
    old = next((item for item in account.signers if item.key == key), None)
    others = tuple(item for item in account.signers if item.key != key)
    if weight == 0:
        if old is None:
            raise OpFailed("op_bad_signer")
        return replace(ctx.free(account, old.sponsor, 1), signers=others)
    if old is not None:
        return replace(account, signers=(*others, replace(old, weight=weight)))
    if len(others) >= MAX_SIGNERS:
        raise OpFailed("op_too_many_signers")
    account, sponsor = ctx.reserve(account, 1)
    account = replace(account, signers=(*others, Signer(key, weight, sponsor)))
    if account.spendable < 0:
        raise OpFailed("op_low_reserve")
    return account


def manage_data(ctx: Context, source: str, body: xdr.ManageDataOp) -> bytes:
    """Set or (without a value) remove a named data entry."""
    name = body.data_name.string64.decode("utf-8", "replace")
    value = None
    if body.data_value is not None:
        value = base64.b64encode(body.data_value.data_value).decode()
    ctx.describe({"name": name, "value": value or ""})
    if not name:
        raise OpFailed("op_data_invalid_name")
    account = ctx.account(source, "op_no_source_account")
    data: dict[str, Any] = dict(account.data)
    old = account.data.get(name)
    if value is None:
        if old is None:
            raise OpFailed("op_data_name_not_found")
        del data[name]
        ctx.save(replace(ctx.free(account, old.sponsor, 1), data=data))
        return b""
    sponsor = old.sponsor if old is not None else ""
    if old is None:
        account, sponsor = ctx.reserve(account, 1)
    data[name] = DataEntry(value, sponsor)
    account = replace(account, data=data)
    if account.spendable < 0:
        raise OpFailed("op_low_reserve")
    ctx.save(account)
    return b""


def bump_sequence(ctx: Context, source: str, body: xdr.BumpSequenceOp) -> bytes:
    """Move the sequence number forward; a smaller number changes nothing."""
    target = body.bump_to.sequence_number.int64
    ctx.describe({"bump_to": str(target)})
    if target < 0:
        raise OpFailed("op_bad_seq")
    account = ctx.account(source, "op_no_source_account")
    if target > account.sequence:
        ctx.save(replace(account, sequence=target))
    return b""


def begin_sponsoring(ctx: Context, source: str, body: xdr.BeginSponsoringFutureReservesOp) -> bytes:
    """From here on the source pays the reserves of another account's new entries."""
    sponsored = key_of(body.sponsored_id)
    ctx.describe({"sponsored_id": sponsored}, sponsored)
    if sponsored == source:
        raise OpFailed("op_malformed")
    if sponsored in ctx.sponsoring:
        raise OpFailed("op_already_sponsored")
    if source in ctx.sponsoring or sponsored in ctx.sponsoring.values():
        raise OpFailed("op_recursive")
    ctx.sponsoring[sponsored] = source
    return b""


def end_sponsoring(ctx: Context, source: str, body: object) -> bytes:
    """The sponsored account ends the sponsorship, with its own signature."""
    sponsor = ctx.sponsoring.pop(source, "")
    ctx.describe({"begin_sponsor": sponsor}, *([sponsor] if sponsor else []))
    if not sponsor:
        raise OpFailed("op_not_sponsored")
    return b""
