"""The open streams of one process, and the one reader that feeds them.

One connection of the process listens for the bell that numbering rings; another reads what is new
for all streams at once. What was read is kept for a while, so that a stream that fell a little
behind costs nothing; whoever is further behind (a reader that was away) reads pages, one reader at
a time. Both connections are closed when there has been no stream for a while.
"""

import asyncio
import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import connection as django_connection

from offerhub.api.events.streaming import Wish, alive, message
from offerhub.events import catalog
from offerhub.events.log import CHANNEL
from offerhub.events.models import Event

log = structlog.get_logger(__name__)

HEARTBEAT = 15.0  # seconds between two signs of life on a quiet stream
SEND_SECONDS = 30.0  # a reader that takes longer to take something is let go
KEPT = 2000  # events that are kept for those who are a little behind
BATCH = 500  # events read at once for all
PAGE = 200  # of events read for one who is behind
LINGER = 30.0  # seconds for which the connections stay open without a stream
AWAY = (0.2, 5.0)  # seconds until the database is tried again, at first and at most
_COLUMNS = (
    "number, id, marketplace_id, type, version, subject, sequence, request_id, payload, created_at"
)
_TABLE = Event._meta.db_table
_END = "SELECT last FROM events_log"
_NEW = f"SELECT {_COLUMNS} FROM {_TABLE} WHERE number > %s ORDER BY number LIMIT {BATCH}"  # noqa: S608
_MISSED = f"""
    SELECT {_COLUMNS} FROM {_TABLE} WHERE marketplace_id = %(marketplace)s
      AND number > %(after)s AND number <= %(end)s
      AND (%(all)s OR type = ANY(%(types)s))
      AND (%(subject)s = '' OR subject = %(subject)s)
    ORDER BY number LIMIT {PAGE}"""  # noqa: S608
_GOOD_KEYS = """
    SELECT id FROM marketplaces_apikey WHERE id = ANY(%s) AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > offerhub_now())"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it goes out."""

    number: int
    marketplace: str
    type: str
    subject: str
    content: bytes

    def suits(self, wish: Wish) -> bool:
        """Whether this reader wants it."""
        return (
            self.marketplace == wish.marketplace
            and catalog.matches(wish.types, self.type)
            and wish.subject in ("", self.subject)
        )


