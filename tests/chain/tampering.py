"""Changes to real envelopes that a dishonest provider could make, field by field."""

import base64
from collections.abc import Callable
from typing import Any

from stellar_sdk import Address, Keypair, MuxedAccount, scval, xdr

from tests.chain.relay import Relay, Reply

Envelope = xdr.TransactionEnvelope
Change = Callable[[Envelope], Envelope | None]

STRANGER = Keypair.random().public_key
OTHER_CONTRACT = Address.from_raw_contract(bytes(32)).address


def tamper(relay: Relay, change: Change) -> None:
    """Change the envelope of every build from now on."""

    def bent(reply: Reply) -> Reply:
        body = reply.json()
        if "unsignedTransaction" in body:
            envelope = Envelope.from_xdr(body["unsignedTransaction"])
            body["unsignedTransaction"] = (change(envelope) or envelope).to_xdr()
        return Reply.of(body, reply.status)

    for path in ("/deployer/", "/escrow/"):
        relay.change(path, bent)


def transaction(envelope: Envelope) -> xdr.Transaction:
    assert envelope.v1 is not None
    return envelope.v1.tx


def operation(envelope: Envelope) -> xdr.InvokeHostFunctionOp:
    found = transaction(envelope).operations[0].body.invoke_host_function_op
    assert found is not None
    return found


def call(envelope: Envelope) -> xdr.InvokeContractArgs:
    found = operation(envelope).host_function.invoke_contract
    assert found is not None
    return found


def argument(number: int, value: xdr.SCVal) -> Change:
    """Another argument at this place, also in the authorisation."""

    def change(envelope: Envelope) -> None:
        call(envelope).args[number] = value
        for entry in operation(envelope).auth:
            root = entry.root_invocation.function.contract_fn
            assert root is not None
            root.args[number] = value

    return change


def _find(value: xdr.SCVal, path: tuple[str | int, ...]) -> xdr.SCVal:
    for step in path:
        if isinstance(step, int):
            assert value.vec is not None
            value = value.vec.sc_vec[step]
        else:
            value = _entry(value, step).val
    return value


def _entry(value: xdr.SCVal, name: str) -> xdr.SCMapEntry:
    assert value.map is not None
    key = scval.to_symbol(name)
    return next(entry for entry in value.map.sc_map if entry.key == key)


def field(number: int, *path: str | int, value: xdr.SCVal) -> Change:
    """Another value of a field within an argument, also in the authorisation."""

    def change(envelope: Envelope) -> None:
        for args in _all_args(envelope):
            target = _find(args[number], path[:-1])
            last = path[-1]
            if isinstance(last, int):
                assert target.vec is not None
                target.vec.sc_vec[last] = value
            else:
                _entry(target, last).val = value

    return change


def extra_field(number: int, *path: str | int, name: str, value: xdr.SCVal) -> Change:
    """One more field within an argument, or the same once more."""

    def change(envelope: Envelope) -> None:
        for args in _all_args(envelope):
            target = _find(args[number], path)
            assert target.map is not None
            target.map.sc_map.append(xdr.SCMapEntry(scval.to_symbol(name), value))

    return change


def one_part_less(envelope: Envelope) -> None:
    """A milestone is missing."""
    for args in _all_args(envelope):
        parts = _find(args[4], (0, "milestones"))
        assert parts.vec is not None
        parts.vec.sc_vec.pop()


def _all_args(envelope: Envelope) -> list[list[xdr.SCVal]]:
    """The call's arguments, and those of the authorisation, which are objects of their own."""
    roots = [entry.root_invocation.function.contract_fn for entry in operation(envelope).auth]
    return [call(envelope).args, *(root.args for root in roots if root is not None)]


def without_argument(number: int) -> Change:
    """The argument at this place is not given."""

    def change(envelope: Envelope) -> None:
        for args in _all_args(envelope):
            del args[number]

    return change


# --- the envelope around the call -------------------------------------------------------------
def _conditions(envelope: Envelope, **more: Any) -> None:
    tx = transaction(envelope)
    assert tx.cond.time_bounds is not None
    tx.cond = xdr.Preconditions(
        xdr.PreconditionType.PRECOND_V2,
        v2=xdr.PreconditionsV2(
            time_bounds=tx.cond.time_bounds,
            ledger_bounds=more.get("ledger_bounds"),
            min_seq_num=more.get("min_seq_num"),
            min_seq_age=more.get("min_seq_age", xdr.Duration(xdr.Uint64(0))),
            min_seq_ledger_gap=xdr.Uint32(more.get("gap", 0)),
            extra_signers=more.get("extra_signers", []),
        ),
    )


def ledger_bounds(envelope: Envelope) -> None:
    _conditions(envelope, ledger_bounds=xdr.LedgerBounds(xdr.Uint32(1), xdr.Uint32(9)))


def any_sequence(envelope: Envelope) -> None:
    _conditions(envelope, min_seq_num=xdr.SequenceNumber(xdr.Int64(0)))


def sequence_age(envelope: Envelope) -> None:
    _conditions(envelope, min_seq_age=xdr.Duration(xdr.Uint64(9)))


def sequence_gap(envelope: Envelope) -> None:
    _conditions(envelope, gap=9)


def extra_signer(envelope: Envelope) -> None:
    key = xdr.Uint256(Keypair.from_public_key(STRANGER).raw_public_key())
    signer = xdr.SignerKey(xdr.SignerKeyType.SIGNER_KEY_TYPE_ED25519, ed25519=key)
    _conditions(envelope, extra_signers=[signer])


def not_yet(envelope: Envelope) -> None:
    bounds = transaction(envelope).cond.time_bounds
    assert bounds is not None
    bounds.min_time = xdr.TimePoint(xdr.Uint64(bounds.max_time.time_point.uint64 + 7200))


