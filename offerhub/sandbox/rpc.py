"""Soroban RPC: JSON-RPC 2.0 over the same ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stellar_sdk import xdr

from offerhub.sandbox import results, rpc_entries, rpc_events
from offerhub.sandbox.codec import BadValue, address_of, plain
from offerhub.sandbox.context import ContractError
from offerhub.sandbox.envelope import BadEnvelope, Envelope
from offerhub.sandbox.ledger import BASE_FEE
from offerhub.sandbox.network import Network
from offerhub.sandbox.operations import source_of
from offerhub.sandbox.records import PROTOCOL, ledger_hash
from offerhub.sandbox.results import TxResult
from offerhub.sandbox.rows import TRANSACTION, Page, StoredTx, b64
from offerhub.sandbox.rpc_errors import INVALID_PARAMS, RpcError
from offerhub.sandbox.simulation import (
    Call,
    Simulated,
    address_auth,
    simulate,
    soroban_data,
    source_auth,
)
from offerhub.sandbox.soroban import event_xdr
from offerhub.sandbox.view import View
from offerhub.sandbox.web import Request, Response, reply

Params = dict[str, Any]


class Rpc:
    """The methods behind POST /rpc."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._nonce = 0
        self._methods: dict[str, Callable[[Params, View], dict[str, Any]]] = {
            "getHealth": self.health,
            "getNetwork": self.about,
            "getVersionInfo": self.version,
            "getFeeStats": self.fee_stats,
            "getLatestLedger": self.latest_ledger,
            "getLedgerEntries": self.entries,
            "simulateTransaction": self.simulate,
            "sendTransaction": self.send,
            "getTransaction": self.transaction,
            "getTransactions": self.transactions,
            "getEvents": self.events,
        }

    def handle(self, request: Request, view: View) -> Response:
        """Answer one JSON-RPC call; errors too come with status 200."""
        try:
            call = request.json()
        except ValueError:
            return self._error(None, RpcError(-32700, "parse error"))
        if not isinstance(call, dict):
            return self._error(None, RpcError(-32600, "invalid request"))
        method = self._methods.get(str(call.get("method")))
        if method is None:
            return self._error(call.get("id"), RpcError(-32601, "method not found"))
        params = call.get("params") or {}
        try:
            if not isinstance(params, dict):
                raise RpcError(INVALID_PARAMS, "params must be an object")
            result = method(params, view)
        except RpcError as problem:
            return self._error(call.get("id"), problem)
        except (ValueError, TypeError, AttributeError) as problem:
            wrong = RpcError(INVALID_PARAMS, f"invalid parameters: {problem}")
            return self._error(call.get("id"), wrong)
        return reply({"jsonrpc": "2.0", "id": call.get("id"), "result": result})

    def _error(self, call_id: object, problem: RpcError) -> Response:
        error = {"code": problem.code, "message": problem.message}
        return reply({"jsonrpc": "2.0", "id": call_id, "error": error})

    def health(self, params: Params, view: View) -> dict[str, Any]:
        """getHealth"""
        return {
            "status": "healthy",
            "latestLedger": view.ledger,
            "oldestLedger": self.network.oldest(),
            "ledgerRetentionWindow": self.network.options.retention,
        }

    def about(self, params: Params, view: View) -> dict[str, Any]:
        """getNetwork"""
        return {
            "passphrase": self.network.options.passphrase,
            "protocolVersion": PROTOCOL,
        }

    def version(self, params: Params, view: View) -> dict[str, Any]:
        """getVersionInfo"""
        return {
            "version": "sandbox",
            "commitHash": "",
            "buildTimestamp": "",
            "captiveCoreVersion": "sandbox",
            "protocolVersion": PROTOCOL,
        }

    def fee_stats(self, params: Params, view: View) -> dict[str, Any]:
        """getFeeStats"""
        names = ("max", "min", "mode", *(f"p{n}" for n in (10, 20, 30, 40, 50, 60, 70, 80, 90)))
        figures: dict[str, str] = dict.fromkeys((*names, "p95", "p99"), str(BASE_FEE))
        figures |= {"transactionCount": "1"}
        counted: dict[str, Any] = {**figures, "ledgerCount": 1}
        return {
            "sorobanInclusionFee": counted,
            "inclusionFee": counted,
            "latestLedger": view.ledger,
        }

    def latest_ledger(self, params: Params, view: View) -> dict[str, Any]:
        """getLatestLedger"""
        digest = ledger_hash(self.network, view.ledger)
        header, meta = rpc_entries.header(view.ledger, view.closed_at, bytes.fromhex(digest))
        return {
            "id": digest,
            "protocolVersion": PROTOCOL,
            "sequence": view.ledger,
            "closeTime": str(view.closed_at),
            "headerXdr": header,
            "metadataXdr": meta,
        }

    def entries(self, params: Params, view: View) -> dict[str, Any]:
        """getLedgerEntries"""
        keys = params.get("keys")
        if not isinstance(keys, list) or len(keys) > 200:
            raise RpcError(INVALID_PARAMS, "keys must be a list of at most 200 keys")
        found = [rpc_entries.entry(self.network, str(key)) for key in keys]
        return {"entries": [item for item in found if item], "latestLedger": view.ledger}

    def _parse(self, params: Params) -> Envelope:
        try:
            return self.network.parse(str(params.get("transaction", "")))
        except BadEnvelope:
            raise RpcError(INVALID_PARAMS, "cannot unmarshal transaction: invalid xdr") from None

    def simulate(self, params: Params, view: View) -> dict[str, Any]:
        """simulateTransaction"""
        envelope = self._parse(params)
        latest = {"latestLedger": view.ledger}
        body = envelope.tx.operations[0].body if len(envelope.tx.operations) == 1 else None
        if body is None or int(body.type) not in (results.INVOKE, results.EXTEND, results.RESTORE):
            raise RpcError(INVALID_PARAMS, "Transaction contains more or other than one operation")
        invoke = body.invoke_host_function_op
        if invoke is None:
            data = b64(soroban_data(self.network.contracts.factory, 20_000))
            return {**latest, "transactionData": data, "minResourceFee": "20000", "events": []}
        source = source_of(envelope.tx.operations[0], envelope.source)
        try:
            simulated, call = self._run(source, invoke)
        except (ContractError, BadValue) as trap:
            text = trap.diagnostic if isinstance(trap, ContractError) else str(trap)
            return {**latest, "error": text, "events": []}
        return {**latest, **self._simulated(source, call, simulated, invoke)}

    def _run(self, source: str, invoke: xdr.InvokeHostFunctionOp) -> tuple[Simulated, Call]:
        function = invoke.host_function.invoke_contract
        if function is None:
            raise ContractError("only contract calls are run on this network")
        call = Call(
            address_of(function.contract_address),
            function.function_name.sc_symbol.decode("utf-8", "replace"),
            [plain(arg) for arg in function.args],
            [arg.to_xdr_bytes() for arg in function.args],
        )
        return simulate(self.network, source, call, invoke.auth or None), call

    def _simulated(
        self, source: str, call: Call, done: Simulated, invoke: xdr.InvokeHostFunctionOp
    ) -> dict[str, Any]:
        auth = [b64(entry.to_xdr_bytes()) for entry in invoke.auth]
        for address, node in done.recorded:
            self._nonce += 1
            material = self.network.keys.material(f"nonce {self.network.sequence} {self._nonce}")
            nonce = int.from_bytes(material[:8], "big", signed=True)
            own = address == source
            auth.append(b64(source_auth(node) if own else address_auth(address, nonce, node)))
        return {
            "transactionData": b64(soroban_data(call.contract, done.fee)),
            "minResourceFee": str(done.fee),
            "results": [{"auth": auth, "xdr": b64(done.value)}],
            "events": [b64(b"\0\0\0\1" + event_xdr(event)) for event in done.events],
            "cost": {"cpuInsns": "4000000", "memBytes": "1000000"},
        }

    def send(self, params: Params, view: View) -> dict[str, Any]:
        """sendTransaction: PENDING, DUPLICATE or ERROR; never the outcome itself."""
        envelope = self._parse(params)
        outcome = self.network.submit(envelope, lambda _: None)
        if outcome.refused is not None:
            return self.sent(envelope.hash, "ERROR", outcome.refused)
        return self.sent(envelope.hash, "DUPLICATE" if outcome.known else "PENDING")

    def sent(self, digest: str, status: str, refused: TxResult | None = None) -> dict[str, Any]:
        """The answer to a submission."""
        answer: dict[str, Any] = {
            "status": status,
            "hash": digest,
            "latestLedger": self.network.sequence,
            "latestLedgerCloseTime": str(self.network.closed_at),
        }
        if refused is not None:
            answer["errorResultXdr"] = refused.to_xdr()
            answer["diagnosticEventsXdr"] = []
        return answer

    def _range(self, view: View) -> dict[str, Any]:
        oldest = self.network.oldest()
        return {
            "latestLedger": view.ledger,
            "latestLedgerCloseTime": str(view.closed_at),
            "oldestLedger": oldest,
            "oldestLedgerCloseTime": str(self.network.closed_time(oldest)),
        }

    def transaction(self, params: Params, view: View) -> dict[str, Any]:
        """getTransaction: SUCCESS, FAILED, or NOT_FOUND (also beyond the memory)."""
        digest = str(params.get("hash", "")).lower()
        tx = self.network.store.transaction(digest)
        if tx is None or not self.network.oldest() <= tx.ledger <= view.ledger:
            return {**self._range(view), "status": "NOT_FOUND", "txHash": digest}
        return {**self._range(view), **self._found(tx), "txHash": digest}

    def _found(self, tx: StoredTx) -> dict[str, Any]:
        return {
            "status": "SUCCESS" if tx.successful else "FAILED",
            "applicationOrder": tx.order,
            "feeBump": bool(tx.inner_hash),
            "envelopeXdr": tx.envelope,
            "resultXdr": tx.result,
            "resultMetaXdr": b64(rpc_events.meta(self.network.store, tx)),
            "events": {"transactionEventsXdr": [], "contractEventsXdr": [
                [b64(e) for e in events] for events in rpc_events.by_operation(
                    self.network.store, tx)
            ]},
            "ledger": tx.ledger,
            "createdAt": str(tx.created_at),
        }  # fmt: skip

    def transactions(self, params: Params, view: View) -> dict[str, Any]:
        """getTransactions"""
        paging = params.get("pagination") or {}
        limit = int(paging.get("limit") or 50)
        if not 1 <= limit <= 200:
            raise RpcError(INVALID_PARAMS, "limit must not exceed 200")
        if paging.get("cursor"):
            start = int(paging["cursor"])
        else:
            first = rpc_events.start_ledger(self.network, params, view)
            start = (first << 32) - 1
        page = Page(TRANSACTION, cursor=start, limit=limit, failed=True, until=view.until)
        found = []
        for identifier in self.network.store.page(page):
            tx = self.network.store.transaction_at(identifier)
            if tx is not None:
                shown = {**self._found(tx), "txHash": tx.hash, "createdAt": tx.created_at}
                found.append(shown)
                start = identifier
        times = {
            "latestLedgerCloseTimestamp": view.closed_at,
            "oldestLedgerCloseTimestamp": self.network.closed_time(self.network.oldest()),
        }
        ledgers = {"latestLedger": view.ledger, "oldestLedger": self.network.oldest()}
        return {"transactions": found, **ledgers, **times, "cursor": str(start)}

    def events(self, params: Params, view: View) -> dict[str, Any]:
        """getEvents"""
        return {**rpc_events.get_events(self.network, params, view), **self._range(view)}
