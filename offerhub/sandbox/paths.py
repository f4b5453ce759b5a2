"""Path payments against one standing market: test USDC and XLM at a fixed price.

The market's seller is the USDC issuer: buying USDC mints it, selling it burns it, so what is
held in total always equals what was issued.
"""

from __future__ import annotations

from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox import assets
from offerhub.sandbox.assets import NATIVE
from offerhub.sandbox.codec import account_key, i64, u32
from offerhub.sandbox.context import Context, OpFailed
from offerhub.sandbox.envelope import muxed_id, muxed_parts

XLM_PER_USDC = 10
OFFER_ID = 1


def malformed(body: xdr.OperationBody) -> str:
    """``op_malformed`` for amounts that can never move, else an empty text."""
    receive, send = body.path_payment_strict_receive_op, body.path_payment_strict_send_op
    amounts = [1]
    if receive is not None:
        amounts = [receive.send_max.int64, receive.dest_amount.int64]
    if send is not None:
        amounts = [send.send_amount.int64, send.dest_min.int64]
    return "op_malformed" if min(amounts) <= 0 else ""


def _describe(
    ctx: Context, source: str, body: Any, source_amount: int, amount: int
) -> tuple[str, str, str, str]:
    receiver, muxed = muxed_parts(body.destination)
    sold, bought = assets.text(body.send_asset), assets.text(body.dest_asset)
    path = [assets.fields(assets.text(asset)) for asset in body.path]
    details: dict[str, Any] = {
        "from": source,
        "to": receiver,
        "amount": assets.decimal_text(amount),
        **assets.fields(bought),
        "source_amount": assets.decimal_text(source_amount),
        **assets.fields(sold, "source_"),
        "path": path,
    }
    if muxed:
        details |= {"to_muxed": muxed, "to_muxed_id": str(muxed_id(muxed))}
    ctx.describe(details, receiver)
    return receiver, muxed, sold, bought


def _market(sold: str, bought: str) -> str:
    """The issuer that makes the market between two assets, or op_too_few_offers."""
    if sold == NATIVE and bought.startswith("USDC:"):
        return assets.issuer_of(bought)
    if bought == NATIVE and sold.startswith("USDC:"):
        return assets.issuer_of(sold)
    raise OpFailed("op_too_few_offers")


def _cost(sold: str, bought: str, amount: int) -> int:
    """What has to be sold for an amount bought, rounded against the taker."""
    if sold == bought:
        return amount
    _market(sold, bought)
    return amount * XLM_PER_USDC if sold == NATIVE else -(-amount // XLM_PER_USDC)


def _yield(sold: str, bought: str, amount: int) -> int:
    """What an amount sold buys, rounded against the taker."""
    if sold == bought:
        return amount
    _market(sold, bought)
    return amount // XLM_PER_USDC if sold == NATIVE else amount * XLM_PER_USDC


def _asset_xdr(asset: str) -> bytes:
    return assets.sdk_asset(asset).to_xdr_object().to_xdr_bytes()


def _trade(
    ctx: Context,
    source: str,
    receiver: tuple[str, str],
    sold: tuple[str, int],
    bought: tuple[str, int],
) -> bytes:
    """Move both legs; answers the claimed offers of the result."""
    to, muxed = receiver
    asset, amount = bought
    if not (sold[0] == asset == NATIVE and to == source):
        ctx.credit(to, asset, amount)
        ctx.debit(source, sold[0], sold[1])
    claimed = u32(0)
    if sold[0] != asset:
        maker = _market(sold[0], asset)
        if sold[0] == NATIVE:
            ctx.credit(maker, NATIVE, sold[1])
        else:
            ctx.debit(maker, NATIVE, amount)
        ctx.moved(sold[0], source, maker, sold[1])
        ctx.moved(asset, maker, source, amount)
        claimed = (
            u32(1) + u32(1) + u32(0) + account_key(maker) + i64(OFFER_ID)
            + _asset_xdr(asset) + i64(amount) + _asset_xdr(sold[0]) + i64(sold[1])
        )  # fmt: skip
    ctx.moved(asset, source, to, amount, muxed)
    last = u32(0) + account_key(to) + _asset_xdr(asset) + i64(amount)
    return claimed + last


def strict_receive(ctx: Context, source: str, body: xdr.PathPaymentStrictReceiveOp) -> bytes:
    """The destination gets an exact amount, the source pays at most ``send_max``."""
    amount, most = body.dest_amount.int64, body.send_max.int64
    receiver, muxed, sold, bought = _describe(ctx, source, body, most, amount)
    ctx.op.details["source_max"] = assets.decimal_text(most)
    ctx.account(receiver, "op_no_destination")
    cost = _cost(sold, bought, amount)
    ctx.op.details["source_amount"] = assets.decimal_text(cost)
    if cost > most:
        raise OpFailed("op_over_source_max")
    return _trade(ctx, source, (receiver, muxed), (sold, cost), (bought, amount))


def strict_send(ctx: Context, source: str, body: xdr.PathPaymentStrictSendOp) -> bytes:
    """The source pays an exact amount, the destination gets at least ``dest_min``."""
    amount, least = body.send_amount.int64, body.dest_min.int64
    receiver, muxed, sold, bought = _describe(ctx, source, body, amount, least)
    ctx.op.details["destination_min"] = assets.decimal_text(least)
    ctx.account(receiver, "op_no_destination")
    got = _yield(sold, bought, amount)
    ctx.op.details["amount"] = assets.decimal_text(got)
    if got < least or got <= 0:
        raise OpFailed("op_under_dest_min")
    return _trade(ctx, source, (receiver, muxed), (sold, amount), (bought, got))
