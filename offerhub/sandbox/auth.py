"""Who agreed to a contract call: the authorization trees of an InvokeHostFunction operation.

Two modes. Enforcing: every ``require`` must find its call in a tree that its address signed
(source-account credentials count as signed by the operation's source). Recording: every
``require`` passes and is written down, which is how a simulation finds the trees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from stellar_sdk import Keypair, xdr
from stellar_sdk.exceptions import BadSignatureError

from offerhub.sandbox.codec import (
    Address,
    Value,
    account_text,
    address_of,
    i64,
    opaque,
    plain,
    sc_address,
    sc_address_body,
    sc_i128,
    u32,
)
from offerhub.sandbox.context import Context, ContractError
from offerhub.sandbox.envelope import network_id

_CREDENTIALS = xdr.SorobanCredentialsType


@dataclass(slots=True)
class Frame:
    """A running contract call, and the tree nodes that permitted it, by address."""

    contract: str
    function: str
    args: list[Value]
    raw: Sequence[bytes] = ()
    matched: dict[str, Node] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """One authorized call and the calls below it. ``raw`` is only kept when recording."""

    contract: str
    function: str
    args: list[Value]
    raw: Sequence[bytes] = ()
    children: list[Node] = field(default_factory=list)
    used: bool = False

    def matches(self, frame: Frame) -> bool:
        """Whether this node stands for the running call and was not used yet."""
        return (
            not self.used
            and self.contract == frame.contract
            and self.function == frame.function
            and self.args == frame.args
        )

    def to_xdr(self) -> bytes:
        """The XDR of a SorobanAuthorizedInvocation."""
        call = sc_address_body(self.contract) + opaque(self.function.encode())
        call += u32(len(self.raw)) + b"".join(self.raw)
        below = b"".join(child.to_xdr() for child in self.children)
        return u32(0) + call + u32(len(self.children)) + below


@dataclass(slots=True)
class Root:
    """A signed tree. ``proof`` is None for source-account credentials."""

    node: Node
    entry: xdr.SorobanAuthorizationEntry
    proof: xdr.SorobanAddressCredentials | None = None
    verified: bool = False


def _encoded(args: list[Value]) -> list[bytes]:
    """Token calls take addresses and amounts only; other calls bring their own encoding."""
    return [sc_address(a) if isinstance(a, Address) else sc_i128(_number(a)) for a in args]


def _number(value: Value) -> int:
    if isinstance(value, int):
        return value
    raise ContractError("a call whose arguments cannot be recorded")


def _tree(invocation: xdr.SorobanAuthorizedInvocation) -> Node:
    call = invocation.function.contract_fn
    if call is None:
        raise ContractError("an authorization for something else than a contract call")
    return Node(
        contract=address_of(call.contract_address),
        function=call.function_name.sc_symbol.decode("utf-8", "replace"),
        args=[plain(arg) for arg in call.args],
        children=[_tree(child) for child in invocation.sub_invocations],
    )


class Authorizer:
    """The stack of running calls, and the trees that permit them."""

    def __init__(
        self,
        ctx: Context,
        source: str,
        entries: Sequence[xdr.SorobanAuthorizationEntry] | None,
    ) -> None:
        self.frames: list[Frame] = []
        self.recorded: list[tuple[str, Node]] = []
        self._ctx = ctx
        self._source = source
        self._recording = entries is None
        self._roots: dict[str, list[Root]] = {}
        for entry in entries or ():
            self._take(entry)

    def _take(self, entry: xdr.SorobanAuthorizationEntry) -> None:
        kind = entry.credentials.type
        node = _tree(entry.root_invocation)
        if kind == _CREDENTIALS.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT:
            self._roots.setdefault(self._source, []).append(Root(node, entry))
            return
        proof = entry.credentials.address
        if kind != _CREDENTIALS.SOROBAN_CREDENTIALS_ADDRESS or proof is None:
            raise ContractError("authorization credentials of a kind not taken here")
        address = address_of(proof.address)
        self._roots.setdefault(address, []).append(Root(node, entry, proof))

    def require(self, address: str) -> None:
        """The running call must have been authorized by the address; ContractError if not."""
        frame = self.frames[-1]
        if len(self.frames) > 1 and self.frames[-2].contract == address:
            return
        outer = (f.matched[address] for f in self.frames[-2::-1] if address in f.matched)
        above = next(outer, None)
        if self._recording:
            frame.matched[address] = self._record(address, frame, above)
            return
        node = self._below(above, frame) if above is not None else self._root(address, frame)
        if node is None:
            raise ContractError(f"{address} did not authorize {frame.function}")
        node.used = True
        frame.matched[address] = node

    def _record(self, address: str, frame: Frame, above: Node | None) -> Node:
        raw = frame.raw or _encoded(frame.args)
        node = Node(frame.contract, frame.function, frame.args, raw)
        if above is not None:
            above.children.append(node)
        else:
            self.recorded.append((address, node))
        return node

    def _below(self, above: Node, frame: Frame) -> Node | None:
        return next((child for child in above.children if child.matches(frame)), None)

    def _root(self, address: str, frame: Frame) -> Node | None:
        for root in self._roots.get(address, ()):
            if root.node.matches(frame):
                if root.proof is not None and not root.verified:
                    self._verify(address, root, root.proof)
                    root.verified = True
                return root.node
        return None

    def _verify(self, address: str, root: Root, proof: xdr.SorobanAddressCredentials) -> None:
        """Check expiry, nonce and signatures of an address's own credentials."""
        until, nonce = proof.signature_expiration_ledger.uint32, proof.nonce.int64
        if until < self._ctx.sequence:
            raise ContractError("the authorization has expired")
        if self._ctx.ledger.nonce_used(address, nonce):
            raise ContractError("the authorization was already used")
        preimage = network_id(self._ctx.passphrase) + i64(nonce) + u32(until)
        preimage = u32(9) + preimage + root.entry.root_invocation.to_xdr_bytes()
        digest = hashlib.sha256(preimage).digest()
        if self._weight(address, plain(proof.signature), digest) < self._needed(address):
            raise ContractError("the authorization is not signed by its address")
        self._ctx.ledger.put_nonce(address, nonce, until)

    def _needed(self, address: str) -> int:
        account = self._ctx.ledger.accounts.get(address)
        return max(1, account.thresholds[2]) if account is not None else 256

    def _weight(self, address: str, signatures: Value, digest: bytes) -> int:
        account = self._ctx.ledger.accounts.get(address)
        if account is None or not isinstance(signatures, list):
            return 0
        weights = {signer.key: signer.weight for signer in account.signers}
        weights[address] = account.thresholds[0]
        total = 0
        for item in signatures:
            key = _signer(item, digest)
            total += weights.pop(key, 0)
        return total


def _signer(item: Value, digest: bytes) -> str:
    """G... whose valid signature the item is; ContractError for a wrong one."""
    if not isinstance(item, dict):
        raise ContractError("a malformed authorization signature")
    key, signature = item.get("public_key"), item.get("signature")
    if not isinstance(key, bytes) or not isinstance(signature, bytes):
        raise ContractError("a malformed authorization signature")
    address = account_text(key)
    try:
        Keypair.from_public_key(address).verify(digest, signature)
    except (BadSignatureError, ValueError):
        raise ContractError("a wrong authorization signature") from None
    return address
