"""The token contract (SAC) of every asset: transfers, balances and the issuer's own calls."""

from collections.abc import Callable

from stellar_sdk import MuxedAccount

from offerhub.sandbox import assets
from offerhub.sandbox.assets import I64_MAX, NATIVE
from offerhub.sandbox.codec import (
    I128_MAX,
    Address,
    Value,
    sc_address,
    sc_bool,
    sc_i128,
    sc_string,
    sc_u32,
    sc_void,
)
from offerhub.sandbox.context import ContractError, OpFailed
from offerhub.sandbox.host import Host

#: How a classic refusal is spelled by the token contract: message and error number.
_SPELLING = {
    "op_no_destination": ("account entry is missing", 6),
    "op_no_source_account": ("account entry is missing", 6),
    "op_no_trust": ("trustline entry is missing for account", 13),
    "op_src_no_trust": ("trustline entry is missing for account", 13),
    "op_not_authorized": ("balance is not authorized", 11),
    "op_src_not_authorized": ("balance is not authorized", 11),
    "op_underfunded": ("balance is not sufficient to spend", 10),
    "op_line_full": ("resulting balance is not within the allowed range", 10),
}


def balance_of(host: Host, asset: str, address: str) -> int:
    """What an address holds, in stroops; an issuer holds the most there can be."""
    if address.startswith("C"):
        return host.ctx.ledger.token(address, asset)
    account = host.ctx.ledger.accounts.get(address)
    if account is None:
        raise ContractError("account entry is missing", 6)
    if asset == NATIVE:
        return account.balance
    if address == assets.issuer_of(asset):
        return I64_MAX
    line = account.lines.get(asset)
    if line is None:
        raise ContractError("trustline entry is missing for account", 13)
    return line.balance


def move(host: Host, asset: str, sender: str, receiver: str, amount: int, muxed: str = "") -> None:
    """Move an amount between any two addresses and record it; ContractError if it cannot be."""
    if amount < 0:
        raise ContractError("negative amount is not allowed", 8)
    if amount > I64_MAX:
        raise ContractError("resulting balance is not within the allowed range", 10)
    try:
        _take(host, asset, sender, amount)
        _give(host, asset, receiver, amount)
    except OpFailed as refusal:
        raise ContractError(*_SPELLING[refusal.code]) from None
    host.ctx.moved(asset, sender, receiver, amount, muxed)


def _take(host: Host, asset: str, sender: str, amount: int) -> None:
    if sender.startswith("G"):
        host.ctx.debit(sender, asset, amount)
        return
    held = host.ctx.ledger.token(sender, asset)
    if held < amount:
        raise OpFailed("op_underfunded")
    host.touch(sender)
    host.ctx.ledger.put_token(sender, asset, held - amount)


def _give(host: Host, asset: str, receiver: str, amount: int) -> None:
    if receiver.startswith("G"):
        host.ctx.credit(receiver, asset, amount)
        return
    held = host.ctx.ledger.token(receiver, asset)
    if held + amount > I128_MAX:
        raise OpFailed("op_line_full")
    host.touch(receiver)
    host.ctx.ledger.put_token(receiver, asset, held + amount)


def _address(args: list[Value], index: int) -> str:
    value = args[index] if index < len(args) else None
    if not isinstance(value, Address):
        raise ContractError("an argument is not an address")
    return str(value)


def _amount(args: list[Value], index: int) -> int:
    value = args[index] if index < len(args) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ContractError("an argument is not an amount")
    return value


def _transfer(host: Host, asset: str, args: list[Value]) -> bytes:
    sender, receiver, amount = _address(args, 0), _address(args, 1), _amount(args, 2)
    muxed = ""
    if receiver.startswith("M"):
        muxed, receiver = receiver, MuxedAccount.from_account(receiver).account_id
    host.auth.require(sender)
    move(host, asset, sender, receiver, amount, muxed)
    return sc_void()


def _mint(host: Host, asset: str, args: list[Value]) -> bytes:
    receiver, amount = _address(args, 0), _amount(args, 1)
    issuer = assets.issuer_of(asset)
    if not issuer:
        raise ContractError("the native asset has no issuer")
    host.auth.require(issuer)
    move(host, asset, issuer, receiver, amount)
    return sc_void()


def _burn(host: Host, asset: str, args: list[Value]) -> bytes:
    holder, amount = _address(args, 0), _amount(args, 1)
    if asset == NATIVE:
        raise ContractError("the native asset cannot be burned")
    host.auth.require(holder)
    move(host, asset, holder, assets.issuer_of(asset), amount)
    return sc_void()


def _authorized(host: Host, asset: str, args: list[Value]) -> bytes:
    account = host.ctx.ledger.accounts.get(_address(args, 0))
    line = account.lines.get(asset) if account is not None else None
    return sc_bool(asset == NATIVE or (line is not None and line.authorized))


def _admin(host: Host, asset: str, args: list[Value]) -> bytes:
    if asset == NATIVE:
        raise ContractError("the native asset has no administrator")
    return sc_address(assets.issuer_of(asset))


TokenFunction = Callable[["Host", str, list[Value]], bytes]

FUNCTIONS: dict[str, TokenFunction] = {
    "transfer": _transfer,
    "mint": _mint,
    "burn": _burn,
    "authorized": _authorized,
    "admin": _admin,
    "balance": lambda host, asset, args: sc_i128(balance_of(host, asset, _address(args, 0))),
    "decimals": lambda host, asset, args: sc_u32(7),
    "name": lambda host, asset, args: sc_string(asset),
    "symbol": lambda host, asset, args: sc_string(asset.partition(":")[0]),
}
