"""What a dishonest escrow API could put into an unsigned envelope, by name.

Each mutation takes an honest envelope and changes one thing. A client that compares what it
gets with what it asked for refuses every one of them before it signs.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from stellar_sdk import (
    Asset,
    Keypair,
    MuxedAccount,
    Payment,
    TextMemo,
    TransactionEnvelope,
    xdr,
)

from offerhub.sandbox.codec import (
    contract_text,
    sc_address,
    sc_address_body,
    sc_i128,
    sc_string,
    sc_u32,
)

Mutation = Callable[[TransactionEnvelope, random.Random], None]
_KIND = xdr.SCValType


def _call(envelope: TransactionEnvelope) -> xdr.InvokeContractArgs:
    function = getattr(envelope.transaction.operations[0], "host_function", None)
    if function is None or function.invoke_contract is None:
        raise ValueError("there is no contract call to change")
    call: xdr.InvokeContractArgs = function.invoke_contract
    return call


def _value(encoded: bytes) -> xdr.SCVal:
    return xdr.SCVal.from_xdr_bytes(encoded)


def _stranger(rng: random.Random) -> Keypair:
    return Keypair.from_raw_ed25519_seed(rng.randbytes(32))


def _walk(value: xdr.SCVal) -> list[xdr.SCVal]:
    """A value and everything inside it."""
    found = [value]
    if value.vec is not None:
        for item in value.vec.sc_vec:
            found += _walk(item)
    if value.map is not None:
        for entry in value.map.sc_map:
            found += _walk(entry.key) + _walk(entry.val)
    return found


def _change(envelope: TransactionEnvelope, kind: xdr.SCValType, encoded: bytes) -> None:
    """Replace the last value of a kind anywhere in the arguments."""
    new = _value(encoded)
    values = [item for arg in _call(envelope).args for item in _walk(arg) if item.type == kind]
    if not values:
        raise ValueError("no argument of that kind")
    values[-1].__dict__.update(new.__dict__)


def wrong_amount(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The last amount is a thousand times larger, or one that was never asked for."""
    _change(envelope, _KIND.SCV_I128, sc_i128(987_654_321_0000000 + rng.randrange(1000)))


def other_receiver(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The last address among the arguments is a stranger's."""
    _change(envelope, _KIND.SCV_ADDRESS, sc_address(_stranger(rng).public_key))


def other_signer(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The acting address among the arguments is a stranger's."""
    new = _value(sc_address(_stranger(rng).public_key))
    for arg in _call(envelope).args:
        if arg.type == _KIND.SCV_ADDRESS:
            arg.__dict__.update(new.__dict__)
            return
    raise ValueError("no address among the arguments")


def other_contract(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The call goes to another contract."""
    address = sc_address_body(contract_text(rng.randbytes(32)))
    _call(envelope).contract_address = xdr.SCAddress.from_xdr_bytes(address)


def other_function(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """Another function of the contract is called."""
    _call(envelope).function_name = xdr.SCSymbol(b"withdraw_remaining_funds")


def wrong_index(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """A number among the arguments (a milestone's index) is another one."""
    for arg in _call(envelope).args:
        if arg.u32 is not None:
            arg.__dict__.update(_value(sc_u32(arg.u32.uint32 + 1)).__dict__)
            return
    raise ValueError("no index among the arguments")


def extra_argument(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """One more argument than the function has."""
    _call(envelope).args.append(_value(sc_string("extra")))


def missing_argument(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """One argument less than the function has."""
    _call(envelope).args.pop()


def extra_operation(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """A payment rides along."""
    theft = Payment(_stranger(rng).public_key, Asset.native(), "1")
    envelope.transaction.operations.append(theft)


def payment_instead(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """There is no contract call at all, but a payment to a stranger."""
    theft = Payment(_stranger(rng).public_key, Asset.native(), "100")
    envelope.transaction.operations = [theft]
    envelope.transaction.soroban_data = None


def other_source(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The transaction belongs to another account."""
    envelope.transaction.source = _account(rng)


def operation_source(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The operation runs on behalf of another account."""
    envelope.transaction.operations[0].source = _account(rng)


def _account(rng: random.Random) -> MuxedAccount:
    return MuxedAccount(_stranger(rng).public_key)


def huge_fee(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The fee would empty the account."""
    envelope.transaction.fee = 4_000_000_000


def missing_max_time(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The envelope never expires."""
    envelope.transaction.preconditions = None


def far_max_time(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The envelope expires in ten years."""
    conditions = envelope.transaction.preconditions
    if conditions is None or conditions.time_bounds is None:
        raise ValueError("there are no time bounds to change")
    conditions.time_bounds.max_time += 315_360_000


def wrong_sequence(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The sequence number is one that comes much later."""
    envelope.transaction.sequence += 1000


def extra_auth_entry(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The signature would also permit a call that nobody asked for."""
    operation = envelope.transaction.operations[0]
    entries = getattr(operation, "auth", None)
    if not entries:
        raise ValueError("there is no authorization to add to")
    copy = xdr.SorobanAuthorizationEntry.from_xdr_bytes(entries[0].to_xdr_bytes())
    call = copy.root_invocation.function.contract_fn
    if call is not None:
        call.function_name = xdr.SCSymbol(b"transfer")
    entries.append(copy)


def deeper_auth(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """The authorization also permits a second call below the one that was asked for."""
    operation = envelope.transaction.operations[0]
    entries = getattr(operation, "auth", None)
    if not entries:
        raise ValueError("there is no authorization to change")
    invocation = entries[0].root_invocation
    copy = xdr.SorobanAuthorizedInvocation.from_xdr_bytes(invocation.to_xdr_bytes())
    call = copy.function.contract_fn
    if call is not None:
        call.function_name = xdr.SCSymbol(b"transfer")
    invocation.sub_invocations.append(copy)


def memo(envelope: TransactionEnvelope, rng: random.Random) -> None:
    """A memo that nobody asked for."""
    envelope.transaction.memo = TextMemo("not asked for")


MUTATIONS: dict[str, Mutation] = {
    "wrong-amount": wrong_amount,
    "other-receiver": other_receiver,
    "other-signer": other_signer,
    "other-contract": other_contract,
    "other-function": other_function,
    "wrong-index": wrong_index,
    "extra-argument": extra_argument,
    "missing-argument": missing_argument,
    "extra-operation": extra_operation,
    "payment-instead": payment_instead,
    "other-source": other_source,
    "operation-source": operation_source,
    "huge-fee": huge_fee,
    "missing-max-time": missing_max_time,
    "far-max-time": far_max_time,
    "wrong-sequence": wrong_sequence,
    "extra-auth-entry": extra_auth_entry,
    "deeper-auth": deeper_auth,
    "memo": memo,
}


def tamper(text: str, passphrase: str, rng: random.Random, name: str = "") -> tuple[str, str]:
    """A changed envelope and the mutation that did it.

    Without a name one that fits is drawn; where the named one finds nothing to change, the call
    gets one more argument.
    """
    drawn = rng.sample(sorted(MUTATIONS), len(MUTATIONS))
    names = [name, "extra-argument", *drawn] if name else drawn
    for candidate in names:
        envelope = TransactionEnvelope.from_xdr(text, passphrase)
        try:
            MUTATIONS[candidate](envelope, rng)
        except ValueError:
            continue
        return envelope.to_xdr(), candidate
    raise ValueError("no mutation fits this envelope")