def for_ever(envelope: Envelope) -> None:
    bounds = transaction(envelope).cond.time_bounds
    assert bounds is not None
    bounds.max_time = xdr.TimePoint(xdr.Uint64(0))


def until_the_end_of_time(envelope: Envelope) -> None:
    bounds = transaction(envelope).cond.time_bounds
    assert bounds is not None
    bounds.max_time = xdr.TimePoint(xdr.Uint64(2**64 - 1))


def muxed_source(envelope: Envelope) -> None:
    tx = transaction(envelope)
    assert tx.source_account.ed25519 is not None
    account = MuxedAccount.from_xdr_object(tx.source_account).account_id
    tx.source_account = MuxedAccount(account, 7).to_xdr_object()


def muxed_operation_source(envelope: Envelope) -> None:
    tx = transaction(envelope)
    account = MuxedAccount.from_xdr_object(tx.source_account).account_id
    tx.operations[0].source_account = MuxedAccount(account, 7).to_xdr_object()


def old_kind(envelope: Envelope) -> Envelope:
    """The same transaction in the envelope of before protocol 13."""
    tx = transaction(envelope)
    assert tx.source_account.ed25519 is not None
    old = xdr.TransactionV0(
        source_account_ed25519=tx.source_account.ed25519,
        fee=tx.fee,
        seq_num=tx.seq_num,
        time_bounds=tx.cond.time_bounds,
        memo=tx.memo,
        operations=tx.operations,
        ext=xdr.TransactionV0Ext(0),
    )
    return Envelope(xdr.EnvelopeType.ENVELOPE_TYPE_TX_V0, v0=xdr.TransactionV0Envelope(old, []))


def fee_bump(envelope: Envelope) -> Envelope:
    """Wrapped, so that somebody else pays; the signature would be for the wrapping."""
    inner = xdr.FeeBumpTransactionInnerTx(xdr.EnvelopeType.ENVELOPE_TYPE_TX, v1=envelope.v1)
    tx = xdr.FeeBumpTransaction(
        fee_source=transaction(envelope).source_account,
        fee=xdr.Int64(20_000_000),
        inner_tx=inner,
        ext=xdr.FeeBumpTransactionExt(0),
    )
    return Envelope(
        xdr.EnvelopeType.ENVELOPE_TYPE_TX_FEE_BUMP,
        fee_bump=xdr.FeeBumpTransactionEnvelope(tx, []),
    )


def signed_already(envelope: Envelope) -> None:
    assert envelope.v1 is not None
    signature = xdr.DecoratedSignature(xdr.SignatureHint(bytes(4)), xdr.Signature(bytes(64)))
    envelope.v1.signatures.append(signature)


def uploads_a_program(envelope: Envelope) -> None:
    operation(envelope).host_function = xdr.HostFunction(
        xdr.HostFunctionType.HOST_FUNCTION_TYPE_UPLOAD_CONTRACT_WASM, wasm=b"\0asm"
    )


def no_operation(envelope: Envelope) -> None:
    transaction(envelope).operations = []


# --- authorisations ---------------------------------------------------------------------------
def foreign_credentials(envelope: Envelope) -> None:
    """The signature would have to come from somebody named in the entry."""
    entry = operation(envelope).auth[0]
    entry.credentials = xdr.SorobanCredentials(
        xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_ADDRESS,
        address=xdr.SorobanAddressCredentials(
            address=_address(STRANGER),
            nonce=xdr.Int64(1),
            signature_expiration_ledger=xdr.Uint32(9),
            signature=scval.to_void(),
        ),
    )


def other_authorised_arguments(envelope: Envelope) -> None:
    root = operation(envelope).auth[0].root_invocation.function.contract_fn
    assert root is not None
    root.args.append(scval.to_void())


def authorises_a_deployment(envelope: Envelope) -> None:
    """What is authorised is no call at all but the making of a contract."""
    preimage = xdr.ContractIDPreimage(
        xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
        from_address=xdr.ContractIDPreimageFromAddress(
            address=_address(STRANGER), salt=xdr.Uint256(bytes(32))
        ),
    )
    made = xdr.CreateContractArgs(
        contract_id_preimage=preimage,
        executable=xdr.ContractExecutable(
            xdr.ContractExecutableType.CONTRACT_EXECUTABLE_STELLAR_ASSET
        ),
    )
    kind = xdr.SorobanAuthorizedFunctionType
    operation(envelope).auth[0].root_invocation.function = xdr.SorobanAuthorizedFunction(
        kind.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CREATE_CONTRACT_HOST_FN,
        create_contract_host_fn=made,
    )


def transfer_twice(envelope: Envelope) -> None:
    """The authorised transfer could be made a second time."""
    inner = operation(envelope).auth[0].root_invocation.sub_invocations
    inner.append(inner[0])


def inner_transfer(place: str, value: Any) -> Change:
    """The authorised transfer has another amount, recipient, sender, token or function."""

    def change(envelope: Envelope) -> None:
        inner = operation(envelope).auth[0].root_invocation.sub_invocations[0]
        transfer = inner.function.contract_fn
        assert transfer is not None
        if place == "token":
            transfer.contract_address = _address(value)
        elif place == "function":
            transfer.function_name = xdr.SCSymbol(value)
        else:
            transfer.args[{"from": 0, "to": 1, "amount": 2}[place]] = value

    return change


def _address(text: str) -> xdr.SCAddress:
    found = scval.to_address(text).address
    assert found is not None
    return found


def with_more_bytes(text: str) -> str:
    """An envelope with something behind its end."""
    return base64.b64encode(base64.b64decode(text) + bytes(8)).decode()
