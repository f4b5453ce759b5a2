"""The tests' own database server: `python -m tests.database start` prints its address,
`python -m tests.database stop` stops it unless another test run is using it."""

import sys

from offerhub import postgres

DATA = postgres.VAR / "test-postgres"


def start() -> str:
    """Start it when it is not running; its DATABASE_URL. Nobody will miss the data: no fsync."""
    return postgres.ensure_running(DATA, durable=False)


if __name__ == "__main__":
    if sys.argv[1] == "start":
        print(start())  # noqa: T201
    else:
        postgres.stop_if_unused(DATA)
