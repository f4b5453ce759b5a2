"""A Celery application with one more job and sweep, over a table that the test makes."""

import time

from django.db import connection

from offerhub.celery import app
from offerhub.core import jobs

__all__ = ["app"]


@jobs.job("probe")
def probe(row_id: str) -> None:
    """Count a run; the row says how long it takes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE probe SET begun = begun + 1, backend = pg_backend_pid() WHERE id = %s"
            " RETURNING pause",
            [row_id],
        )
        pause = cursor.fetchone()[0]
        time.sleep(pause)
        cursor.execute("UPDATE probe SET done = done + 1 WHERE id = %s", [row_id])


@jobs.sweep("probe.due", every=0.5)
def due() -> list[jobs.Ring]:
    """Rows that want work, unless the test shut the sweep's eyes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM probe WHERE done = 0 AND swept")
        return [("probe", row_id) for (row_id,) in cursor.fetchall()]
