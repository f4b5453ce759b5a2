"""The network's own facts, read from the sandbox's history: every payment of USDC, in order."""

from typing import Any

from stellar_sdk import Address, scval, xdr

from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.rows import StoredEvent
from tests.simulation.agreed import Transfer


class Facts:
    """Reads on from where it stopped."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        network = sandbox.network
        self._usdc = network.contracts.know(network.usdc)
        self._after = (0, -1)

    def new(self) -> list[Transfer]:
        """What happened since the last time."""
        found = []
        for event in self._sandbox.network.store.events(*self._after, 2**62):
            self._after = (event.operation, event.position)
            if event.contract == self._usdc:
                found.append(_transfer(event, self._time_of(event)))
        return found

    def _time_of(self, event: StoredEvent) -> float:
        """When its ledger closed."""
        row = self._sandbox.network.store.transaction(event.hash)
        assert row is not None
        return float(row.created_at)


def _transfer(event: StoredEvent, at: float) -> Transfer:
    topics: list[Any] = [scval.to_native(xdr.SCVal.from_xdr(topic)) for topic in event.topics]
    value: Any = scval.to_native(xdr.SCVal.from_xdr(event.value))
    amount = value["amount"] if isinstance(value, dict) else value
    who = [topic.address for topic in topics[1:] if isinstance(topic, Address)]
    name = str(topics[0])
    source = who[0] if name in ("transfer", "burn") else who[-1] if name == "clawback" else ""
    target = who[-1] if name in ("transfer", "mint") else ""
    return Transfer(event.hash, source, target, int(str(amount)), at)
