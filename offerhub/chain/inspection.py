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
    Network,
    NoneMemo,
    TransactionEnvelope,
    scval,
    xdr,
)

from offerhub.chain.network import current
from offerhub.chain.types import Envelope, EnvelopeRefused
from offerhub.core import clock
from offerhub.core.money import parse_amount

HORIZON = timedelta(hours=1)  # how far ahead an envelope's expiry may be


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
        parsed = TransactionEnvelope.from_xdr(unsigned_xdr, current().passphrase)
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
        xdr=unsigned_xdr,
        hash=_hash(unsigned_xdr),
        source=intent.signer,
        valid_until=valid_until,
        max_fee=parsed.transaction.fee,
        meta=meta,
    )


def _hash(unsigned_xdr: str) -> str:
    """The hash that is signed, over the very bytes that came, so that nothing is packed again.

    An unsigned envelope is its type, the transaction, and a count of zero signatures. Bytes beyond
    the transaction that was read would make a hash that fits no transaction at all.
    """
    raw = base64.b64decode(unsigned_xdr)
    network = Network(current().passphrase).network_id()
    return hashlib.sha256(network + raw[:-4]).hexdigest()


def same_transaction(handed_out: str, signed: str) -> bool:
    """Whether a signed envelope is the one that was handed out, but for its signatures."""
    passphrase = current().passphrase
    try:
        ours = TransactionEnvelope.from_xdr(handed_out, passphrase).hash()
        return bool(TransactionEnvelope.from_xdr(signed, passphrase).hash() == ours)
    except Exception:
        return False


def require(condition: bool, text: str) -> None:
    """Refuse the envelope unless this holds."""
    if not condition:
        raise EnvelopeRefused(text)


def _only_operation(parsed: TransactionEnvelope, intent: Intent) -> InvokeHostFunction:
    transaction = parsed.transaction
    require(not parsed.signatures, "the envelope is signed already")
    require(transaction.source.account_id == intent.signer, "its source is another account")
    require(transaction.source.account_muxed_id is None, "its source is a muxed account")
    require(isinstance(transaction.memo, NoneMemo), "it carries a memo")
    require(len(transaction.operations) == 1, "it has more than one operation")
    operation = transaction.operations[0]
    require(isinstance(operation, InvokeHostFunction), "its operation is not a contract call")
    require(
        operation.source is None or operation.source.account_id == intent.signer,
        "its operation has another source",
    )
    assert isinstance(operation, InvokeHostFunction)
    invoked = xdr.HostFunctionType.HOST_FUNCTION_TYPE_INVOKE_CONTRACT
    require(operation.host_function.type == invoked, "it does not invoke a contract")
    return operation


def _check_call(call: xdr.InvokeContractArgs, intent: Intent) -> None:
    contract = Address.from_xdr_sc_address(call.contract_address).address
    if intent.contract:
        require(contract == intent.contract, "it calls another contract")
    elif intent.factories:
        require(contract in intent.factories, "it calls a factory that is not allowed")
    function = call.function_name.sc_symbol.decode()
    require(function == intent.function, f"it calls {function!r}")
    intent.check([native(argument) for argument in call.args])


def native(value: xdr.SCVal) -> Any:
    """A contract value in plain Python: addresses and texts as str, numbers as int."""
    return _plain(scval.to_native(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Address):
        return value.address
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value


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
    assert bounds is not None
    try:
        valid_until = datetime.fromtimestamp(bounds.max_time, UTC)
    except (ValueError, OverflowError, OSError):
        raise EnvelopeRefused("it expires too far in the future") from None
    require(valid_until <= clock.now() + HORIZON, "it expires too far in the future")
    return valid_until


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
