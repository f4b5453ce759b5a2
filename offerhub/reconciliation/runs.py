"""Comparisons of books and chain: asked for by people, and the round that never ends.

A run goes over its balances in batches and keeps its place, so that any worker goes on with it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from offerhub.chain.types import ChainUnavailable
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidRequest
from offerhub.core.jobs import Later
from offerhub.reconciliation import differences, targets
from offerhub.reconciliation.explaining import Explained, explain
from offerhub.reconciliation.looking import Look, Verdict, look
from offerhub.reconciliation.models import Difference, Run, Undecided
from offerhub.reconciliation.states import WAITING, DifferenceType
from offerhub.reconciliation.targets import Target
from offerhub.users.models import Wallet

JOB = "reconciliation.run"
LEASE = 60.0  # seconds; a slower batch only lets another worker do it again
AFTER_FAILURE = 10.0  # seconds until a network that was away is asked again
KEPT = timedelta(days=7)  # rounds that ended; what they found is kept for ever
WATCHED = 2 * targets.BATCH  # balances of one look at what is on its way


@in_transaction
def request_run(*, marketplace_id: str, address: str = "", actor: Actor) -> Run:
    """Compare a marketplace, or one wallet or contract of it. Raises InvalidRequest."""
    if address and not targets.is_known(marketplace_id, address):
        complaint = FieldError("address", "unknown_address", "is no wallet or contract of yours")
        raise InvalidRequest(errors=[complaint])
    run = Run.objects.create(marketplace_id=marketplace_id, address=address, actor=str(actor))
    jobs.ring(JOB, run.pk)
    return run


def begin_round() -> None:
    """Go round the whole installation once more, when the last time is long enough ago."""
    pause = timedelta(seconds=settings.RECONCILIATION_SECONDS)
    rounds = Run.objects.filter(marketplace=None)
    if not pause or rounds.filter(due_at__gt=Now() - pause).exists():
        return
    if rounds.filter(status=Run.Status.RUNNING).exists():
        return
    try:
        with transaction.atomic():
            Run.objects.create(actor=str(system("reconciliation")))
    except IntegrityError:
        return  # another worker was faster
    rounds.filter(finished_at__lt=clock.now() - KEPT).delete()


def due() -> list[str]:
    """Runs that want their next batch."""
    rows = Run.objects.filter(status=Run.Status.RUNNING, due_at__lte=Now())
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:20])


def step(run_id: str) -> None:
    """Do a run's next batch. Raises Later when there are more."""
    run = _claim(run_id)
    if run is None:
        return
    market = run.marketplace_id or ""
    if run.address:
        chosen, after = targets.of_address(market, run.address), ""
    else:
        chosen, after = targets.batch(run.after, market)
    try:
        looks = look(chosen)
        record(looks)
    except ChainUnavailable as error:
        pause = max(error.retry_after, AFTER_FAILURE)
        Run.objects.filter(pk=run.pk).update(
            problem=str(error)[:300], due_at=Now() + timedelta(seconds=pause)
        )
        raise Later(pause) from None
    _advance(run, looks, after)
    if after:
        raise Later(0.0)


def record(looks: Sequence[Look]) -> None:
    """Keep what looks found. Equal balances of which nothing was known cost no statement."""
    known = differences.known([each.target for each in looks])
    for each in looks:
        if each.verdict == Verdict.DIFFERENT:
            differences.found(look=each, explained=explain(each))
        elif each.verdict == Verdict.UNDECIDED:
            if differences.undecided(look=each):
                differences.found(look=each, explained=_late(each))
        elif each.target in known:
            differences.equal(target=each.target)


def _late(look: Look) -> Explained:
    return replace(explain(look), type=DifferenceType.TIMING)


def look_again() -> int:
    """Look again at what was on its way; how many balances that were."""
    rows = list(Undecided.objects.filter(due_at__lte=Now()).order_by("due_at")[:WATCHED])
    if not rows:
        return 0
    external = set(
        Wallet.objects.filter(
            address__in=[row.owner for row in rows], kind=Wallet.Kind.EXTERNAL
        ).values_list("address", flat=True)
    )
    chosen = [
        Target(row.marketplace_id, row.kind, row.owner, row.asset, row.owner in external)
        for row in rows
    ]
    try:
        record(look(chosen))
    except ChainUnavailable:
        again = Undecided.objects.filter(pk__in=[row.pk for row in rows])
        again.update(due_at=Now() + timedelta(seconds=AFTER_FAILURE))
    return len(rows)


def waiting(marketplace_id: str = "") -> "list[Difference]":
    """Differences that wait for somebody, oldest first."""
    rows = Difference.objects.filter(status__in=WAITING).order_by("pk")
    return list(rows.filter(marketplace=marketplace_id) if marketplace_id else rows)


def _claim(run_id: str) -> Run | None:
    """Take a run for one batch."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reconciliation_run SET due_at = now() + make_interval(secs => %s)"
            " WHERE id = %s AND status = 'RUNNING' AND due_at <= now() RETURNING id",
            [LEASE, run_id],
        )
        if cursor.fetchone() is None:
            return None
    return Run.objects.get(pk=run_id)


def _advance(run: Run, looks: Sequence[Look], after: str) -> None:
    verdicts = [each.verdict for each in looks]
    run.checked += len(looks)
    run.equal += verdicts.count(Verdict.EQUAL)
    run.undecided += verdicts.count(Verdict.UNDECIDED)
    run.different += verdicts.count(Verdict.DIFFERENT)
    run.ledger = max([run.ledger, *(each.ledger for each in looks)])
    run.after, run.problem = after, ""
    if not after:
        run.status, run.finished_at = Run.Status.DONE, clock.now()
    names = ("checked", "equal", "undecided", "different", "ledger", "after", "problem")
    values = {name: getattr(run, name) for name in names}
    Run.objects.filter(pk=run.pk).update(
        **values, status=run.status, finished_at=run.finished_at, due_at=Now()
    )
