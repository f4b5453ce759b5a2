"""Jobs and sweeps of reconciliation."""

from offerhub.chain.types import ChainUnavailable
from offerhub.core.actor import system
from offerhub.core.jobs import Later, Ring, job, sweep
from offerhub.reconciliation import differences, funds, proofs, runs, seals


@job(runs.JOB)
def run(run_id: str) -> None:
    """The next batch of a run."""
    runs.step(run_id)


@sweep("reconciliation.runs", every=2.0)
def due() -> list[Ring]:
    """Runs that were asked for, and the round over everything."""
    runs.begin_round()
    return [(runs.JOB, run_id) for run_id in runs.due()]


@sweep("reconciliation.undecided", every=2.0)
def undecided() -> list[Ring]:
    """What was on its way, and corrections that somebody decided on. Works here."""
    runs.look_again()
    for difference_id in differences.with_decided_corrections():
        differences.follow(difference_id=difference_id)
    return []


@sweep("reconciliation.seal_index", every=30.0)
def seal_index() -> list[Ring]:
    """Index young seals. Works here."""
    seals.index_seals()
    return []


@job("reconciliation.proof")
def prove(marketplace_id: str) -> None:
    """A marketplace's proof of the day."""
    if not proofs.is_due(marketplace_id):
        return
    try:
        measured = funds.measure(marketplace_id)
    except ChainUnavailable as error:
        raise Later(max(error.retry_after, runs.AFTER_FAILURE)) from None
    proofs.keep(funds=measured, actor=system("reconciliation"))


@sweep("reconciliation.proofs", every=60.0)
def proofs_due() -> list[Ring]:
    """Marketplaces without a proof of the last day."""
    return [("reconciliation.proof", marketplace_id) for marketplace_id in proofs.due()]
