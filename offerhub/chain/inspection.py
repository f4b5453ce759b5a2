"""Reading an envelope that somebody else built, before it is signed; unread, it never is.

An escrow call is one contract invocation with the signer as source. Everything in it is compared
with what was asked: source, the one operation, contract, function, arguments by their meaning,
authorisations, fee and time bounds. Every difference raises EnvelopeRefused.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from stellar_sdk import (
    Address,
    InvokeHostFunction,
    Keypair,
    MuxedAccount,
    Network,
    NoneMemo,
    Preconditions,
    TransactionEnvelope,
    xdr,
)

from offerhub.chain.network import current
from offerhub.chain.types import Envelope, EnvelopeRefused
from offerhub.chain.values import native
from offerhub.core import clock
from offerhub.core.money import parse_amount

LONGEST_LIFE = timedelta(hours=1)  # how far ahead an envelope's expiry may be
MOST_TEXT = 200_000  # characters of an envelope; the network takes about as many bytes
_TYPE_V1 = b"\x00\x00\x00\x02"  # the first bytes of the one kind of envelope that is made today


@dataclass(frozen=True)
class TokenTransfer:
    """The one inner call that may be authorised: a transfer of this much from the signer."""

    token: str
    recipient: str
    amount: int


@dataclass(frozen=True)
class Intent:
    """What an envelope must say. `check` gets the decoded arguments and raises EnvelopeRefused."""

    signer: str
    contract: str  # empty: any of `factories`
    function: str
    check: Callable[[list[Any]], None]
    factories: Sequence[str] = ()  # allowed contracts of a deployment; empty allows any
    transfer: TokenTransfer | None = None
    meta: dict[str, Any] = field(default_factory=dict)


def read_call(unsigned_xdr: str, intent: Intent) -> Envelope:
    """The envelope, when it is exactly what was asked. Raises EnvelopeRefused."""
    try:
        raw = raw_of(unsigned_xdr)
        parsed = _parsed(raw)
        operation = _only_operation(parsed, intent)
        call = operation.host_function.invoke_contract
        assert call is not None
        _check_call(call, intent)
        _check_auth(operation, call, intent)
        valid_until = _check_limits(parsed)
        meta = dict(intent.meta)
        if not intent.contract:
            meta["contract_id"] = deployed_contract(call)
    except EnvelopeRefused:
        raise
    except Exception as error:
        raise EnvelopeRefused(f"the envelope can not be read: {type(error).__name__}") from error
    return Envelope(
        xdr=base64.b64encode(raw).decode(),
        hash=hash_of(raw),
        source=intent.signer,
        valid_until=valid_until,
        max_fee=parsed.transaction.fee,
        meta=meta,
    )


def same_transaction(handed_out: str, signed: str) -> bool:
    """Whether a signed envelope is the one that was handed out, but for its signatures."""
    try:
        return _parsed(raw_of(signed)).hash() == _parsed(raw_of(handed_out)).hash()
    except Exception:
        return False


def is_signed_by(signed: str, address: str) -> bool:
    """Whether an envelope carries one signature, and it is this account's own."""
    try:
        parsed = _parsed(raw_of(signed))
        (signature,) = parsed.signatures
        Keypair.from_public_key(address).verify(parsed.hash(), signature.signature)
    except Exception:
        return False
    return True


def require(condition: bool, text: str) -> None:
    """Refuse the envelope unless this holds."""
    if not condition:
        raise EnvelopeRefused(text)


def raw_of(text: str) -> bytes:
    require(len(text) <= MOST_TEXT, "it is larger than any transaction")
    raw = base64.b64decode(text, validate=True)
    require(raw[:4] == _TYPE_V1, "it is another kind of envelope")
    return raw


def _parsed(raw: bytes) -> TransactionEnvelope:
    envelope = xdr.TransactionEnvelope.from_xdr_bytes(raw)
    return TransactionEnvelope.from_xdr_object(envelope, current().passphrase)


def hash_of(raw: bytes) -> str:
    """The hash that is signed, over the very bytes that came, so that nothing is packed again.

    An unsigned envelope is its type, the transaction, and a count of zero signatures. Bytes beyond
    the transaction that was read would make a hash that fits no transaction at all.
    """
    network = Network(current().passphrase).network_id()
    return hashlib.sha256(network + raw[:-4]).hexdigest()


