"""Asking for reports, downloading them, and letting them expire."""

from dataclasses import replace
from typing import Any

from django.conf import settings

from ledger.chart import AccountKind
from ledger.models import Account
from offerhub.core import clock
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import Conflict, NotFound, RateLimited, WrongState
from offerhub.core.jobs import ring
from offerhub.marketplaces.models import Marketplace
from offerhub.reports import keeping
from offerhub.reports.models import Run
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import complaint
from offerhub.reports.recording import record
from offerhub.reports.registry import ReportType, report_type
from offerhub.reports.states import LIVE, RunState
from offerhub.users.models import User

MAKE = "reports.make"


class TooManyRuns(RateLimited):
    """As many reports as may wait are waiting."""

    code, title = "too_many_runs", "Too many reports are waiting to be made"


class FileExpired(Conflict):
    """The file was deleted when its time was over; the report can be asked for again."""

    code, title = "report_expired", "The file of this report has expired"


@in_transaction
def request_run(
    *, type: str, format: str, asked: Parameters, actor: Actor, **of_schedule: Any
) -> Run:
    """Ask for a report; it is made in the background.

    Raises InvalidRequest naming the field, NotFound for a user or account of nobody here, and
    TooManyRuns. `of_schedule`: the schedule and the first day of its period.
    """
    kind = report_type(type)
    asked = resolved(kind, asked)
    kind.refuse_unfit(asked, format)
    waiting = Run.objects.filter(state__in=LIVE, marketplace=asked.marketplace or None).count()
    if waiting >= settings.REPORTS_WAITING and not of_schedule:
        raise TooManyRuns(f"{waiting} are waiting; ask again when some are done", retry_after=30)
    run = Run(
        marketplace_id=asked.marketplace or None,
        type=type,
        format=format,
        parameters=asked.given,
        actor=str(actor),
        created_at=clock.now(),
        **of_schedule,
    )
    record(run, "report.requested", actor)
    run.save(force_insert=True)
    ring(MAKE, run.pk)
    return run


def resolved(kind: ReportType, asked: Parameters) -> Parameters:
    """With ids in the place of the marketplace's own names; raises InvalidRequest.

    A statement of a user is that of their available money.
    """
    if asked.user:
        user = _user(asked)
        asked = replace(asked, user=user.pk, marketplace=user.marketplace_id)
        if "account" in kind.needs and not asked.account:
            asked = replace(asked, account=_available(user))
    if asked.account:
        account = Account.objects.filter(pk=asked.account).first()
        if account is None or asked.marketplace not in ("", account.marketplace_id):
            raise complaint("accountId", "unknown_account", "is no account of this marketplace")
        asked = replace(asked, marketplace=account.marketplace_id)
    if asked.marketplace and not Marketplace.objects.filter(pk=asked.marketplace).exists():
        raise complaint("marketplace", "unknown_marketplace", "is no marketplace")
    return asked


def _available(user: User) -> str:
    account = Account.objects.filter(user=user, kind=AccountKind.AVAILABLE, asset="USDC").first()
    if account is None:
        raise complaint("userId", "no_lines", "never had money here, so there is no statement")
    return str(account.pk)


def _user(asked: Parameters) -> User:
    rows = User.objects.filter(pk=asked.user)
    if asked.marketplace:
        rows = User.objects.filter(marketplace=asked.marketplace)
        own = asked.user.startswith("usr_")
        rows = rows.filter(pk=asked.user) if own else rows.filter(external_id=asked.user)
    found = rows.first()
    if found is None:
        raise complaint("userId", "unknown_user", "is no user of this marketplace")
    return found


def find_run(marketplace_id: str, run_id: str) -> Run:
    """A run of this marketplace; raises NotFound."""
    run = Run.objects.filter(pk=run_id, marketplace=marketplace_id).first()
    if run is None:
        raise NotFound(f"There is no report {run_id!r} in this marketplace")
    return run


@in_transaction
def download(*, run_id: str, actor: Actor) -> Run:
    """Say who takes the file; raises NotFound, WrongState before it is done, and FileExpired."""
    run = Run.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None:
        raise NotFound
    if run.state == RunState.EXPIRED:
        raise FileExpired
    if run.state != RunState.DONE:
        raise WrongState(f"The report is {run.state}, so there is no file")
    record(run, "report.downloaded", actor)
    run.save(update_fields=["version"])
    return run


def expire(limit: int = 100) -> int:
    """Delete the files whose time is over; how many."""
    over = Run.objects.filter(state=RunState.DONE, expires_at__lte=clock.now())
    for run_id in over.values_list("pk", flat=True)[:limit]:
        _expire(run_id)
    left = Run.objects.filter(state=RunState.EXPIRED).exclude(stored_as="")
    rows = list(left[:limit])
    for run in rows:
        keeping.delete(run.stored_as)
        Run.objects.filter(pk=run.pk).update(stored_as="")
    return len(rows)


@in_transaction
def _expire(run_id: str) -> None:
    run = Run.objects.select_for_update(of=("self",)).get(pk=run_id)
    if run.state == RunState.DONE:
        run.state = RunState.EXPIRED
        record(run, "report.expired", system("reports"))
        run.save(update_fields=["state", "version"])
