"""Jobs and sweeps of reports."""

from offerhub.core import jobs
from offerhub.reports import keeping, mails, making, schedules, services


@jobs.job(services.MAKE)
def make(run_id: str) -> None:
    """Make the file of a run."""
    making.make(run_id)


@jobs.sweep("reports.due", every=5.0)
def due() -> list[jobs.Ring]:
    """Runs whose bell was lost, that wait for a place, or whose worker died."""
    return [(services.MAKE, row_id) for row_id in making.due()]


@jobs.job(schedules.DUE)
def schedule(schedule_id: str) -> None:
    """Ask for the report of a period that is over."""
    schedules.run_period(schedule_id=schedule_id)


@jobs.sweep("reports.schedules", every=30.0)
def schedules_due() -> list[jobs.Ring]:
    """Schedules whose period is over."""
    return [(schedules.DUE, row_id) for row_id in schedules.due()]


@jobs.job("reports.mail")
def mail(run_id: str) -> None:
    """Tell the people of a schedule."""
    mails.send(run_id)


@jobs.sweep("reports.mails", every=60.0)
def mails_due() -> list[jobs.Ring]:
    """Mails that were not sent."""
    return [("reports.mail", row_id) for row_id in mails.due()]


@jobs.sweep("reports.files", every=3600.0)
def files() -> list[jobs.Ring]:
    """Delete files whose time is over, and what no row names."""
    while services.expire():
        pass  # some at a time, until all of them are gone
    keeping.sweep()
    return []
