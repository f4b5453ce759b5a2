"""Bringing an installation up: what `manage.py up` does, step by step."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError

from offerhub import postgres, runfile
from offerhub.management import seed
from offerhub.supervisor import ports
from offerhub.supervisor.console import Screen
from offerhub.supervisor.leftovers import AlreadyRunning, PidFile
from offerhub.supervisor.program import Child
from offerhub.supervisor.stack import Stack
from offerhub.supervisor.supervisor import Stopped, Supervisor, WillNotStart

Demo = Callable[[Screen], None]


class CannotStart(Exception):
    """Nothing was started; the text says why and what to do."""


class BringUp:
    """One run of an installation, from the first lock to the last stopped child."""

    def __init__(self, screen: Screen, host: str, port: int, demo: Demo | None) -> None:
        self.screen, self.demo = screen, demo
        self.var = postgres.VAR.resolve()
        self.stack = Stack(
            var=self.var,
            host=host,
            port=port,
            broker=bool(settings.CELERY_BROKER_URL),
            web_workers=settings.WEB_WORKERS,
            web_threads=settings.WEB_THREADS,
            work_threads=settings.WORK_THREADS,
            provider_limit=settings.PROVIDER_LIMIT,
            provider_window=settings.PROVIDER_WINDOW,
        )
        self.pids = PidFile(self.var)
        self.supervisor = Supervisor(self.var / "log", self.pids, screen.say)

    def run(self) -> int:
        """Start, serve, stop. The exit code: 0 when a signal asked for the end."""
        try:
            self._take_the_folder()
        except (CannotStart, ports.PortTaken, AlreadyRunning) as refusal:
            self.screen.problem(str(refusal))
            return 1
        self.supervisor.listen_to_signals()
        try:
            self._start()
            if self.demo is not None:
                self._play(self.demo)
            self._say_where_to_look()
            self.supervisor.serve()
        except Stopped:
            pass
        except (WillNotStart, SystemCheckError, OperationalError) as failure:
            self.screen.problem(str(failure).strip())
            return 1
        finally:
            self.screen.line("\nStopping …")
            self.supervisor.stop()
            self.screen.line("Stopped. The data stays; the next start goes on with it.")
        return 0

    def _take_the_folder(self) -> None:
        """Be the only one here, clear away what a killed run left, and find free ports."""
        try:
            self.pids.take()
        except AlreadyRunning as other:
            raise AlreadyRunning(
                f"Offerhub is already running here ({other}). Use it as it is (`make demo` plays"
                " the scenarios again), or stop it with Ctrl-C in its terminal first."
            ) from None
        for name in self.pids.stop_leftovers():
            self.screen.say(f"Stopped a leftover of an earlier run: {name}.")
        if not ports.is_free(self.stack.port, self.stack.host):
            raise ports.PortTaken(
                f"Port {self.stack.port} is in use by another program. Choose another one, for"
                f" example: PORT={self.stack.port + 123} make run"
            )
        if settings.SANDBOX:
            self._place_the_sandbox()
        self.pids.begin(self.stack.base_url)
        runfile.withdraw()
        os.environ["OFFERHUB_VAR"] = str(self.var)

    def _place_the_sandbox(self) -> None:
        """On the port it had before, so that addresses in other people's notes stay right."""
        given = os.environ.get("OFFERHUB_SANDBOX_URL", "")
        kept = self.var / "sandbox.url"
        if given:
            port = urlsplit(given).port or 80
            url, own = given.rstrip("/"), not _is_sandbox(given)
            if own and not ports.is_free(port):
                raise ports.PortTaken(
                    f"Port {port} of OFFERHUB_SANDBOX_URL is in use by a program that is not a"
                    " sandbox. Unset OFFERHUB_SANDBOX_URL, or choose another port in it."
                )
        else:
            before = urlsplit(kept.read_text().strip()).port if kept.exists() else None
            port, own = (
                ports.first_free([before or self.stack.port + 10, self.stack.port + 10]),
                True,
            )
            url = f"http://127.0.0.1:{port}"
            kept.write_text(url)
        self.stack = self.stack.with_sandbox(url, port if own else 0)
        os.environ["OFFERHUB_SANDBOX_URL"] = settings.SANDBOX_URL = url

    def _start(self) -> None:
        screen, supervisor, stack = self.screen, self.supervisor, self.stack
        network = settings.OFFERHUB_NETWORK
        screen.line(f"[bold]Offerhub[/bold], {network} network, data in {_short(self.var)}")
        _logs_to(self.var / "log" / "up.log")
        if postgres.own_server is not None:
            postgres.stop()  # one that another command started in the background
            with screen.step("PostgreSQL"):
                supervisor.wait_ready(supervisor.start(stack.postgres(postgres.own_server)))
        children: list[Child] = []
        if stack.sandbox_port:
            children.append(supervisor.start(stack.sandbox()))
        with screen.step("Database") as notes:
            supervisor.beside(lambda: call_command("check", stdout=StringIO()))
            wanted = supervisor.beside(lambda: seed.patiently(seed.migrate))
            notes.append(f"{wanted} migrations" if wanted else "up to date")
        programs = [*stack.workers(), stack.monitor(), stack.deliverer()]
        programs.append(stack.web())  # stopped first
        children += [supervisor.start(program) for program in programs]
        addresses = {"sandbox": stack.sandbox_url, "web": stack.base_url}
        for child in children:
            with screen.step(child.program.title) as notes:
                notes += [url for name, url in addresses.items() if name == child.program.name]
                supervisor.wait_ready(child)
        if settings.SANDBOX:
            with screen.step("Demo marketplace") as notes:
                content = supervisor.beside(lambda: seed.patiently(self._seed))
                notes.append(f"an API key, {len(content['staff'])} staff users")

    def _seed(self) -> runfile.RunFile:
        content = seed.demo_installation(
            runfile.recall(), self.stack.base_url, self.stack.sandbox_url
        )
        runfile.write(content)
        return content

    def _play(self, demo: Demo) -> None:
        try:
            self.supervisor.beside(lambda: demo(self.screen))
        except Stopped:
            raise
        except Exception as error:
            # The server is of use without it, and `make demo` tries again where it stopped.
            logging.getLogger(__name__).exception("demo_failed")
            self.screen.problem(f"The demo did not finish: {error}")
            self.screen.line("   `make demo` goes on where it stopped.")

    def _say_where_to_look(self) -> None:
        url = self.stack.base_url
        rows = [("API", f"{url}/api/v1"), ("Reference", f"{url}/api/v1/docs")]
        rows.append(("Back-office", f"{url}/admin/"))
        if settings.SANDBOX:
            rows.append(("Sandbox network", f"{self.stack.sandbox_url}/control/health"))
            rows.append(("Keys and sign-in", f"{_short(runfile.path())}  (for scripts, too)"))
        rows.append(("Logs", f"{_short(self.var / 'log')}/"))
        self.screen.line("\n[bold]Where to look[/bold]")
        for title, place in rows:
            self.screen.line(f"   {title:<18} {place}")
        self.screen.line("\nCtrl-C stops everything.")


def _is_sandbox(url: str) -> bool:
    """Whether a sandbox that somebody else started answers there."""
    with suppress(requests.RequestException, ValueError):
        answer = requests.get(f"{url.rstrip('/')}/control/health", timeout=2)
        return "networkPassphrase" in answer.json()
    return False


def _logs_to(path: Path) -> None:
    """Our own records go to a file: the terminal is for people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    handler = logging.FileHandler(path, mode="w")
    handler.setFormatter(root.handlers[0].formatter if root.handlers else None)
    root.handlers = [handler]


def _short(path: Path) -> str:
    """A path as seen from where the person stands."""
    with suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)
