"""`manage.py up` with real processes: starting, killing, stopping, starting again."""

import contextlib
import os
import re
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from offerhub.health import KEPT_SECONDS
from tests import database
from tests.processes.children import child, clean_environment, redis_server, until
from tests.processes.installation import Installation

pytestmark = pytest.mark.slow
CHILDREN = ["postgres", "sandbox", "web", "worker", "monitor", "deliverer"]


def test_it_says_where_everything_is(running: Installation) -> None:
    facts = running.facts
    assert set(facts) == {"baseUrl", "apiKey", "adminUrl", "sandboxUrl", "marketplaceId", "staff"}
    assert facts["baseUrl"] == f"http://127.0.0.1:{running.port}"
    assert facts["adminUrl"] == f"http://127.0.0.1:{running.port}/admin/"
    assert stat.S_IMODE((running.folder / "run.json").stat().st_mode) == 0o600
    roles = [one["role"] for one in facts["staff"]]
    assert roles == ["support", "senior_support", "finance", "read_only", "operations"]
    for one in facts["staff"]:
        assert set(one) == {"role", "username", "password", "totpSecret"}
        assert all(one.values())
    for place in (facts["baseUrl"], facts["adminUrl"], facts["sandboxUrl"], "run.json"):
        assert place in running.output


def test_no_secret_is_on_the_terminal_or_in_a_log(running: Installation) -> None:
    facts = running.facts
    secrets = [facts["apiKey"], *(one["password"] for one in facts["staff"])]
    texts = [running.output, *(p.read_text() for p in (running.folder / "log").glob("*.log"))]
    assert not [text for text in texts for secret in secrets if secret in text]


def test_every_process_answers(running: Installation) -> None:
    assert sorted(running.pids()) == sorted(CHILDREN)
    assert running.is_ready()
    health = requests.get(f"{running.facts['sandboxUrl']}/control/health", timeout=5)
    assert health.status_code == 200
    bearer = f"Bearer {running.facts['apiKey']}"
    assert running.get("/api/v1/me", Authorization=bearer).status_code == 200


@contextlib.contextmanager
def drilling(running: Installation, *options: str, **variables: str) -> Iterator[Any]:
    """`manage.py drill` on the installation; what it says goes to the file `drill`."""
    environment = clean_environment(OFFERHUB_VAR=str(running.folder), COLUMNS="120", **variables)
    log = running.folder / "drill"
    log.unlink(missing_ok=True)
    command = (sys.executable, "manage.py", "drill", *options)
    with child(*command, log=log, environment=environment) as process:
        yield process


def scripts(running: Installation) -> list[Any]:
    answer = requests.get(f"{running.facts['sandboxUrl']}/control/faults", timeout=5)
    return list(answer.json()["faults"])


def test_a_drill_ends_with_every_stroop_where_it_belongs(running: Installation) -> None:
    with drilling(running, "--deals", "5", "--players", "2", "--seed", "1", "--no-kill") as process:
        status = process.wait(240)
    said = (running.folder / "drill").read_text()
    assert status == 0, said
    assert re.search(r"came in +(\d+\.\d{7}) +\1 +0\.0000000", said), said
    assert re.search(r"divided +COMPLETED +1", said), said
    assert re.search(r"(\d+) of \1 facts hold", said), said
    assert scripts(running) == []


