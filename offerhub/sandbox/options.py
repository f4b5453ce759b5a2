"""The terms on which a sandbox is set up."""

from dataclasses import dataclass

from offerhub.sandbox.keys import PASSPHRASE


@dataclass(frozen=True, slots=True)
class Options:
    """How a sandbox is set up. ``retention`` is RPC's memory, in ledgers (about 7 days)."""

    data: str = ""
    seed: str = "offerhub"
    passphrase: str = PASSPHRASE
    protocol_fee_bps: int = 0
    provider_limit: int = 0
    provider_window: float = 60.0
    retention: int = 120_960
    patience: float = 30.0
    scenarios: bool = False