class Hub:
    """All streams of this process. The event loop calls everything but `reserve`."""

    def __init__(self) -> None:
        self._places: Counter[str] = Counter()  # open streams by key
        self._lock = threading.Lock()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed: set[str] = set()  # keys that are not good any more
        self._kept: deque[Kept] = deque(maxlen=KEPT)
        self._floor = self._end = 0  # everything behind the floor, up to the end, is kept
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._database: psycopg.AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()  # of the connection
        self._stopping = False
        self._checked = 0.0  # when the keys were looked at

    # --- places (on any thread) -----------------------------------------------------------------
    def reserve(self, key: str) -> bool:
        """Take a place for a stream; False when there is none for this key or at all."""
        with self._lock:
            full = self._places.total() >= settings.STREAMS_PER_PROCESS
            if self._stopping or full or self._places[key] >= settings.STREAMS_PER_KEY:
                return False
            self._places[key] += 1
            return True

    def give_back(self, key: str) -> None:
        """The stream has ended."""
        with self._lock:
            self._places[key] -= 1
            if not self._places[key]:
                del self._places[key]

    # --- one stream -------------------------------------------------------------------------------
    async def follow(self, wish: Wish, send: Any) -> None:
        """Write what the reader wants, from its place on, for as long as it listens."""
        self._start()
        bell = asyncio.Event()
        self._waiting.setdefault(wish.marketplace, set()).add(bell)
        place, quiet_since = wish.after, time.monotonic()
        try:
            while not self._stopping and wish.key not in self._closed:
                bell.clear()
                content, place, more = await self._next(wish, place)
                if not content and time.monotonic() - quiet_since >= HEARTBEAT:
                    content = [alive(place)]
                if content:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send(_piece(content))
                    quiet_since = time.monotonic()
                if not more:
                    left = HEARTBEAT - (time.monotonic() - quiet_since)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(max(left, 0.01)):
                            await bell.wait()
        except (TimeoutError, psycopg.Error) as error:
            log.info("stream_ended", marketplace=wish.marketplace, error=type(error).__name__)
        finally:
            self._waiting[wish.marketplace].discard(bell)
            if not self._waiting[wish.marketplace]:
                del self._waiting[wish.marketplace]
            if not self._waiting:
                asyncio.get_running_loop().call_later(LINGER, self._rest)

    def close_streams(self) -> None:
        """End all, because the process ends: their readers come back to another."""
        self._stopping = True
        self._wake(self._waiting)

    async def _next(self, wish: Wish, place: int) -> tuple[list[bytes], int, bool]:
        """What is new behind a place, the place after it, and whether there is more at once."""
        await self._ready.wait()
        if place < self._floor:
            return await self._missed(wish, place)
        found = []
        for kept in reversed(self._kept):
            if kept.number <= place:
                break
            if kept.suits(wish):
                found.append(kept.content)
        return found[::-1], max(place, self._end), False

    async def _missed(self, wish: Wish, place: int) -> tuple[list[bytes], int, bool]:
        names = [n for n in catalog.catalogue() if catalog.matches(wish.types, n)]
        async with self._turn:
            database = self._database
            if database is None:
                return [], place, False
            (end,) = await _one(database, _END)
            values = {
                "marketplace": wish.marketplace,
                "after": place,
                "end": end,
                "all": not wish.types,
                "types": names,
                "subject": wish.subject,
            }
            rows = await (await database.execute(_MISSED, values)).fetchall()
        found = [_kept(row) for row in rows]
        full = len(found) == PAGE
        return [kept.content for kept in found], found[-1].number if full else end, True

    # --- the reader -------------------------------------------------------------------------------
    def _start(self) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._read())

    def _rest(self) -> None:
        if self._waiting or self._reader is None:
            return
        self._reader.cancel()
        self._reader = None
        self._ready.clear()
        self._kept.clear()
        self._closed.clear()

    async def _read(self) -> None:
        pause = AWAY[0]
        while True:
            try:
                async with await _connect() as ears, await _connect() as eyes:
                    await self._open(ears, eyes)
                    pause = AWAY[0]
                    while True:
                        await self._read_new(eyes)
                        await self._check_keys(eyes)
                        async for _ in ears.notifies(timeout=HEARTBEAT, stop_after=1):
                            break
            except (psycopg.Error, OSError) as error:
                log.warning("stream_database_away", error=str(error).strip())
            finally:
                self._database = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, AWAY[1])

    async def _open(
        self, ears: psycopg.AsyncConnection[Any], eyes: psycopg.AsyncConnection[Any]
    ) -> None:
        """Begin at the end of the log. Whoever is not there yet, because what was kept before the
        connection was lost may lack what came meanwhile, reads pages."""
        await ears.execute(f"LISTEN {CHANNEL}")
        (self._end,) = await _one(eyes, _END)
        self._floor = self._end
        self._kept.clear()
        self._database = eyes
        self._ready.set()
        self._wake(self._waiting)

    async def _read_new(self, eyes: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async with self._turn:
                rows = await (await eyes.execute(_NEW, [self._end])).fetchall()
            for row in rows:
                if len(self._kept) == KEPT:
                    self._floor = self._kept[0].number
                self._kept.append(_kept(row))
                self._end = self._kept[-1].number
            self._wake({row[2] for row in rows})
            if len(rows) < BATCH:
                return

    async def _check_keys(self, eyes: psycopg.AsyncConnection[Any]) -> None:
        """Streams of keys that were revoked or have expired end within a heartbeat."""
        if time.monotonic() - self._checked < HEARTBEAT:
            return
        self._checked = time.monotonic()
        with self._lock:
            keys = list(self._places)
        async with self._turn:
            rows = await (await eyes.execute(_GOOD_KEYS, [keys])).fetchall()
        self._closed = set(keys) - {key for (key,) in rows}
        if self._closed:
            self._wake(self._waiting)

    def _wake(self, marketplaces: Iterable[str]) -> None:
        for marketplace in list(marketplaces):
            for bell in self._waiting.get(marketplace, ()):
                bell.set()


class StreamHandover:
    """One request's: the view takes a place through it, the adapter follows."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._wish: Wish | None = None

    def take(self, wish: Wish) -> bool:
        """Called by the view."""
        if not self._hub.reserve(wish.key):
            return False
        self._wish = wish
        return True

    def follows(self) -> bool:
        """Whether a stream was asked for and has its place."""
        return self._wish is not None

    async def follow(self, send: Any) -> None:
        """Until the stream ends."""
        assert self._wish is not None
        await self._hub.follow(self._wish, send)

    def release(self) -> None:
        """The place is free again."""
        if self._wish is not None:
            self._hub.give_back(self._wish.key)
            self._wish = None


def _piece(content: list[bytes]) -> dict[str, Any]:
    return {"type": "http.response.body", "body": b"".join(content), "more_body": True}


def _kept(row: Any) -> Kept:
    names = [name.strip() for name in _COLUMNS.split(",")]
    event = Event(**dict(zip(names, row, strict=True)))
    assert event.number is not None
    return Kept(event.number, event.marketplace_id, event.type, event.subject, message(event))


async def _one(database: psycopg.AsyncConnection[Any], statement: Any) -> Any:
    return await (await database.execute(statement)).fetchone()


async def _connect() -> psycopg.AsyncConnection[Any]:
    known = django_connection.get_connection_params()
    own = {"cursor_factory", "context", "prepare_threshold"}  # not of an asynchronous one
    more = {name: value for name, value in known.items() if name not in own and value}
    return await psycopg.AsyncConnection.connect(**more, autocommit=True, prepare_threshold=None)