def test_a_drill_that_is_interrupted_takes_its_scripts_back(running: Installation) -> None:
    other = {"match": {"path": "/nothing"}, "answer": "503", "owner": "somebody"}
    faults = f"{running.facts['sandboxUrl']}/control/faults"
    assert requests.post(faults, json=other, timeout=5).ok
    with drilling(running, "--deals", "500", "--no-kill") as process:
        until(
            lambda: len(scripts(running)) > 1, 120, lambda: (running.folder / "drill").read_text()
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    assert [script["owner"] for script in scripts(running)] == ["somebody"]
    requests.delete(faults, timeout=5)


def test_a_drill_is_refused_where_the_money_is_real(running: Installation) -> None:
    real = {"OFFERHUB_NETWORK": "testnet", "SECRET_KEY": "s" * 50}
    keys = dict.fromkeys(("OFFERHUB_SIGNING_KEYS", "OFFERHUB_KEY_ENCRYPTION_KEYS"), "a:" + "A" * 44)
    with drilling(running, **real, **keys) as process:
        assert process.wait(60) == 2
    assert "for the sandbox alone" in (running.folder / "drill").read_text()


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_process_comes_back(running: Installation, name: str) -> None:
    before = running.pids()
    os.kill(before[name], signal.SIGKILL)
    until(lambda: running.pids().get(name) not in (None, before[name]), 60, lambda: running.output)
    title = {
        "postgres": "PostgreSQL",
        "web": "Web server",
        "monitor": "Chain monitor",
        "deliverer": "Webhooks",
    }
    back = f"{title.get(name, name.title())}"
    until(
        lambda: f"{back}" in running.output and "is back" in running.output,
        90,
        lambda: running.output,
    )
    until(running.is_ready, 60, lambda: running.output)
    others = {key: pid for key, pid in before.items() if key != name}
    assert {key: pid for key, pid in running.pids().items() if key != name} == others


def test_a_killed_web_worker_and_a_killed_database_backend_are_survived(
    running: Installation,
) -> None:
    worker = psutil.Process(running.pids()["web"]).children()[0]
    worker.kill()
    until(running.is_ready, 60)
    until(lambda: any(map(killed, psutil.Process(running.pids()["postgres"]).children())), 60)
    until(running.is_ready, 60)


def killed(process: psutil.Process) -> bool:
    """Whether it was a client's backend, which is killed now; any may have ended by itself."""
    try:
        client = "[local]" in " ".join(process.cmdline())
        if client:
            process.kill()
    except psutil.NoSuchProcess:
        return False
    return client


def test_a_second_start_in_the_same_folder_is_refused(running: Installation) -> None:
    # A database whose backend was killed recovers; /readyz may tell what was so a second before.
    time.sleep(KEPT_SECONDS)
    until(running.is_ready, 60, lambda: running.output)
    before = running.pids()
    with child(
        *(sys.executable, "manage.py", "up", "--port", str(running.port)),
        log=running.folder / "second",
        environment=clean_environment(OFFERHUB_VAR=str(running.folder), COLUMNS="200"),
    ) as second:
        assert second.wait(120) == 1
    said = (running.folder / "second").read_text()
    assert "already running here" in said
    assert f"http://127.0.0.1:{running.port}" in said
    assert running.is_ready()
    assert running.pids() == before


def test_a_taken_port_is_named_with_the_way_out(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        with installation.started(wait=False) as process:
            assert process.wait(120) == 1
    assert f"Port {installation.port} is in use" in installation.output
    assert "PORT=" in installation.output
    assert installation.processes() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_neither_ctrl_c_nor_a_kill_leaves_anything_running_and_the_next_start_keeps_the_data(
    installation: Installation,
) -> None:
    with installation.started() as process:
        first = installation.facts
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
        assert installation.processes() == []
        assert "Stopped" in installation.output

    installation.port += 1  # elsewhere: the sandbox stays where it was
    with installation.started() as process:
        assert_the_same(first, installation)
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not installation.processes(), 60, installation.processes)
    # At once, while its children may still be ending; and killed again, and again at once.
    with installation.started(wait=False) as process:
        time.sleep(1.5)
        os.kill(process.pid, signal.SIGKILL)
    with installation.started() as process:
        assert_the_same(first, installation)
        process.terminate()
        assert process.wait(120) == 0
        assert installation.processes() == []


def assert_the_same(first: dict[str, Any], installation: Installation) -> None:
    """What it was at its first start, but for the port, and it serves."""
    now = installation.facts
    assert now["baseUrl"] != first["baseUrl"]
    for name in ("apiKey", "marketplaceId", "sandboxUrl", "staff"):
        assert now[name] == first[name]
    bearer = f"Bearer {first['apiKey']}"
    assert installation.get("/api/v1/me", Authorization=bearer).status_code == 200
    assert installation.is_ready()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_killed_make_takes_everything_along(installation: Installation, tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    up = f"{sys.executable} manage.py up --no-demo --port {installation.port}"
    makefile.write_text(f"run:\n\t@{up}\n")
    with installation.started(command=("make", "-f", str(makefile), "run")) as make:
        os.kill(make.pid, signal.SIGKILL)
        with contextlib.suppress(psutil.Error):
            until(lambda: not installation.processes(), 60, installation.processes)


def test_an_external_database_and_a_broker_take_the_place_of_our_own(
    empty: Installation, tmp_path: Path
) -> None:
    with external_database(f"up_{empty.port}") as url, redis_server(tmp_path) as broker:
        with empty.started(DATABASE_URL=url, CELERY_BROKER_URL=broker) as process:
            wanted = ["beat", "deliverer", "monitor", "sandbox", "web", "worker"]
            assert sorted(empty.pids()) == wanted
            assert empty.is_ready()
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
        assert not (empty.folder / "postgres").exists()


@contextlib.contextmanager
def external_database(name: str) -> Iterator[str]:
    """A database of its own on a server that the program did not start."""
    server = database.start()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
