"""A contract call while it runs: its authorizations, what it may read, and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stellar_sdk import xdr

from offerhub.sandbox import assets
from offerhub.sandbox.auth import Authorizer, Frame
from offerhub.sandbox.codec import Address, Value
from offerhub.sandbox.context import Context, ContractError
from offerhub.sandbox.escrow import Escrow

#: Runs a function of whichever contract it is; answers the encoded return value.
Run = Callable[["Host", str, str, list[Value]], bytes]


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


class Host:
    """One InvokeHostFunction operation while it runs."""

    def __init__(
        self,
        ctx: Context,
        network: Contracts,
        source: str,
        auth: Sequence[xdr.SorobanAuthorizationEntry] | None,
        run: Run,
    ) -> None:
        self.ctx = ctx
        self.network = network
        self.auth = Authorizer(ctx, source, auth)
        self._run = run

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
            return self._run(self, contract, function, args)
        finally:
            self.auth.frames.pop()
