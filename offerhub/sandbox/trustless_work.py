"""The Trustless Work v1 API: who may call it, unsigned envelopes, and submission."""

from __future__ import annotations

import hmac
import random
from collections.abc import Awaitable
from typing import Any

from stellar_sdk import Account as SdkAccount
from stellar_sdk import TransactionBuilder

from offerhub.sandbox import assets, submission, tamper
from offerhub.sandbox.builds import ENDPOINTS, Builds, Built, message
from offerhub.sandbox.context import ContractError
from offerhub.sandbox.envelope import BadEnvelope
from offerhub.sandbox.escrow import Kind
from offerhub.sandbox.escrow_reads import Reads
from offerhub.sandbox.fields import Fields, failure
from offerhub.sandbox.metering import Meter
from offerhub.sandbox.network import Network, Outcome
from offerhub.sandbox.results import TxResult
from offerhub.sandbox.rows import StoredTx
from offerhub.sandbox.simulation import simulate, unsigned
from offerhub.sandbox.soroban import DEPLOYS
from offerhub.sandbox.web import Refused, Request, Response, reply

VALID_SECONDS = 300
SENT = "The transaction has been successfully sent to the Stellar network"
_KINDS: dict[str, Kind] = {"single-release": "single", "multi-release": "multi"}


def rejected(result: TxResult) -> Response:
    """The answer to an envelope that no ledger took."""
    words = [result.code, *(op.code for op in result.operations if op.code != "op_success")]
    return failure(400, f"Transaction rejected by the Stellar network: {', '.join(words)}")


class TrustlessWork:
    """The routes under /deployer, /escrow, /helper and /indexer."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.builds = Builds(network)
        self.reads = Reads(network)
        self.meter = Meter(network.options.provider_limit, network.options.provider_window)
        self._rng = random.Random(network.options.seed)  # noqa: S311

    def handle(self, request: Request, mutation: str | None) -> Response | Awaitable[Response]:
        """Answer a call. ``mutation`` (a name, or empty for any) tampers with a build."""
        given = request.headers.get("x-api-key", "")
        if not hmac.compare_digest(given.encode(), self.network.keys.api_key.encode()):
            raise Refused(failure(401, "Unauthorized"))
        if wait := self.meter.over(self.network.clock.flowing()):
            raise Refused(failure(429, "ThrottlerException: Too Many Requests",
                                  Retry_After=str(wait)))  # fmt: skip
        parts = [part for part in request.path.split("/") if part]
        if request.method == "GET":
            return self._read(request, parts)
        try:
            body = request.json()
        except ValueError:
            raise Refused(failure(400, "the body is not JSON")) from None
        if parts == ["helper", "send-transaction"]:
            return self.send(Fields(body))
        if parts == ["indexer", "update-from-txHash"]:
            return self._update_index(Fields(body))
        if parts == ["helper", "set-trustline"]:
            return self._unsigned(self._trustline(Fields(body)), mutation)
        return self._unsigned(self._build(request, parts, Fields(body)), mutation)

    def _update_index(self, fields: Fields) -> Response:
        digest = fields.text("txHash", 64)
        fields.done()
        return self.reads.update(digest)

    def _read(self, request: Request, parts: list[str]) -> Response:
        routes = {
            "get-escrow-by-contract-ids": self.reads.by_ids,
            "get-escrows-by-role": self.reads.by_role,
            "get-escrows-by-signer": self.reads.by_signer,
            "get-multiple-escrow-balance": self.reads.balances,
        }
        route = routes.get(parts[-1]) if len(parts) == 2 and parts[0] == "helper" else None
        if route is None:
            raise Refused(failure(404, f"Cannot {request.method} {request.path}"))
        return route(request)

    def _build(self, request: Request, parts: list[str], body: Fields) -> str:
        if len(parts) == 2 and parts[0] == "deployer" and parts[1] in _KINDS:
            return self._envelope(self.builds.deploy(body, _KINDS[parts[1]]))
        build = None
        if len(parts) == 3 and parts[0] == "escrow":
            build = ENDPOINTS.get((request.method, parts[1], parts[2]))
        if build is None:
            raise Refused(failure(404, f"Cannot {request.method} {request.path}"))
        return self._envelope(build(self.builds, body, _KINDS[parts[1]]))

    def _envelope(self, built: Built) -> str:
        """Run the call to see whether the contract takes it; answer the envelope for it."""
        account = self.network.ledger.accounts.get(built.signer)
        if account is None:
            raise Refused(failure(400, f"Account not found: {built.signer}"))
        try:
            simulated = simulate(self.network, built.signer, built.call)
        except ContractError as trap:
            raise Refused(failure(500, message(trap))) from None
        max_time = self.network.moment().close_time + VALID_SECONDS
        return unsigned(built.signer, account.sequence + 1, built.call, simulated, max_time)

    def _trustline(self, body: Fields) -> str:
        """POST /helper/set-trustline: an unsigned ChangeTrust."""
        signer = body.account("signer" if body.has("signer") else "sourceKey")
        line = body.inside("trustline") if body.has("trustline") else body
        issuer, symbol = line.account("address"), line.text("symbol", 12)
        body.done()
        account = self.network.ledger.accounts.get(signer)
        if account is None:
            raise Refused(failure(400, f"Account not found: {signer}"))
        source = SdkAccount(signer, account.sequence)
        builder = TransactionBuilder(source, self.network.options.passphrase, base_fee=100)
        builder.append_change_trust_op(assets.sdk_asset(f"{symbol}:{issuer}"))
        builder.add_time_bounds(0, self.network.moment().close_time + VALID_SECONDS)
        return builder.build().to_xdr()

    def _unsigned(self, text: str, mutation: str | None) -> Response:
        if mutation is None:
            return reply({"status": "SUCCESS", "unsignedTransaction": text}, 201)
        text, name = tamper.tamper(text, self.network.options.passphrase, self._rng, mutation)
        body = {"status": "SUCCESS", "unsignedTransaction": text}
        return reply(body, 201, x_sandbox_mutation=name)

    def send(self, body: Fields) -> Response | Awaitable[Response]:
        """POST /helper/send-transaction: 200 with SUCCESS or FAILED, 400 when refused."""
        text = body.text("signedXdr", 200_000)
        body.done()
        try:
            envelope = self.network.parse(text)
        except BadEnvelope:
            raise Refused(failure(400, "signedXdr is not a valid transaction")) from None
        if envelope.fee_bump is not None:
            raise Refused(failure(400, "Fee bump transactions are not accepted"))
        return submission.submit(
            self.network, envelope, self._sent, lambda: failure(504, "Gateway Timeout")
        )

    def _sent(self, outcome: Outcome) -> Response:
        if outcome.refused is not None:
            return rejected(outcome.refused)
        tx = outcome.tx
        if tx is None:
            return failure(504, "Gateway Timeout")
        if not tx.successful:
            reason = tx.problem or ", ".join(tx.codes.get("operations", []))
            return reply({"status": "FAILED", "message": reason})
        self.reads.index(tx)
        return reply({"status": "SUCCESS", "message": SENT, **self._extra(tx)})

    def _extra(self, tx: StoredTx) -> dict[str, Any]:
        """``contractId`` and ``escrow`` after a deploy or an update."""
        ops = self.network.store.operations_of(tx)
        function = ops[0].body.get("type_function", "") if ops else ""
        if function not in DEPLOYS and function != "update_escrow":
            return {}
        escrow = self.network.ledger.escrows[tx.touched[0]]
        return {"contractId": escrow.contract_id, "escrow": self.reads.shown(escrow)}
