"""Sweeps of the books. They do their work themselves and leave nothing to run."""

from ledger import closing, jobs
from offerhub.core.jobs import Ring, job, sweep


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


@job(closing.SIGN)
def sign_days(marketplace_id: str) -> None:
    """Write down and sign what happened on days that were closed."""
    closing.sign_days(marketplace_id)


@sweep("ledger.closings", every=30)
def closings() -> list[Ring]:
    """Closed days whose totals are not signed yet."""
    return [(closing.SIGN, row) for row in closing.unsigned()]
