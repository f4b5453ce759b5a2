"""Starting, watching and stopping children, with small programs in place of the real ones."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from offerhub.supervisor import ports
from offerhub.supervisor.leftovers import AlreadyRunning, PidFile
from offerhub.supervisor.program import LAUNCHER, ROOT, Child, Program
from offerhub.supervisor.supervisor import Supervisor, WillNotStart
from tests.processes.children import child, is_gone, until


def program(name: str, code: str, **options: object) -> Program:
    """A small Python program that counts as ready at once."""
    command = (sys.executable, "-I", "-c", code)
    base = Program(name=name, title=name.title(), command=command, ready=lambda: True)
    return replace(base, **options)  # type: ignore[arg-type]


SLEEPER = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); {SLEEPER}"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    pids = PidFile(tmp_path)
    pids.take()
    pids.begin("http://nowhere")
    supervisor = Supervisor(tmp_path / "log", pids, said.append)
    yield supervisor
    supervisor.stop()


def ticks(supervisor: Supervisor, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        supervisor.tick(0.02)


def tick_until(supervisor: Supervisor, condition: Callable[[], object]) -> None:
    def after_a_tick() -> object:
        supervisor.tick(0.02)
        return condition()

    until(after_a_tick, 30)


def test_a_killed_child_comes_back(supervisor: Supervisor, said: list[str]) -> None:
    one = supervisor.start(program("one", SLEEPER))
    supervisor.wait_ready(one)
    before = one.pid
    os.kill(before, signal.SIGKILL)
    tick_until(supervisor, lambda: len(said) == 2)
    assert one.pid not in (0, before)
    assert psutil.pid_exists(one.pid)
    assert said == ["One was ended by SIGKILL; starting it again.", "One is back."]


def test_a_child_that_dies_again_and_again_is_started_less_and_less_often(
    supervisor: Supervisor, said: list[str]
) -> None:
    one = supervisor.start(program("one", "raise SystemExit(3)", ready=lambda: False))
    ticks(supervisor, 2.5)
    # Pauses of 0.2, 0.4, 0.8 s and 1.6 s: four starts in this time, and not a hundred.
    assert 2 <= one.crashes <= 5
    assert set(said) == {"One ended with status 3; starting it again."}


def test_a_child_that_never_gets_ready_is_reported_with_its_last_words(
    supervisor: Supervisor,
) -> None:
    code = "print('no such table'); raise SystemExit(1)"
    one = supervisor.start(program("one", code, ready=lambda: False))
    with pytest.raises(WillNotStart, match=r"(?s)One does not start.*no such table"):
        supervisor.wait_ready(one)


def test_a_child_that_hangs_is_not_waited_for_for_ever(supervisor: Supervisor) -> None:
    one = supervisor.start(program("one", SLEEPER, ready=lambda: False, patience=0.3))
    with pytest.raises(WillNotStart):
        supervisor.wait_ready(one)


def test_children_are_stopped_last_one_first(supervisor: Supervisor, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = (
        "import signal, sys, time, pathlib\n"
        "def end(*_):\n"
        f"    f = open({str(trace)!r}, 'a'); f.write(NAME); f.close(); sys.exit()\n"
        "signal.signal(15, end); print('up', flush=True); time.sleep(60)"
    )
    for name in "abc":
        one = supervisor.start(program(name, f"NAME = {name!r}\n{code}"))
        until(lambda one=one: "up" in one.last_words(), 30)  # type: ignore[misc]
    supervisor.stop()
    assert trace.read_text() == "cba"


def test_a_stubborn_child_is_killed_when_its_time_is_up(supervisor: Supervisor) -> None:
    one = supervisor.start(program("one", STUBBORN, grace=0.3))
    until(lambda: "up" in one.last_words(), 30)
    pid = one.pid
    supervisor.stop()
    assert not psutil.pid_exists(pid)


def test_the_children_of_a_killed_child_go_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        f"print(subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).pid, flush=True)\n"
        "time.sleep(60)"
    )
    one = supervisor.start(program("one", code))
    until(lambda: one.last_words().strip(), 30)
    grandchild = int(one.last_words())
    os.kill(one.pid, signal.SIGKILL)
    tick_until(supervisor, lambda: is_gone(grandchild))


def test_work_beside_answers_and_raises_as_if_it_were_called(supervisor: Supervisor) -> None:
    assert supervisor.beside(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        supervisor.beside(lambda: 1 // 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from offerhub.supervisor.program import Child, Program\n"
        f"p = Program('one', 'One', (sys.executable, '-I', '-c', {SLEEPER!r}), lambda: True)\n"
        "c = Child(p, Path(sys.argv[2])); c.start(); print(c.pid, flush=True)\n"
        "import time; time.sleep(60)"
    )
    log = tmp_path / "log"
    command = (sys.executable, "-c", code, str(ROOT), str(tmp_path / "one.log"))
    with child(*command, log=log) as supervisor:
        until(lambda: log.exists() and log.read_text().strip(), 30)
        pid = int(log.read_text())
        time.sleep(0.2)
        assert not is_gone(pid)
        os.kill(supervisor.pid, signal.SIGKILL)
        until(lambda: is_gone(pid), 30)


def test_a_child_whose_parent_is_gone_already_does_not_begin() -> None:
    gone = subprocess.run(
        [sys.executable, "-I", "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), gone, "15", "", "--", "echo", "begun"]
    answer = subprocess.run(launch, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert answer.stdout == ""


def test_leftovers_of_a_killed_supervisor_are_stopped(tmp_path: Path) -> None:
    with child(sys.executable, "-I", "-c", SLEEPER, log=tmp_path / "log") as left:
        before = PidFile(tmp_path)
        before.begin("http://nowhere")
        before.keep_children({"web": (left.pid, signal.SIGTERM)})
        after = PidFile(tmp_path)
        after.take()
        assert after.stop_leftovers() == ["web"]
        assert is_gone(left.pid)


def test_a_stranger_with_the_number_of_a_leftover_is_left_alone(tmp_path: Path) -> None:
    with child(sys.executable, "-I", "-c", SLEEPER, log=tmp_path / "log") as stranger:
        entry = {"pid": stranger.pid, "created": time.time() - 86400, "signal": 15}
        (tmp_path / "up.json").write_text(json.dumps({"children": {"web": entry}}))
        pids = PidFile(tmp_path)
        pids.take()
        assert pids.stop_leftovers() == []
        time.sleep(0.2)
        assert stranger.poll() is None


def test_a_second_supervisor_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    first = PidFile(tmp_path)
    first.take()
    first.begin("http://127.0.0.1:8000")
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}, http://127.0.0.1:8000"):
        PidFile(tmp_path).take()


def test_a_broken_pid_file_stops_nothing_and_nobody(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text('{"children": {"web"')
    pids = PidFile(tmp_path)
    pids.take()
    assert pids.stop_leftovers() == []


def test_a_log_that_grows_too_long_is_cut_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offerhub.supervisor.program.LOG_LIMIT", 1000)
    code = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.01)"
    one = Child(program("one", code), tmp_path / "one.log")
    one.start()
    try:
        until(lambda: one.log.stat().st_size > 1000, 30)
        one.shorten_log()
        assert one.log.stat().st_size < 1000
        until(lambda: one.log.stat().st_size > 300, 30)
        assert "\0" not in one.log.read_text()
        assert one.log.with_suffix(".log.1").stat().st_size > 1000
    finally:
        one.kill_group()
        assert one.process is not None
        one.process.wait()


def test_a_taken_port_is_seen_and_another_found() -> None:
    taken = ports.any_free()
    with socket.socket() as server:
        server.bind(("127.0.0.1", taken))
        server.listen()
        assert not ports.is_free(taken)
        assert ports.first_free([taken]) != taken
        free = ports.any_free()
        assert ports.first_free([taken, free]) == free
