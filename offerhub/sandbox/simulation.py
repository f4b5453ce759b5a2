"""Running a contract call without keeping anything, and the envelope that would run it."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from stellar_sdk import xdr

from offerhub.sandbox import results
from offerhub.sandbox.auth import Node
from offerhub.sandbox.codec import Value, account_key, i64, sc_address_body, u32
from offerhub.sandbox.context import Context, Event
from offerhub.sandbox.host import Host
from offerhub.sandbox.ledger import BASE_FEE
from offerhub.sandbox.network import Network
from offerhub.sandbox.soroban import call_xdr, resource_fee, run


@dataclass(frozen=True, slots=True)
class Call:
    """A contract call: plain arguments to run it, encoded ones to write it."""

    contract: str
    function: str
    args: list[Value]
    raw: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a call would do: its value, who has to authorize what, its price in stroops."""

    value: bytes
    recorded: list[tuple[str, Node]]
    events: list[Event]
    fee: int


def simulate(
    network: Network,
    source: str,
    call: Call,
    auth: Sequence[xdr.SorobanAuthorizationEntry] | None = None,
) -> Simulated:
    """Run a call and undo it; ContractError when it would trap."""
    moment = network.moment()
    ctx = Context(network.ledger, network.options.passphrase, moment.sequence, moment.close_time)
    ctx.begin(results.INVOKE, source)
    mark = network.ledger.mark()
    try:
        host = Host(ctx, network.contracts, source, auth, run)
        value = host.call(call.contract, call.function, call.args, call.raw)
    finally:
        network.ledger.rollback(mark)
    return Simulated(value, host.auth.recorded, ctx.op.events, resource_fee(call.function))


def instance_key(contract: str) -> bytes:
    """The XDR of the ledger key of a contract's instance."""
    return u32(6) + sc_address_body(contract) + u32(20) + u32(1)


def soroban_data(contract: str, fee: int) -> bytes:
    """The XDR of SorobanTransactionData: an approximate footprint, and the price."""
    footprint = u32(0) + u32(1) + instance_key(contract)
    resources = footprint + u32(4_000_000) + u32(8_000) + u32(4_000)
    return u32(0) + resources + i64(fee)


def source_auth(node: Node) -> bytes:
    """An authorization entry with source-account credentials."""
    return u32(0) + node.to_xdr()


def address_auth(address: str, nonce: int, node: Node) -> bytes:
    """An authorization entry that its address still has to sign."""
    return u32(1) + sc_address_body(address) + i64(nonce) + u32(0) + u32(1) + node.to_xdr()


def unsigned(source: str, sequence: int, call: Call, simulated: Simulated, max_time: int) -> str:
    """The unsigned envelope of a call whose only authorizer is its source, as base64."""
    auth = [source_auth(node) for address, node in simulated.recorded if address == source]
    operation = u32(0) + u32(24) + u32(0) + call_xdr(call.contract, call.function, call.raw)
    operation += u32(len(auth)) + b"".join(auth)
    head = u32(2) + u32(0) + account_key(source) + u32(BASE_FEE + simulated.fee)
    head += i64(sequence) + u32(1) + struct.pack(">QQ", 0, max_time) + u32(0)
    tail = u32(1) + soroban_data(call.contract, simulated.fee) + u32(0)
    return base64.b64encode(head + u32(1) + operation + tail).decode()
