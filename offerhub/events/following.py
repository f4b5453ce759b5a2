"""Following the log from a terminal: read, sleep until numbering rings, read on."""

import time
from collections.abc import Iterator, Sequence

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connection

from offerhub.events import log
from offerhub.events.models import Event

logger = structlog.get_logger(__name__)

PAGE = 500
LOOK = 1.0  # seconds until it looks although nobody rang: there may be nobody who numbers
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds, while the database is away


def new_events(
    marketplace_id: str | None, *, after: int, types: Sequence[str] = (), subject: str = ""
) -> Iterator[Event]:
    """The events behind a number, each once and in order, without end; of all marketplaces with
    None. A database that goes away is waited for and costs no event."""
    pause = FIRST_PAUSE
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {log.CHANNEL}")
            while True:
                log.number_new()
                end = log.end()
                found = log.read(
                    marketplace_id, after=after, types=types, subject=subject, limit=PAGE
                )
                pause = FIRST_PAUSE
                for event in found:
                    after = event.number or after
                    yield event
                if len(found) < PAGE:
                    after = max(after, end)
                    _until_it_rings()
        except (OperationalError, InterfaceError, psycopg.Error) as error:
            logger.warning("database_away", error=str(error).strip())
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _until_it_rings() -> None:
    """Returns at the first bell or after `LOOK`. The bells of one waking are one."""
    for _ in connection.connection.notifies(timeout=LOOK, stop_after=1):
        break
