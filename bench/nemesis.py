"""What is done to an installation's processes during a soak, each at its own pace."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from offerhub.supervisor import leftovers

# Seconds between two kills. What the supervisor starts again is left to live for over thirty: what
# dies sooner waits longer for its next start. With these there are 20 kills a minute.
KILLS = {
    "web worker": 7.0,
    "database backend": 20.0,
    "postgres": 75.0,
    "web": 65.0,
    "worker": 33.0,
    "monitor": 34.0,
    "deliverer": 35.0,
    "sandbox": 40.0,
    "beat": 37.0,
    "redis": 30.0,
}
TERMINATE, FLUSH = 11.0, 9.0
AT_ONCE = 2  # backends terminated at a time


class Nemesis:
    """Kills on a thread of its own until it is stopped."""

    def __init__(self, folder: Path, database: str, broker: str, seed: str) -> None:
        self._folder, self._database, self._broker = folder, database, broker
        self._chance = random.Random(seed)  # noqa: S311 (the same each time)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nemesis", daemon=True)
        self.kills: Counter[str] = Counter()
        self.others: Counter[str] = Counter()

    def begin(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        deeds: list[tuple[float, Callable[[], None]]] = [
            (pace, lambda name=name: self._kill(name))  # type: ignore[misc]
            for name, pace in KILLS.items()
        ]
        deeds.append((TERMINATE, self._terminate))
        if self._broker:
            deeds.append((FLUSH, self._flush))
        due = [time.monotonic() + self._chance.uniform(0.2, 1.0) * pace for pace, _ in deeds]
        while not self._over.wait(max(0.0, min(due) - time.monotonic())):
            number = due.index(min(due))
            pace, deed = deeds[number]
            deed()
            due[number] = time.monotonic() + pace

    def _kill(self, name: str) -> None:
        with suppress(psutil.Error, psycopg.Error):
            process = self._process(name)
            if process is not None:
                process.kill()
                self.kills[name] += 1

    def _process(self, name: str) -> psutil.Process | None:
        if name == "database backend":
            pids = self._backends(1)
            return psutil.Process(pids[0]) if pids else None
        if name == "redis":
            file = self._folder / "redis.pid"
            return psutil.Process(int(file.read_text())) if file.exists() else None
        children = leftovers.living_children(self._folder)
        if name == "web worker":
            workers = children["web"].children() if "web" in children else []
            return self._chance.choice(workers) if workers else None
        return children.get(name)

    def _backends(self, count: int) -> list[int]:
        """Processes of the database that serve somebody else."""
        with psycopg.connect(self._database, connect_timeout=2) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() ORDER BY random() LIMIT %s",
                [count],
            )
            return [pid for (pid,) in rows]

    def _terminate(self) -> None:
        with suppress(psycopg.Error):
            pids = self._backends(AT_ONCE)
            with psycopg.connect(self._database, connect_timeout=2) as connection:
                for pid in pids:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
                    self.others["backend terminated"] += 1

    def _flush(self) -> None:
        import redis

        with suppress(redis.RedisError):
            client = redis.Redis.from_url(self._broker, socket_timeout=2)
            client.flushall()
            client.close()
            self.others["redis flushed"] += 1
