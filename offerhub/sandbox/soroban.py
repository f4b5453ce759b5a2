"""Contract calls: the factory, the escrow contracts and the token contracts, run natively."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from stellar_sdk import xdr

from offerhub.sandbox import escrow_common, tokens
from offerhub.sandbox.codec import (
    Address,
    BadValue,
    Value,
    address_of,
    contract_key,
    contract_text,
    opaque,
    plain,
    sc_address,
    sc_address_body,
    sc_vec,
    u32,
)
from offerhub.sandbox.context import Context, ContractError, Event, OpFailed
from offerhub.sandbox.envelope import network_id
from offerhub.sandbox.escrow import Kind, from_value, to_value
from offerhub.sandbox.host import Contracts, Host
from offerhub.sandbox.rules import announce, check_new

DEPLOYS: dict[str, Kind] = {
    "tw_new_single_release_escrow": "single",
    "tw_new_multi_release_escrow": "multi",
}

#: What a call costs beside the 100 stroops of inclusion, in stroops.
DEPLOY_FEE, CALL_FEE, TOKEN_FEE = 500_000, 120_000, 60_000


def resource_fee(function: str) -> int:
    """The resource fee of a contract function, in stroops."""
    if function in DEPLOYS:
        return DEPLOY_FEE
    return TOKEN_FEE if function in tokens.FUNCTIONS else CALL_FEE


def deployed_id(passphrase: str, deployer: str, salt: bytes) -> str:
    """C... of the contract that a deployer makes with a salt (32 bytes)."""
    preimage = u32(8) + network_id(passphrase) + u32(0) + sc_address_body(deployer) + salt
    return contract_text(hashlib.sha256(preimage).digest())


def run(host: Host, contract: str, function: str, args: list[Value]) -> bytes:
    """A function of a token, of the factory or of an escrow; ContractError when it traps."""
    asset = host.network.tokens.get(contract)
    if asset is not None:
        handler = tokens.FUNCTIONS.get(function)
        if handler is None:
            raise ContractError(f"trying to invoke non-existent contract function: {function}")
        return handler(host, asset, args)
    if contract == host.network.factory:
        return _deploy(host, function, args)
    escrow = host.ctx.ledger.escrows.get(contract)
    if escrow is None:
        raise ContractError("trying to get non-existing value for contract instance")
    return escrow_common.call(host, escrow, function, args)


def _deploy(host: Host, function: str, args: list[Value]) -> bytes:
    kind = DEPLOYS.get(function)
    if kind is None:
        raise ContractError(f"trying to invoke non-existent contract function: {function}")
    signer, salt, init = _deploy_arguments(args)
    host.auth.require(signer)
    contract = deployed_id(host.network.passphrase, host.network.factory, salt)
    if contract in host.ctx.ledger.escrows:
        raise ContractError("contract already exists")
    try:
        escrow = from_value(init, kind, contract)
    except BadValue as problem:
        raise ContractError(f"wrong arguments: {problem}") from None
    host.asset_of(escrow.token)
    check_new(escrow)
    escrow = replace(escrow, signer=signer, created_at=host.ctx.close_time)
    host.store(escrow)
    announce(host, escrow, "tw_init", to_value(escrow))
    return sc_vec([sc_address(contract), to_value(escrow)])


def _deploy_arguments(args: list[Value]) -> tuple[str, bytes, Value]:
    if len(args) < 5 or not isinstance(args[0], Address) or not isinstance(args[4], list):
        raise ContractError("wrong arguments for the factory")
    salt = args[2]
    if not isinstance(salt, bytes) or len(salt) != 32 or len(args[4]) != 1:
        raise ContractError("wrong arguments for the factory")
    return str(args[0]), salt, args[4][0]


def invoke(ctx: Context, network: Contracts, source: str, body: xdr.InvokeHostFunctionOp) -> bytes:
    """Apply the operation; OpFailed with the network's code when it does not."""
    ctx.describe({"function": "HostFunctionTypeHostFunctionTypeInvokeContract"})
    call = body.host_function.invoke_contract
    if call is None:
        ctx.problem = "only contract calls are run on this network"
        raise OpFailed("function_trapped")
    function = call.function_name.sc_symbol.decode("utf-8", "replace")
    ctx.describe({"type_function": function})
    if ctx.archived:
        raise OpFailed("entry_archived")
    if ctx.soroban is None or ctx.soroban.resource_fee.int64 < resource_fee(function):
        raise OpFailed("insufficient_refundable_fee")
    try:
        args = [plain(arg) for arg in call.args]
        host = Host(ctx, network, source, body.auth, run)
        ctx.return_value = host.call(address_of(call.contract_address), function, args)
    except ContractError as trap:
        ctx.problem = trap.message
        raise OpFailed("function_trapped") from None
    except BadValue as problem:
        ctx.problem = str(problem)
        raise OpFailed("function_trapped") from None
    return success_hash(ctx.return_value, ctx.op.events)


def success_hash(value: bytes, events: Sequence[Event]) -> bytes:
    """sha256 of the return value and the events, which is the operation's result."""
    encoded = b"".join(event_xdr(event) for event in events)
    return hashlib.sha256(value + u32(len(events)) + encoded).digest()


def event_xdr(event: Event) -> bytes:
    """The XDR of a ContractEvent."""
    topics = u32(len(event.topics)) + b"".join(event.topics)
    return u32(0) + u32(1) + contract_key(event.contract) + u32(1) + u32(0) + topics + event.value


def call_xdr(contract: str, function: str, args: Sequence[bytes]) -> bytes:
    """The XDR of InvokeContractArgs."""
    head = sc_address_body(contract) + opaque(function.encode())
    return head + u32(len(args)) + b"".join(args)
