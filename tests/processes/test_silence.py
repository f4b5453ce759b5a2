"""A database that takes connections and says nothing, as one does whose machine has vanished."""

import asyncio
import socket
import time

import psycopg
import pytest
from django.db import OperationalError, connection

from offerhub.api.events import hub


@pytest.mark.django_db
def test_a_silent_database_is_given_up_by_threads_and_by_streams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = connection.copy()
        known = database.get_connection_params()
        assert 0 < known["connect_timeout"] <= 10
        # What was sent, or a probe of a quiet connection, is answered within a minute, or it ends.
        assert 0 < known["tcp_user_timeout"] <= 30_000
        probes = known["keepalives_interval"] * known["keepalives_count"]
        assert 0 < known["keepalives_idle"] + probes <= 60

        options = database.settings_dict["OPTIONS"] | {"connect_timeout": 2, "host": "127.0.0.1"}
        there = {"HOST": "127.0.0.1", "PORT": silent.getsockname()[1], "OPTIONS": options}
        database.settings_dict |= there
        monkeypatch.setattr(hub, "django_connection", database)

        async def both() -> list[BaseException | None]:
            asking = asyncio.to_thread(database.ensure_connection), hub._connect()
            return list(await asyncio.gather(*asking, return_exceptions=True))

        began = time.monotonic()
        by_thread, by_stream = asyncio.run(both())
        assert isinstance(by_thread, OperationalError)
        assert isinstance(by_stream, psycopg.OperationalError)
        assert time.monotonic() - began < 15  # the kernel would take 130
