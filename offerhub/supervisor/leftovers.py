"""Who is running in this folder: a lock that the kernel gives back, and a list of children.

The lock tells a living supervisor from a killed one; the list finds what a killed one left.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

Children = dict[str, tuple[int, int]]  # name: pid, signal that stops it


class AlreadyRunning(Exception):
    """Another supervisor lives in the same folder."""


class PidFile:
    """`up.json`: this supervisor, what it is doing, and its children."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "up.json"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._content: dict[str, Any] = {}

    def take(self, patience: float = 40.0) -> None:
        """Take the lock. One that is just stopping is waited for, any other is AlreadyRunning."""
        begun = time.monotonic()
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            other = self._read()
            waited = time.monotonic() - begun
            # A moment for one whose signal is only now arriving.
            if waited > (patience if other.get("state") == "stopping" else 1.5):
                raise AlreadyRunning(f"pid {other.get('pid', '?')}, {other.get('url', '')}")
            time.sleep(0.1)

    def stop_leftovers(self, patience: float = 15.0) -> list[str]:
        """Stop the children that a killed supervisor left; the names of those still found."""
        found = []
        for name, entry in self._read().get("children", {}).items():
            process = _same_process(entry["pid"], entry["created"])
            if process is not None:
                found.append(name)
                with contextlib.suppress(psutil.Error):
                    process.send_signal(entry["signal"])
                    process.wait(patience)
            # Its own children, if any: a group is ours as long as nobody new has its number.
            if process is not None or not psutil.pid_exists(entry["pid"]):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(entry["pid"], signal.SIGKILL)
        return found

    def begin(self, url: str) -> None:
        """Write that this process is the supervisor now."""
        self._content = {"pid": os.getpid(), "state": "running", "url": url, "children": {}}
        self._write()

    def keep_state(self, state: str) -> None:
        self._content["state"] = state
        self._write()

    def keep_children(self, children: Children) -> None:
        """Write who the children are, before any of them can be left behind for long."""
        known = self._content.get("children", {})
        fresh = {}
        for name, (pid, number) in children.items():
            old = known.get(name)
            if old is not None and old["pid"] == pid:
                fresh[name] = old
            elif pid:
                with contextlib.suppress(psutil.Error):
                    created = psutil.Process(pid).create_time()
                    fresh[name] = {"pid": pid, "created": created, "signal": int(number)}
        self._content["children"] = fresh
        self._write()

    def _write(self) -> None:
        scratch = self.path.with_suffix(".new")
        scratch.write_text(json.dumps(self._content, indent=2))
        scratch.replace(self.path)

    def _read(self) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            content = json.loads(self.path.read_text())
            return content if isinstance(content, dict) else {}
        return {}


def is_running(folder: Path) -> bool:
    """Whether a supervisor lives in the folder."""
    with contextlib.suppress(FileNotFoundError), (folder / "up.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def living_children(folder: Path) -> dict[str, psutil.Process]:
    """The processes that the supervisor of the folder has written down and that live, by name."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, AttributeError):
        children = json.loads((folder / "up.json").read_text()).get("children", {})
        found = {name: _same_process(one["pid"], one["created"]) for name, one in children.items()}
        return {name: process for name, process in found.items() if process is not None}
    return {}


def _same_process(pid: int, created: float) -> psutil.Process | None:
    """The process of that number if it is still the one that was written down."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None
