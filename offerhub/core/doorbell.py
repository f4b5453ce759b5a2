"""Pressing the bell through Celery, when a broker is configured."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def press(name: str, row_id: str) -> None:
    """Send the message; a broker that is away costs only the time to the next sweep."""
    try:
        current_app.send_task("offerhub.run_job", args=[name, row_id], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_unheard", job=name, row=row_id, error=str(error))
