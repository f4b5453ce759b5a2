"""Pressing the bell through Celery, when a broker is configured."""

import time

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

PAUSE = 2.0  # seconds in which a broker that did not answer is left alone
_quiet_until = 0.0


def press(name: str, row_id: str) -> None:
    """Send the message; a broker that is away costs only the time to the next sweep."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        current_app.send_task("offerhub.run_job", args=[name, row_id], retry=False)
    except (OperationalError, OSError) as error:
        _quiet_until = time.monotonic() + PAUSE
        log.warning("doorbell_unheard", job=name, row=row_id, error=str(error))
