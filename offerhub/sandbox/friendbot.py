"""Money from nowhere: the network's own accounts paying on request."""

from __future__ import annotations

import base64

from stellar_sdk import Keypair, SorobanDataBuilder, scval, xdr

from offerhub.sandbox.codec import is_account
from offerhub.sandbox.network import Network, Outcome
from offerhub.sandbox.problems import problem
from offerhub.sandbox.records import base, transaction
from offerhub.sandbox.simulation import soroban_data
from offerhub.sandbox.soroban import TOKEN_FEE
from offerhub.sandbox.web import Request, Response, reply

STARTING_XLM = "10000"


def fund(network: Network, address: str) -> Outcome:
    """Create an account with 10 000 XLM."""
    root = network.keys.keypair("root")
    builder = network.builder(root).append_create_account_op(address, STARTING_XLM)
    return network.play(builder, root)


def transfer(network: Network, asset: str, sender: Keypair, to: str, amount: int) -> Outcome:
    """Move tokens (stroops) by a call of the asset's token contract."""
    contract = network.contracts.know(asset)
    args = [scval.to_address(sender.public_key), scval.to_address(to), scval.to_int128(amount)]
    call = xdr.InvokeContractArgs(
        scval.to_address(contract).address,  # type: ignore[arg-type]
        xdr.SCSymbol(b"transfer"),
        args,
    )
    entry = xdr.SorobanAuthorizationEntry(
        xdr.SorobanCredentials(xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT),
        xdr.SorobanAuthorizedInvocation(
            xdr.SorobanAuthorizedFunction(
                xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
                contract_fn=call,
            ),
            [],
        ),
    )
    builder = network.builder(sender)
    builder.append_invoke_contract_function_op(contract, "transfer", args, [entry])
    data = base64.b64encode(soroban_data(contract, TOKEN_FEE)).decode()
    builder.set_soroban_data(SorobanDataBuilder.from_xdr(data).build())  # type: ignore[no-untyped-call]
    builder.base_fee = 100 + TOKEN_FEE
    return network.play(builder, sender)


def answer(network: Network, request: Request) -> Response:
    """GET or POST /friendbot?addr=: 200 with the transaction, 400 when already funded."""
    address = request.one("addr") or request.form("addr")
    if not is_account(address):
        detail = "The request you sent was invalid in some way."
        return problem(400, "bad_request", "Bad Request", detail,
                       extras={"invalid_field": "addr", "reason": "not an address"})  # fmt: skip
    if address in network.ledger.accounts:
        return problem(400, "bad_request", "Bad Request", "account already funded to starting"
                       " balance", extras={"invalid_field": "addr"})  # fmt: skip
    outcome = fund(network, address)
    if outcome.tx is None or not outcome.tx.successful:
        return problem(500, "server_error", "Internal Server Error", "friendbot is out of order")
    return reply(transaction(outcome.tx, base(request)))