def _only_operation(parsed: TransactionEnvelope, intent: Intent) -> InvokeHostFunction:
    transaction = parsed.transaction
    require(not parsed.signatures, "the envelope is signed already")
    require(_is(transaction.source, intent.signer), "its source is another account")
    require(isinstance(transaction.memo, NoneMemo), "it carries a memo")
    require(len(transaction.operations) == 1, "it has more than one operation")
    operation = transaction.operations[0]
    require(isinstance(operation, InvokeHostFunction), "its operation is not a contract call")
    assert isinstance(operation, InvokeHostFunction)
    require(
        operation.source is None or _is(operation.source, intent.signer),
        "its operation has another source",
    )
    invoked = xdr.HostFunctionType.HOST_FUNCTION_TYPE_INVOKE_CONTRACT
    require(operation.host_function.type == invoked, "it does not invoke a contract")
    return operation


def _is(account: MuxedAccount, address: str) -> bool:
    return account.account_id == address and account.account_muxed_id is None


def _check_call(call: xdr.InvokeContractArgs, intent: Intent) -> None:
    contract = Address.from_xdr_sc_address(call.contract_address).address
    if intent.contract:
        require(contract == intent.contract, "it calls another contract")
    elif intent.factories:
        require(contract in intent.factories, "it calls a factory that is not allowed")
    function = call.function_name.sc_symbol.decode()
    require(function == intent.function, f"it calls {function!r}")
    arguments = [native(argument) for argument in call.args]
    # True equals 1 in Python, and must not pass for an index.
    require(not any(isinstance(a, bool) for a in arguments), "it has an argument of another kind")
    intent.check(arguments)


def _check_auth(
    operation: InvokeHostFunction, call: xdr.InvokeContractArgs, intent: Intent
) -> None:
    require(len(operation.auth) <= 1, "it asks for more than one authorisation")
    for entry in operation.auth:
        own = xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT
        require(entry.credentials.type == own, "it asks for the authorisation of another party")
        root = entry.root_invocation
        require(
            root.function.contract_fn is not None and root.function.contract_fn == call,
            "it authorises another call",
        )
        require(len(root.sub_invocations) <= 1, "it authorises more than one inner call")
        for inner in root.sub_invocations:
            _check_inner(inner, intent)


def _check_inner(inner: xdr.SorobanAuthorizedInvocation, intent: Intent) -> None:
    allowed, call = intent.transfer, inner.function.contract_fn
    require(allowed is not None and call is not None, "it authorises an inner call")
    assert allowed is not None
    assert call is not None
    said = (
        Address.from_xdr_sc_address(call.contract_address).address,
        call.function_name.sc_symbol.decode(),
        [native(argument) for argument in call.args],
    )
    meant = (allowed.token, "transfer", [intent.signer, allowed.recipient, allowed.amount])
    require(said == meant, "it authorises another transfer")
    require(not inner.sub_invocations, "it authorises calls within the transfer")


def _check_limits(parsed: TransactionEnvelope) -> datetime:
    transaction = parsed.transaction
    cap = parse_amount(settings.MAX_NETWORK_FEE)
    require(transaction.fee <= cap, f"its fee of {transaction.fee} stroops is over the cap")
    conditions = transaction.preconditions
    bounds = conditions.time_bounds if conditions is not None else None
    require(bounds is not None and bounds.max_time > 0, "it never expires")
    assert conditions is not None
    assert bounds is not None
    require(_only_time(conditions), "it has conditions beyond a time")
    now = clock.now()
    require(bounds.min_time <= (now + LONGEST_LIFE).timestamp(), "it applies too far in the future")
    require(bounds.max_time <= (now + LONGEST_LIFE).timestamp(), "it expires too far in the future")
    return datetime.fromtimestamp(bounds.max_time, UTC)


def _only_time(conditions: Preconditions) -> bool:
    """Whether nothing else decides when, in which order and by whom signed it applies."""
    return not (
        conditions.ledger_bounds
        or conditions.min_sequence_number is not None
        or conditions.min_sequence_age
        or conditions.min_sequence_ledger_gap
        or conditions.extra_signers
    )


def deployed_contract(call: xdr.InvokeContractArgs) -> str:
    """The id of the contract that a factory call will make: known before it is sent."""
    salt = next(
        bytes(a.bytes.sc_bytes)
        for i, a in enumerate(call.args)
        if i >= 2 and a.bytes is not None and len(a.bytes.sc_bytes) == 32
    )
    preimage = xdr.HashIDPreimage(
        xdr.EnvelopeType.ENVELOPE_TYPE_CONTRACT_ID,
        contract_id=xdr.HashIDPreimageContractID(
            network_id=xdr.Hash(Network(current().passphrase).network_id()),
            contract_id_preimage=xdr.ContractIDPreimage(
                xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
                from_address=xdr.ContractIDPreimageFromAddress(
                    address=call.contract_address, salt=xdr.Uint256(salt)
                ),
            ),
        ),
    )
    return Address.from_raw_contract(hashlib.sha256(preimage.to_xdr_bytes()).digest()).address
