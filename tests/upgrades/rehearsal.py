"""What `python -m tests.upgrades` does once the older version is unpacked.

python -m tests.upgrades.rehearsal FOLDER SECONDS PLAYERS
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
django.setup()

import psutil  # noqa: E402
import requests  # noqa: E402
from django.conf import settings  # noqa: E402
from rich.console import Console  # noqa: E402

from offerhub import runfile  # noqa: E402
from offerhub.demo.client import Sandbox  # noqa: E402
from offerhub.drill import report  # noqa: E402
from offerhub.drill.money import Count  # noqa: E402
from offerhub.drill.play import Play, wait_for_the_end  # noqa: E402
from offerhub.drill.player import LAST_DEALS  # noqa: E402
from offerhub.operations.health import State, read  # noqa: E402
from offerhub.reconciliation.verification import Wanted, verify  # noqa: E402
from offerhub.supervisor import leftovers, ports  # noqa: E402
from offerhub.supervisor.program import ROOT, Program  # noqa: E402
from offerhub.supervisor.stack import Stack  # noqa: E402

START, END = 180.0, 200.0  # seconds for each
TRIES = 6  # of the migration, which gives up when it waits for a lock for long
# From the second on: in a deadlock the others give way, and their transactions are run again.
WITHOUT_GIVING_WAY = "options=-c%20lock_timeout%3D10s%20-c%20deadlock_timeout%3D60s"
PAUSE = 0.4  # seconds after a deal
SHOT = ("worker", "monitor", "deliverer", "web")  # of the older version


class Rehearsal:
    """One upgrade, from the older version alone to the newer one alone."""

    def __init__(self, folder: Path, seconds: float, players: int) -> None:
        self.folder, self.seconds, self.players = folder, seconds, players
        self.console = Console(highlight=False)
        self.older_url = f"http://127.0.0.1:{ports.any_free()}"
        self.newer = Stack(
            var=folder / "newer",
            host="127.0.0.1",
            port=ports.any_free(),
            sandbox_url=settings.SANDBOX_URL,
            sandbox_port=urlsplit(settings.SANDBOX_URL).port or 0,
        )

    def run(self) -> bool:
        """Whether everything ended and holds."""
        with ExitStack() as started:
            started.callback(lambda: self._say("Stopping"))
            self._start(started, self.newer.sandbox())
            older = self._start_older(started)
            facts = runfile.read()
            assert facts is not None
            sandbox = Sandbox(facts["sandboxUrl"])
            count = Count(facts["marketplaceId"], sandbox)
            plays = [
                Play(url, sandbox.url, facts["apiKey"], lambda accounts: None)
                for url in (self.older_url, self.newer.base_url)
            ]
            plays[0].begin(self.players, pause=PAUSE)
            self._wait(plays, "the older version alone", self.seconds / 2)
            self._migrate()
            self._wait(plays, "the older version on the newer tables", self.seconds / 2)
            for program in (*self.newer.workers(), self.newer.monitor(), self.newer.deliverer()):
                self._start(started, program)
            self._start(started, self.newer.web())
            plays[1].begin(self.players, pause=PAUSE)
            self._wait(plays, "both", self.seconds)
            self._shoot(older)
            self._wait(plays, "both, the older processes started anew", self.seconds)
            self._finish(plays[0])
            _stop(older)
            self._wait(plays, "the newer version alone", self.seconds / 2)
            self._finish(plays[1])
            return self._judge(plays, count, facts["marketplaceId"])

    # --- the processes --------------------------------------------------------------------------
    def _start_older(self, started: ExitStack) -> "subprocess.Popen[bytes]":
        port = str(urlsplit(self.older_url).port)
        command = (sys.executable, "manage.py", "up", "--no-demo", "--port", port)
        older = self._spawn(started, "older", command, self.folder / "older", {})
        _until(lambda: runfile.read() is not None, older, "the older version")
        return older

    def _start(self, started: ExitStack, program: Program) -> None:
        program.before()
        more = dict(program.environment)
        process = self._spawn(started, f"newer-{program.name}", program.command, ROOT, more)
        _until(program.ready, process, program.title)

    def _spawn(
        self,
        started: ExitStack,
        name: str,
        command: tuple[str, ...],
        cwd: Path,
        environment: dict[str, str],
    ) -> "subprocess.Popen[bytes]":
        self._say(f"Starting {name}")
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=cwd, env=os.environ | environment, stdout=log, stderr=log
            )
        started.callback(_stop, process)
        return process

    def _migrate(self) -> None:
        """As an operator does it, while the older version works."""
        command = (sys.executable, "manage.py", "migrate", "--no-color", "--skip-checks")
        url = os.environ["DATABASE_URL"]
        for number in range(TRIES):
            if number == 1:
                url += f"{'&' if '?' in url else '?'}{WITHOUT_GIVING_WAY}"
            began, environment = time.monotonic(), os.environ | {"DATABASE_URL": url}
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            took = time.monotonic() - began
            applied = done.stdout.count("... OK")
            if done.returncode == 0:
                self._say(f"{applied} migrations in {took:.1f} s, at try {number + 1}")
                return
            cause = next((x for x in done.stderr.splitlines()[::-1] if "Error: " in x), "")
            self._say(f"{applied} migrations in {took:.1f} s, and then: {cause}; again")
        raise RuntimeError("the database can not be migrated under load")

    def _shoot(self, older: "subprocess.Popen[bytes]") -> None:
        """Kill each older process; the older supervisor starts it again, on the newer tables."""
        children = leftovers.living_children(self.folder / "var")
        for name in SHOT:
            with suppress(psutil.Error, KeyError):  # an old version may have fewer
                children[name].kill()
                self._say(f"Killed the older version's {name}")
        time.sleep(1.0)  # a web server's own processes go with it
        ready = f"{self.older_url}/readyz"
        _until(lambda: requests.get(ready, timeout=3).status_code == 200, older, "older web server")
        self._say("The older web server is back")

    # --- the play -------------------------------------------------------------------------------
    def _wait(self, plays: list[Play], what: str, seconds: float) -> None:
        before = [play.played.deals for play in plays]
        time.sleep(seconds)
        deals = [play.played.deals - b for play, b in zip(plays, before, strict=True)]
        self._say(f"{what}: {deals[0]} deals through the older web server, {deals[1]} newer")

    def _finish(self, play: Play) -> None:
        play.stop()
        until = time.monotonic() + LAST_DEALS
        while not play.is_over and time.monotonic() < until:
            time.sleep(0.5)

    def _judge(self, plays: list[Play], count: Count, marketplace: str) -> bool:
        took, left = wait_for_the_end(marketplace, END, lambda left: None)
        self._say(f"{took:.0f} s after the last deal {left or 'nothing'} was on its way")
        checked = verify(Wanted())
        money = count.finish([player for play in plays for player in play.players])
        for play in plays:
            states = (state for player in play.players for state in player.withdrawals)
            report.deals(self.console, play.played, Counter(states))
        report.money(self.console, money)
        report.facts(self.console, checked)
        wrong = [*plays[0].played.wrong, *plays[1].played.wrong]
        wrong += [*plays[0].played.unfinished, *plays[1].played.unfinished]
        wrong += [f"{fact.name} {fact.value}" for fact in read().facts if fact.state != State.OK]
        for line in wrong:
            self.console.print(f"[red]✗[/red] {line}", markup=True)
        good = not (wrong or left or checked.broken) and money.adds_up
        self._say("all is well" if good else "NOT as it should be")
        return good

    def _say(self, text: str) -> None:
        self.console.print(time.strftime("%H:%M:%S"), text, markup=False, soft_wrap=True)


def _until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", what: str) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if ready():
                return
        time.sleep(0.2)
    raise RuntimeError(f"{what} does not start; see --keep-logs")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Rehearse; the exit status says how it ended."""
    folder, seconds, players = sys.argv[1:]
    sys.exit(0 if Rehearsal(Path(folder), float(seconds), int(players)).run() else 1)


if __name__ == "__main__":
    main()
