"""Claimable balances: made by anyone for up to ten claimants, taken by one of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from stellar_sdk import StrKey, xdr

from offerhub.sandbox import assets, predicates
from offerhub.sandbox.clock import iso
from offerhub.sandbox.codec import account_key, account_text, i64, u32
from offerhub.sandbox.context import Context, OpFailed
from offerhub.sandbox.ledger import Claimable

MOST_CLAIMANTS = 10
_OP_ID = 6  # the kind of preimage that names an operation


def made_id(source: str, sequence: int, operation: int) -> bytes:
    """The 32 bytes of the balance that an operation of a transaction makes."""
    preimage = u32(_OP_ID) + u32(0) + account_key(source) + i64(sequence) + u32(operation)
    return hashlib.sha256(preimage).digest()


def text_of(raw: bytes) -> str:
    """How Horizon writes a balance's id: its kind, then its bytes, in hexadecimal."""
    return f"{0:08x}{raw.hex()}"


def address_of(balance_id: str) -> str:
    """B… of an id, as events name the balance."""
    return StrKey.encode_claimable_balance(b"\0" + bytes.fromhex(balance_id[8:]))


def claimants_of(body: xdr.CreateClaimableBalanceOp) -> list[dict[str, Any]]:
    """Who may claim and when, in Horizon's words; ValueError when the network refuses it."""
    found = []
    for claimant in body.claimants:
        one = claimant.v0
        key = one.destination.account_id.ed25519 if one is not None else None
        if one is None or key is None:
            raise ValueError("a claimant is an account")
        predicate = predicates.read(one.predicate)
        found.append({"destination": account_text(key.uint256), "predicate": predicate})
    names = {one["destination"] for one in found}
    if not 0 < len(names) == len(found) <= MOST_CLAIMANTS:
        raise ValueError("there are one to ten claimants, each named once")
    return found


def malformed(body: xdr.CreateClaimableBalanceOp) -> bool:
    """Whether such a balance can never be."""
    try:
        claimants_of(body)
    except ValueError:
        return True
    return body.amount.int64 <= 0


def create(ctx: Context, source: str, body: xdr.CreateClaimableBalanceOp) -> bytes:
    """Take an amount from the source until it is claimed; the source pays its reserve."""
    asset, amount = assets.text(body.asset), body.amount.int64
    claimants = claimants_of(body)
    shown = {"asset": asset, "amount": assets.decimal_text(amount)}
    ctx.describe({**shown, "claimants": claimants}, *(one["destination"] for one in claimants))
    try:
        ctx.debit(source, asset, amount)
    except OpFailed as refusal:
        raise OpFailed(refusal.code.replace("op_src_", "op_")) from None
    sponsor = ctx.account(source, "op_low_reserve")
    sponsor = replace(sponsor, sponsoring=sponsor.sponsoring + len(claimants))
    if sponsor.spendable < 0:
        raise OpFailed("op_low_reserve")
    ctx.save(sponsor)
    sequence = ctx.ledger.accounts[ctx.tx_source].sequence
    raw = made_id(ctx.tx_source, sequence, len(ctx.ops) - 1)
    made_at = ctx.close_time
    fixed = [{**one, "predicate": predicates.fixed(one["predicate"], made_at)} for one in claimants]
    balance = Claimable(text_of(raw), asset, amount, source, tuple(fixed), ctx.sequence)
    ctx.ledger.put_claimable(balance)
    ctx.moved(asset, source, address_of(balance.id), amount)
    told = {"balance_id": balance.id, **shown}
    ctx.effect("claimable_balance_created", 50, source, told)
    for one in fixed:
        more = {**told, "predicate": one["predicate"]}
        ctx.effect("claimable_balance_claimant_created", 51, one["destination"], more)
    ctx.effect("account_debited", 3, source, _moved(asset, amount))
    return u32(0) + raw


def claim(ctx: Context, source: str, body: xdr.ClaimClaimableBalanceOp) -> bytes:
    """Give the whole balance to the source, if it is one that may claim now."""
    balance_id = text_of(body.balance_id.v0.hash) if body.balance_id.v0 is not None else ""
    ctx.describe({"balance_id": balance_id, "claimant": source}, source)
    balance = ctx.ledger.claimables.get(balance_id)
    if balance is None:
        raise OpFailed("op_does_not_exist")
    mine = [one for one in balance.claimants if one["destination"] == source]
    if not mine or not predicates.holds(mine[0]["predicate"], ctx.close_time):
        raise OpFailed("op_cannot_claim")
    ctx.credit(source, balance.asset, balance.amount)
    sponsor = ctx.ledger.accounts.get(balance.sponsor)
    if sponsor is not None:
        ctx.save(replace(sponsor, sponsoring=sponsor.sponsoring - len(balance.claimants)))
    ctx.ledger.drop_claimable(balance_id)
    ctx.moved(balance.asset, address_of(balance_id), source, balance.amount)
    amount = assets.decimal_text(balance.amount)
    told = {"asset": balance.asset, "balance_id": balance_id, "amount": amount}
    ctx.effect("claimable_balance_claimed", 52, source, told)
    ctx.effect("account_credited", 2, source, _moved(balance.asset, balance.amount))
    return b""


def _moved(asset: str, amount: int) -> dict[str, str]:
    return {**assets.fields(asset), "amount": assets.decimal_text(amount)}


def record(balance: Claimable, base: str, modified_time: int) -> dict[str, Any]:
    """GET /claimable_balances/{id}"""
    own = f"{base}/claimable_balances/{balance.id}"
    return {
        "_links": {
            "self": {"href": own},
            "transactions": {"href": f"{own}/transactions{{?cursor,limit,order}}"},
            "operations": {"href": f"{own}/operations{{?cursor,limit,order}}"},
        },
        "id": balance.id,
        "asset": balance.asset,
        "amount": assets.decimal_text(balance.amount),
        "sponsor": balance.sponsor,
        "last_modified_ledger": balance.modified,
        "last_modified_time": iso(modified_time),
        "claimants": list(balance.claimants),
        "flags": {"clawback_enabled": False},
        "paging_token": f"{balance.modified}-{balance.id}",
    }
