"""The sandbox's own controls: what no real network offers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stellar_sdk import Keypair, TrustLineFlags

from offerhub.sandbox import assets, friendbot, scenarios
from offerhub.sandbox.clock import duration, iso
from offerhub.sandbox.codec import is_account, is_contract
from offerhub.sandbox.faults import Faults
from offerhub.sandbox.network import Network, Outcome
from offerhub.sandbox.trustless_work import TrustlessWork
from offerhub.sandbox.web import Refused, Request, Response, reply

HONESTY = (
    "The contract rules are re-implemented natively in this sandbox; it does not run the WASM"
    " of the real contracts, and resource fees, expiry and footprints are approximations."
)


def wrong(status: int, message: str, **more: Any) -> Refused:
    """An error of the controls: ``{"error": message}``."""
    return Refused(reply({"error": message, **more}, status))


class Control:
    """The routes under /control."""

    def __init__(self, network: Network, work: TrustlessWork, faults: Faults) -> None:
        self.network = network
        self._work = work
        self._faults = faults
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Response]] = {
            ("GET", "health"): self.health,
            ("GET", "state"): self.state,
            ("GET", "clock"): self.clock,
            ("POST", "clock"): self.set_clock,
            ("POST", "ledgers"): self.close_ledgers,
            ("POST", "mint"): self.mint,
            ("POST", "asset"): self.asset,
            ("POST", "trustline"): self.trustline,
            ("POST", "clawback"): self.clawback,
            ("GET", "provider-limit"): self.provider_use,
            ("POST", "provider-limit"): self.provider_limit,
            ("GET", "scenarios"): self.scenarios,
            ("GET", "faults"): self.faults,
            ("POST", "faults"): self.add_fault,
            ("DELETE", "faults"): self.clear_faults,
        }

    def handle(self, request: Request) -> Response:
        """Answer a control."""
        route = self._routes.get((request.method, request.path[len("/control/") :].strip("/")))
        if route is None:
            raise wrong(404, f"there is no control {request.method} {request.path}")
        try:
            body = request.json() or {}
        except ValueError:
            raise wrong(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise wrong(400, "the body must be a JSON object")
        return route(body)

    def health(self, body: dict[str, Any]) -> Response:
        """GET /control/health"""
        network = self.network
        contracts = network.contracts
        return reply(
            {
                "status": "ok",
                "networkPassphrase": network.options.passphrase,
                "usdcIssuer": assets.issuer_of(network.usdc),
                "usdcContract": contracts.know(network.usdc),
                "nativeContract": contracts.know(assets.NATIVE),
                "factoryAddress": contracts.factory,
                "trustlessWorkFeeAddress": contracts.fee_address,
                "trustlessWorkApiKey": network.keys.api_key,
                "protocolFeeBps": contracts.protocol_fee_bps,
                "latestLedger": network.sequence,
                "seed": network.options.seed,
                "providerLimit": self._work.meter.limit,
                "note": HONESTY,
            }
        )

    def state(self, body: dict[str, Any]) -> Response:
        """GET /control/state: everything that is held, as decimal texts."""
        ledger, contracts = self.network.ledger, self.network.contracts
        accounts = {}
        for address, account in ledger.accounts.items():
            held = {assets.NATIVE: assets.decimal_text(account.balance)}
            held |= {a: assets.decimal_text(line.balance) for a, line in account.lines.items()}
            accounts[address] = held
        shown: dict[str, dict[str, Any]] = {}
        for contract, escrow in ledger.escrows.items():
            balance = self._work.reads.balance(escrow)
            shown[contract] = {
                "type": f"{escrow.kind}-release",
                "engagementId": escrow.engagement_id,
                "asset": contracts.tokens.get(escrow.token, escrow.token),
                "balance": assets.decimal_text(balance),
                "escrow": self._work.reads.shown(escrow),
            }
        for key, amount in ledger.tokens.items():
            contract, _, asset = key.partition("|")
            entry = shown.setdefault(contract, {"balance": assets.decimal_text(amount)})
            entry.setdefault("balances", {})[asset] = assets.decimal_text(amount)
        supply = {asset: assets.decimal_text(n) for asset, n in ledger.supply().items()}
        return reply({"accounts": accounts, "contracts": shown, "supply": supply})

    def _now(self) -> Response:
        network = self.network
        return reply(
            {
                "mode": network.clock.mode,
                "now": iso(int(network.clock.now())),
                "epoch": round(network.clock.now(), 3),
                "offset": round(network.clock.offset, 3),
                "latestLedger": network.sequence,
                "closedAt": iso(network.closed_at),
                "waiting": len(network.waiting),
            }
        )

    def clock(self, body: dict[str, Any]) -> Response:
        """GET /control/clock"""
        return self._now()

    def set_clock(self, body: dict[str, Any]) -> Response:
        """POST /control/clock: ``mode``, ``advance``, or both (the mode first)."""
        if not body or set(body) - {"advance", "mode"}:
            raise wrong(400, "the body has advance, mode, or both")
        if "mode" in body:
            if body["mode"] not in ("auto", "manual"):
                raise wrong(400, "mode is auto or manual")
            self.network.set_mode(body["mode"])
        if "advance" in body:
            try:
                self.network.advance(duration(body["advance"]))
            except ValueError as problem:
                raise wrong(400, f"advance is {problem}") from None
        return self._now()

    def close_ledgers(self, body: dict[str, Any]) -> Response:
        """POST /control/ledgers"""
        count = body.get("close", 1)
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 10_000_000:
            raise wrong(400, "close is a whole number from 1")
        self.network.close(count)
        return self._now()

    def _amount(self, body: dict[str, Any]) -> tuple[int, str]:
        try:
            stroops = assets.stroops(body.get("amount"))
        except ValueError as problem:
            raise wrong(400, f"amount: {problem}") from None
        if not 0 < stroops <= assets.I64_MAX:
            raise wrong(400, "amount: must be more than zero, and fit the network")
        return stroops, assets.decimal_text(stroops)

    def mint(self, body: dict[str, Any]) -> Response:
        """POST /control/mint: test USDC to an account or a contract."""
        return self._issue(self.network.usdc, self.network.keys.keypair("issuer"), body, "address")

    def asset(self, body: dict[str, Any]) -> Response:
        """POST /control/asset: any asset from an issuer of its own, made on demand."""
        code = str(body.get("code") or "")
        if not (code.isascii() and code.isalnum() and 1 <= len(code) <= 12):
            raise wrong(400, "code is 1 to 12 letters and digits")
        issuer = self.network.keys.keypair(f"issuer {body.get('issuerSeed') or 'other'}")
        if issuer.public_key not in self.network.ledger.accounts:
            friendbot.fund(self.network, issuer.public_key)
        asset = f"{code}:{issuer.public_key}"
        self.network.contracts.know(asset)
        return self._issue(asset, issuer, body, "to")

    def _issue(self, asset: str, issuer: Keypair, body: dict[str, Any], name: str) -> Response:
        address = str(body.get(name) or "")
        amount, text = self._amount(body)
        if is_contract(address):
            outcome = friendbot.transfer(self.network, asset, issuer, address, amount)
        elif is_account(address):
            builder = self.network.builder(issuer)
            builder.append_payment_op(address, assets.sdk_asset(asset), text)
            outcome = self.network.play(builder, issuer)
        else:
            raise wrong(400, f"{name} is a G... or C... address")
        return self._played(outcome, asset)

    def _played(self, outcome: Outcome, asset: str) -> Response:
        tx = outcome.tx
        if tx is None or not tx.successful:
            codes = tx.codes if tx else outcome.refused.codes() if outcome.refused else {}
            raise wrong(
                409,
                "the network refused it; an account needs a trustline for the asset first",
                resultCodes=codes,
                asset=asset,
            )
        return reply({"hash": tx.hash, "ledger": tx.ledger, "asset": asset})

    def _line(self, body: dict[str, Any]) -> tuple[str, str, Keypair]:
        address, asset = str(body.get("address") or ""), str(body.get("asset") or self.network.usdc)
        if not is_account(address):
            raise wrong(400, "address is a G... address")
        for name in ("issuer", f"issuer {body.get('issuerSeed') or 'other'}"):
            issuer = self.network.keys.keypair(name)
            if issuer.public_key == assets.issuer_of(asset):
                return address, asset, issuer
        raise wrong(400, "asset is CODE:ISSUER of an issuer of this sandbox")

    def trustline(self, body: dict[str, Any]) -> Response:
        """POST /control/trustline: the issuer freezes or thaws a holder's trustline."""
        address, asset, issuer = self._line(body)
        flag = TrustLineFlags.AUTHORIZED_FLAG
        clear, flags = (None, flag) if body.get("authorized", True) else (flag, None)
        builder = self.network.builder(issuer)
        builder.append_set_trust_line_flags_op(address, assets.sdk_asset(asset), clear, flags)
        return self._played(self.network.play(builder, issuer), asset)

    def clawback(self, body: dict[str, Any]) -> Response:
        """POST /control/clawback: the issuer takes an amount back from a holder."""
        address, asset, issuer = self._line(body)
        _, text = self._amount(body)
        builder = self.network.builder(issuer).append_clawback_op(
            assets.sdk_asset(asset), address, text
        )
        return self._played(self.network.play(builder, issuer), asset)

    def provider_limit(self, body: dict[str, Any]) -> Response:
        """POST /control/provider-limit: calls per minute on the escrow API, 0 for no limit; with
        ``seconds`` calls per so many seconds."""
        limit, seconds = body.get("perMinute"), body.get("seconds", 60)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise wrong(400, "perMinute is a whole number, 0 for no limit")
        if isinstance(seconds, bool) or not isinstance(seconds, Decimal | int) or seconds <= 0:
            raise wrong(400, "seconds is a number over zero")
        self._work.meter.set_limit(limit, float(seconds))
        return reply({"perMinute": limit, "seconds": float(seconds)})

    def provider_use(self, body: dict[str, Any]) -> Response:
        """GET /control/provider-limit: the calls since it was last set."""
        return reply(self._work.meter.shown())

    def faults(self, body: dict[str, Any]) -> Response:
        """GET /control/faults"""
        return reply({"faults": self._faults.listed(_owner(body))})

    def add_fault(self, body: dict[str, Any]) -> Response:
        """POST /control/faults"""
        try:
            fault = self._faults.add(body, self.network.sequence)
        except (ValueError, AttributeError) as problem:
            raise wrong(400, str(problem)) from None
        return reply(fault.shown(), 201)

    def clear_faults(self, body: dict[str, Any]) -> Response:
        """DELETE /control/faults"""
        return reply({"cleared": self._faults.clear(_owner(body))})

    def scenarios(self, body: dict[str, Any]) -> Response:
        """GET /control/scenarios"""
        return reply(scenarios.listed(self.network))


def _owner(body: dict[str, Any]) -> str:
    return str(body.get("owner") or "")
