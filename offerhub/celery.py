"""The Celery application, for installations with a broker: Redis or RabbitMQ.

    celery -A offerhub worker --pool threads
    celery -A offerhub beat

Messages carry a name and a row's id and nothing else. No money waits for one: what a broker loses
is found again by the sweeps, which beat rings for. The tasks live here and not in a `tasks` module
so that an installation without a broker never loads Celery.
"""

import os
from typing import Any

import django
import structlog
from celery import Celery
from celery.signals import beat_init, import_modules, worker_ready
from django.apps import apps
from django.db import DatabaseError, close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

from offerhub.core import doorbell, jobs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
log = structlog.get_logger(__name__)
app = Celery("offerhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A message carries the request id of the call that rang, so that the log can be read across.
app.steps["worker"].add(DjangoStructLogInitStep)

PATIENCE = 2.0  # seconds that a job may wait here for a busy account


@app.task(name="offerhub.run_job")
def run_job(name: str, row_id: str) -> None:
    """Bring one row as far as it goes now. Safe to be delivered twice, late, or never."""
    close_old_connections()
    try:
        jobs.run(name, row_id, PATIENCE)
    except Exception:
        # Not raised: a broker would deliver it again at once. The sweep has its own pace.
        log.exception("job_failed", job=name, row=row_id)


@app.task(name="offerhub.run_sweep")
def run_sweep(name: str) -> int:
    """Look for due rows and ring for each, so that they spread over all workers."""
    close_old_connections()
    try:
        found = jobs.SWEEPS[name].find()
    except DatabaseError as error:
        log.warning("sweep_put_off", sweep=name, error=str(error).strip())
        return 0
    for job_name, row_id in found:
        doorbell.press(job_name, row_id)
    return len(found)


@import_modules.connect
def schedule_sweeps(**_: Any) -> None:
    """Every sweep at its interval. A message that waited too long is dropped: more will come."""
    if not apps.ready:
        django.setup()
    app.conf.beat_schedule = {
        name: {
            "task": "offerhub.run_sweep",
            "schedule": sweep.every,
            "args": (name,),
            "options": {"expires": max(10.0, 2 * sweep.every)},
        }
        for name, sweep in jobs.SWEEPS.items()
    }


@worker_ready.connect
@beat_init.connect
def announce_readiness(**_: Any) -> None:
    """Tell the supervisor, if one started us."""
    from offerhub.supervisor import ready

    ready.announce()
