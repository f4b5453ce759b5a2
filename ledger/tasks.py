"""Sweeps of the books. They do their work themselves and leave nothing to run."""

from ledger import jobs
from offerhub.core.jobs import Ring, sweep


@sweep("ledger.checkpoints", every=30)
def checkpoints() -> list[Ring]:
    """Keep the balances of rollup accounts quick to read."""
    jobs.take_checkpoints()
    return []


@sweep("ledger.seals", every=30)
def seals() -> list[Ring]:
    """Seal what is finished."""
    jobs.seal_entries()
    return []
