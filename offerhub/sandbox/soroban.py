"""Contract calls: the factory, the escrow contracts and the token contracts, run natively."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stellar_sdk import xdr

from offerhub.sandbox import assets, escrow_common, tokens
from offerhub.sandbox.auth import Authorizer, Frame
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
from offerhub.sandbox.escrow import Escrow, Kind, from_value, to_value
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


@dataclass(slots=True)
class Contracts:
    """The contracts that exist from the start, and how escrows take their fee."""

    passphrase: str
    factory: str
    fee_address: str
    protocol_fee_bps: int
    tokens: dict[str, str]
    #: Payments that fail on purpose: (asset, stroops) to the operation's code.
    scripted: Mapping[tuple[str, int], str] = field(default_factory=dict)
    #: Hashes of calls that will find an entry of theirs archived.
    archived: set[str] = field(default_factory=set)

    def know(self, asset: str) -> str:
        """Register an asset's token contract; answers its id."""
        contract = assets.contract_of(asset, self.passphrase)
        self.tokens.setdefault(contract, asset)
        return contract


def deployed_id(passphrase: str, deployer: str, salt: bytes) -> str:
    """C... of the contract that a deployer makes with a salt (32 bytes)."""
    preimage = u32(8) + network_id(passphrase) + u32(0) + sc_address_body(deployer) + salt
    return contract_text(hashlib.sha256(preimage).digest())


class Host:
    """One InvokeHostFunction operation while it runs."""

    def __init__(
        self,
        ctx: Context,
        network: Contracts,
        source: str,
        auth: Sequence[xdr.SorobanAuthorizationEntry] | None,
    ) -> None:
        self.ctx = ctx
        self.network = network
        self.auth = Authorizer(ctx, source, auth)

    def asset_of(self, contract: str) -> str:
        """The asset of a token contract; ContractError when there is no such contract."""
        asset = self.network.tokens.get(contract)
        if asset is None:
            raise ContractError("trying to call a token contract that does not exist")
        return asset

    def fee_address(self, args: list[Value], index: int) -> str:
        """The vendor's fee address, which callers must pass unchanged."""
        value = args[index] if index < len(args) else None
        if not isinstance(value, Address) or value != self.network.fee_address:
            raise ContractError("the fee address is not the one of this network")
        return str(value)

    def touch(self, contract: str) -> None:
        """Note that a contract's holdings or state changed."""
        self.ctx.touched.add(contract)

    def store(self, escrow: Escrow) -> None:
        """Write a contract's state."""
        self.touch(escrow.contract_id)
        self.ctx.ledger.put_escrow(replace(escrow, updated_at=self.ctx.close_time))

    def transfer(
        self, contract: str, asset: str, receiver: str, amount: int, sender: str = ""
    ) -> None:
        """A token transfer from inside a contract; without ``sender`` from the contract."""
        payer = sender or self.auth.frames[-1].contract
        args: list[Value] = [Address(payer), Address(receiver), amount]
        self.call(contract, "transfer", args)

    def call(
        self, contract: str, function: str, args: list[Value], raw: Sequence[bytes] = ()
    ) -> bytes:
        """Run a contract function; answers the encoded return value."""
        self.auth.frames.append(Frame(contract, function, args, raw))
        try:
            return self._run(contract, function, args)
        finally:
            self.auth.frames.pop()

    def _run(self, contract: str, function: str, args: list[Value]) -> bytes:
        asset = self.network.tokens.get(contract)
        if asset is not None:
            handler = tokens.FUNCTIONS.get(function)
            if handler is None:
                raise ContractError(f"trying to invoke non-existent contract function: {function}")
            return handler(self, asset, args)
        if contract == self.network.factory:
            return self._deploy(function, args)
        escrow = self.ctx.ledger.escrows.get(contract)
        if escrow is None:
            raise ContractError("trying to get non-existing value for contract instance")
        return escrow_common.call(self, escrow, function, args)

    def _deploy(self, function: str, args: list[Value]) -> bytes:
        kind = DEPLOYS.get(function)
        if kind is None:
            raise ContractError(f"trying to invoke non-existent contract function: {function}")
        signer, salt, init = _deploy_arguments(args)
        self.auth.require(signer)
        contract = deployed_id(self.network.passphrase, self.network.factory, salt)
        if contract in self.ctx.ledger.escrows:
            raise ContractError("contract already exists")
        try:
            escrow = from_value(init, kind, contract)
        except BadValue as problem:
            raise ContractError(f"wrong arguments: {problem}") from None
        self.asset_of(escrow.token)
        check_new(escrow)
        escrow = replace(escrow, signer=signer, created_at=self.ctx.close_time)
        self.store(escrow)
        announce(self, escrow, "tw_init", to_value(escrow))
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
        host = Host(ctx, network, source, body.auth)
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
