"""Sweeps of events. They do their work themselves."""

from offerhub.core import jobs
from offerhub.events import deliveries, log


@jobs.sweep("events.number", every=1.0)
def number() -> list[jobs.Ring]:
    """Number new events, should no deliverer run."""
    log.number_new()
    return []


@jobs.sweep("events.forget", every=600.0)
def forget() -> list[jobs.Ring]:
    """Deliveries that ended long ago."""
    deliveries.forget_old()
    return []
