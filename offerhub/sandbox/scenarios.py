"""Amounts and destinations that go wrong on purpose, so that an integration can be tested against
them. Switched on with ``--scenarios``; README.md has the table for people, and a test compares."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from stellar_sdk import Keypair, TransactionBuilder, TrustLineFlags

from offerhub.sandbox import assets, friendbot
from offerhub.sandbox.envelope import BadEnvelope
from offerhub.sandbox.faults import Fault
from offerhub.sandbox.parties import call_of, envelope_text, payments_of
from offerhub.sandbox.scenario_table import DESTINATIONS, SCENARIOS
from offerhub.sandbox.web import Request

if TYPE_CHECKING:
    from offerhub.sandbox.network import Network

REMEMBERED = 10_000  # requests that met their scenario
# Functions of contracts by what the table calls them.
_FUNCTIONS = {
    "fund_escrow": "fund",
    "release_funds": "release",
    "release_milestone_funds": "release",
}


class Scenarios:
    """Which requests meet a scenario, and have met it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._met: OrderedDict[str, int] = OrderedDict()
        self._rules = {(s.call, assets.stroops(s.amount)): s for s in SCENARIOS if s.answer}

    def take(self, request: Request) -> Fault | None:
        """The scripted answer for a request, the first times that it comes."""
        if request.method != "POST":
            return None
        for call, amount, key, contract in self._calls(request):
            rule = self._rules.get((call, amount))
            if rule is None:
                continue
            same = key if rule.times == 1 else f"{call} {contract}"
            if (met := self._met.get(same, 0)) < rule.times:
                self._met[same] = met + 1
                if len(self._met) > REMEMBERED:
                    self._met.popitem(last=False)
                return Fault(id=0, path="", method="", answer=rule.answer, times=0)
        return None

    def _calls(self, request: Request) -> list[tuple[str, int, str, str]]:
        """What a request does: the call, an amount in stroops, what makes the request the same,
        and the contract that it is about."""
        if request.path.endswith("/fund-escrow"):
            body = request.json()
            contract = str(body.get("contractId")) if isinstance(body, dict) else ""
            escrow = self._network.ledger.escrows.get(contract)
            total = escrow.total if escrow is not None else 0
            return [("build fund", total, f"build fund {contract}", contract)]
        try:
            envelope = self._network.parse(envelope_text(request))
        except BadEnvelope:
            return []
        if (call := call_of(envelope)) is not None:
            function, contract = call
            escrow = self._network.ledger.escrows.get(contract)
            known = _FUNCTIONS.get(function, "")
            if escrow is None:
                return []
            return [(known, escrow.total, envelope.hash, contract)]
        usdc = self._network.usdc
        paid = [amount for asset, amount in payments_of(envelope) if asset == usdc]
        return [("payment", amount, envelope.hash, "") for amount in paid]


def listed(network: Network) -> dict[str, Any]:
    """What there is, as the controls answer it."""
    return {
        "enabled": network.options.scenarios,
        "amounts": [
            {"what": s.what, "amount": s.amount, "happens": s.happens, "ends": s.ends}
            for s in SCENARIOS
        ],
        "destinations": [
            {"name": name, "address": _keypair(network, name).public_key, "happens": happens}
            for name, happens in DESTINATIONS.items()
        ],
    }


def prepare(network: Network) -> None:
    """Make the destinations, where they are not there from an earlier start."""
    for name in ("no-trustline", "frozen", "full"):
        keypair = _keypair(network, name)
        if keypair.public_key not in network.ledger.accounts:
            friendbot.fund(network, keypair.public_key)
            _trust(network, name, keypair)


def _trust(network: Network, name: str, keypair: Keypair) -> None:
    usdc, issuer = assets.sdk_asset(network.usdc), network.keys.keypair("issuer")
    builder: TransactionBuilder = network.builder(keypair)
    if name == "full":
        network.play(builder.append_change_trust_op(usdc, "0.0000001"), keypair)
    if name == "frozen":
        network.play(builder.append_change_trust_op(usdc), keypair)
        freeze = network.builder(issuer).append_set_trust_line_flags_op(
            keypair.public_key, usdc, TrustLineFlags.AUTHORIZED_FLAG, None
        )
        network.play(freeze, issuer)


def _keypair(network: Network, name: str) -> Keypair:
    return network.keys.keypair(f"scenario {name}")
