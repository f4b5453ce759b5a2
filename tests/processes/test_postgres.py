"""The program's own server: what a killed one leaves behind never stops the next."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from offerhub import postgres
from tests.processes.children import child, is_gone, until
from tests.processes.installation import Installation


@pytest.fixture
def data(empty: Installation) -> Iterator[Path]:
    folder = empty.folder / "a folder" / "postgres"
    yield folder
    postgres.stop(folder)


def answers(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_it_starts_stops_and_keeps_its_data_in_a_folder_with_a_space(data: Path) -> None:
    url = postgres.ensure_running(data, durable=False)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    postgres.stop(data)
    with psycopg.connect(postgres.ensure_running(data)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_server_that_somebody_uses_is_left_running(data: Path) -> None:
    url = postgres.ensure_running(data, durable=False)
    with psycopg.connect(url):
        postgres.stop_if_unused(data)
        assert answers(url)
    postgres.stop_if_unused(data)
    assert not (data / "postmaster.pid").exists()


def test_a_pid_file_that_a_killed_server_left_is_no_obstacle(data: Path) -> None:
    file = data / "postmaster.pid"
    for lines in (0, 1, 5, 7, 8):
        postgres.ensure_running(data, durable=False)
        content = file.read_text().splitlines()
        server = psutil.Process(int(content[0]))
        os.kill(server.pid, signal.SIGKILL)
        until(lambda pid=server.pid: is_gone(pid), 30)  # type: ignore[misc]
        file.write_text("".join(f"{line}\n" for line in content[:lines]))
        postgres.stop(data)
        assert answers(postgres.ensure_running(data)), f"with {lines} lines"


def test_another_program_with_the_number_of_a_dead_server_is_left_alone(
    data: Path, tmp_path: Path
) -> None:
    postgres.ensure_running(data, durable=False)
    file = data / "postmaster.pid"
    content = file.read_text().splitlines()
    server = psutil.Process(int(content[0]))
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: is_gone(server.pid), 30)
    sleep = (sys.executable, "-I", "-c", "import time; time.sleep(60)")
    with child(*sleep, log=tmp_path / "log") as other:
        file.write_text("\n".join([str(other.pid), *content[1:], ""]))
        postgres.stop(data)
        assert other.poll() is None
        assert answers(postgres.ensure_running(data))
        assert other.poll() is None


def test_a_half_made_data_folder_is_made_again(data: Path) -> None:
    scratch = data.with_name("postgres.new")
    scratch.mkdir(parents=True)
    (scratch / "PG_VERSION").write_text("18")
    assert answers(postgres.ensure_running(data, durable=False))
