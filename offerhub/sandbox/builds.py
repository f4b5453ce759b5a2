"""From a request body to the contract call that it asks for, one function per endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from stellar_sdk import xdr

from offerhub.sandbox import assets, escrow_json
from offerhub.sandbox.codec import (
    Address,
    Symbol,
    Value,
    plain,
    sc_address,
    sc_address_map,
    sc_bytes,
    sc_i128,
    sc_string,
    sc_symbol,
    sc_u32,
    sc_vec,
)
from offerhub.sandbox.context import ContractError
from offerhub.sandbox.escrow import Escrow, Kind, to_value
from offerhub.sandbox.fields import Fields, failure
from offerhub.sandbox.rules import MAX_DISTRIBUTIONS, REFUSALS
from offerhub.sandbox.simulation import Call
from offerhub.sandbox.web import Refused

if TYPE_CHECKING:
    from offerhub.sandbox.network import Network

Arg = tuple[Value, bytes]
_INIT = "initialize_escrow"


@dataclass(frozen=True, slots=True)
class Built:
    """Who has to sign, and what they would call."""

    signer: str
    call: Call


def _address(who: str) -> Arg:
    return Address(who), sc_address(who) if who else b""


def _amount(number: int) -> Arg:
    return number, sc_i128(number)


def _index(number: int) -> Arg:
    return number, sc_u32(number)


def _text(words: str) -> Arg:
    return words, sc_string(words)


def _struct(escrow: Escrow) -> Arg:
    raw = to_value(escrow)
    return plain(xdr.SCVal.from_xdr_bytes(raw)), raw


def _call(contract: str, function: str, *args: Arg) -> Call:
    return Call(contract, function, [value for value, _ in args], [raw for _, raw in args])


def refused(name: str) -> Refused:
    """A contract rule's error, with the status that the API gives it."""
    return Refused(failure(500, REFUSALS[name][2]))


class Builds:
    """The build endpoints. Each answers a Built, or raises Refused."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._count = int(network.store.meta("builds") or 0)

    def _stored(self, body: Fields, kind: Kind) -> Escrow:
        """The escrow that a body names; its other complaints come first."""
        contract = body.contract("contractId")
        body.done()
        escrow = self.network.ledger.escrows.get(contract)
        if escrow is None or escrow.kind != kind:
            raise refused("not_found")
        return escrow

    @property
    def _fees(self) -> Arg:
        return _address(self.network.contracts.fee_address)

    def _salt(self) -> bytes:
        """32 bytes that no other build gets, also not after a restart."""
        self._count += 1
        self.network.store.set_meta({"builds": str(self._count)})
        return self.network.keys.material(f"salt {self._count}")

    def _token(self, body: Fields, known: Escrow | None = None) -> str:
        line = body.inside("trustline", required=known is None)
        if known is not None and not line.has("address"):
            return known.token
        issuer, symbol = line.holder("address"), ""
        if known is None or line.has("symbol"):
            symbol = line.text("symbol", 12)
        if body.complaints or issuer.startswith("C"):
            return issuer
        if known is not None and not symbol:
            return known.token
        return self._asset_contract(body, symbol, issuer)

    def _asset_contract(self, body: Fields, symbol: str, issuer: str) -> str:
        if not symbol.isascii() or not symbol.isalnum():
            body.complain("trustline.symbol", "must be an asset code")
            return ""
        return assets.contract_of(f"{symbol}:{issuer}", self.network.options.passphrase)

    def deploy(self, body: Fields, kind: Kind) -> Built:
        """POST /deployer/{type}"""
        signer = body.account("signer")
        escrow = escrow_json.from_json(body, kind, "", self._token(body), fresh=True)
        body.done()
        salt, wasm = self._salt(), self.network.keys.wasm_hash
        value, raw = _struct(escrow)
        function = f"tw_new_{kind}_release_escrow"
        args: tuple[Arg, ...] = (
            _address(signer),
            (wasm, sc_bytes(wasm)),
            (salt, sc_bytes(salt)),
            (Symbol(_INIT), sc_symbol(_INIT)),
            ([value], sc_vec([raw])),
            ([], sc_vec([])),
        )
        return Built(signer, _call(self.network.contracts.factory, function, *args))

    def fund(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/{type}/fund-escrow"""
        signer, amount = body.account("signer"), body.amount("amount")
        escrow = self._stored(body, kind)
        args = (_address(signer), _struct(escrow), _amount(amount))
        return Built(signer, _call(escrow.contract_id, "fund_escrow", *args))

    def change_status(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/{type}/change-milestone-status"""
        index, provider = body.index("milestoneIndex"), body.account("serviceProvider")
        status = body.text("newStatus", escrow_json.STATUS)
        evidence = body.text("newEvidence", escrow_json.EVIDENCE, required=False)
        escrow = self._stored(body, kind)
        args = (_index(index), _text(status), _text(evidence), _address(provider))
        return Built(provider, _call(escrow.contract_id, "change_milestone_status", *args))

    def approve(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/{type}/approve-milestone"""
        index, approver = body.index("milestoneIndex"), body.account("approver")
        escrow = self._stored(body, kind)
        args = (_index(index), _address(approver))
        return Built(approver, _call(escrow.contract_id, "approve_milestone", *args))

    def release(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/single-release/release-funds, multi-release/release-milestone-funds"""
        signer = body.account("releaseSigner")
        if kind == "single":
            escrow = self._stored(body, kind)
            call = _call(escrow.contract_id, "release_funds", _address(signer), self._fees)
            return Built(signer, call)
        index = body.index("milestoneIndex")
        escrow = self._stored(body, kind)
        args = (_address(signer), self._fees, _index(index))
        return Built(signer, _call(escrow.contract_id, "release_milestone_funds", *args))

    def dispute(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/single-release/dispute-escrow, multi-release/dispute-milestone"""
        signer = body.account("signer")
        if kind == "single":
            escrow = self._stored(body, kind)
            return Built(signer, _call(escrow.contract_id, "dispute_escrow", _address(signer)))
        index = body.index("milestoneIndex")
        escrow = self._stored(body, kind)
        call = _call(escrow.contract_id, "dispute_milestone", _index(index), _address(signer))
        return Built(signer, call)

    def _distributions(self, body: Fields) -> Arg:
        """``[{address, amount}]``; pairs of address and decimal text are taken too."""
        split: dict[str, int] = {}
        items = body.items("distributions")
        if len(items) > MAX_DISTRIBUTIONS:
            body.complain("distributions", f"must not hold more than {MAX_DISTRIBUTIONS} items")
        for index, item in enumerate(items):
            if isinstance(item, list) and len(item) == 2:
                item = {"address": item[0], "amount": _pair_amount(item[1])}
            fields = Fields(item, body.complaints, f"distributions.{index}.")
            who = fields.holder("address")
            if who and who in split:
                body.complain("distributions", "must have unique addresses")
            split[who] = fields.amount("amount")
        split.pop("", None)
        raw = sc_address_map({who: sc_i128(amount) for who, amount in split.items()})
        return plain(xdr.SCVal.from_xdr_bytes(raw)), raw

    def resolve(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/single-release/resolve-dispute, multi-release/resolve-milestone-dispute"""
        resolver, split = body.account("disputeResolver"), self._distributions(body)
        if kind == "single":
            escrow = self._stored(body, kind)
            args = (_address(resolver), self._fees, split)
            return Built(resolver, _call(escrow.contract_id, "resolve_dispute", *args))
        index = body.index("milestoneIndex")
        escrow = self._stored(body, kind)
        args4 = (_address(resolver), _index(index), self._fees, split)
        return Built(resolver, _call(escrow.contract_id, "resolve_milestone_dispute", *args4))

    def withdraw(self, body: Fields, kind: Kind) -> Built:
        """POST /escrow/{type}/withdraw-remaining-funds"""
        resolver, split = body.account("disputeResolver"), self._distributions(body)
        escrow = self._stored(body, kind)
        args = (_address(resolver), self._fees, split)
        return Built(resolver, _call(escrow.contract_id, "withdraw_remaining_funds", *args))

    def update(self, body: Fields, kind: Kind) -> Built:
        """PUT /escrow/{type}/update-escrow"""
        signer = body.account("signer")
        escrow = self._stored(body, kind)
        inner = body.inside("escrow")
        token = self._token(inner, escrow)
        new = escrow_json.from_json(inner, kind, escrow.contract_id, token, fresh=False)
        body.done()
        call = _call(escrow.contract_id, "update_escrow", _address(signer), _struct(new))
        return Built(signer, call)


def _pair_amount(value: object) -> object:
    """The amount of an (address, decimal text) pair as the number that objects carry."""
    try:
        return Decimal(assets.stroops(value)) / assets.ONE
    except ValueError:
        return value


Build = Callable[[Builds, Fields, Kind], Built]

#: (method, type, last part of the path) to the build.
ENDPOINTS: dict[tuple[str, str, str], Build] = {
    ("POST", "single-release", "release-funds"): Builds.release,
    ("POST", "multi-release", "release-milestone-funds"): Builds.release,
    ("POST", "single-release", "dispute-escrow"): Builds.dispute,
    ("POST", "multi-release", "dispute-milestone"): Builds.dispute,
    ("POST", "single-release", "resolve-dispute"): Builds.resolve,
    ("POST", "multi-release", "resolve-milestone-dispute"): Builds.resolve,
}
for _kind in ("single-release", "multi-release"):
    ENDPOINTS |= {
        ("POST", _kind, "fund-escrow"): Builds.fund,
        ("POST", _kind, "change-milestone-status"): Builds.change_status,
        ("POST", _kind, "approve-milestone"): Builds.approve,
        ("POST", _kind, "withdraw-remaining-funds"): Builds.withdraw,
        ("PUT", _kind, "update-escrow"): Builds.update,
    }


def message(error: ContractError) -> str:
    """What the API says of a trap: the rule's own words, or a general failure."""
    if any(error.message == words for _, _, words in REFUSALS.values()):
        return error.message
    return f"Transaction simulation failed: {error.diagnostic.splitlines()[0]}"
