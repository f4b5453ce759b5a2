"""`var/run.json`: what scripts need to call a running installation. It holds secrets: mode 0600."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from offerhub import postgres


class Staff(TypedDict):
    """One person of the back-office."""

    role: str
    username: str
    password: str
    totpSecret: str


class RunFile(TypedDict):
    """Addresses without a trailing slash; routes of the API follow `baseUrl` with `/api/v1`."""

    baseUrl: str
    apiKey: str
    adminUrl: str
    sandboxUrl: str
    marketplaceId: str
    staff: list[Staff]


def path() -> Path:
    return postgres.VAR / "run.json"


def _memory() -> Path:
    """The same content for the next start, where no script looks for it."""
    return postgres.VAR / "secrets" / "run.json"


def read() -> RunFile | None:
    """What a running installation says of itself; None when none is running, or not yet."""
    return _read(path())


def recall() -> RunFile | None:
    """What the last start wrote: its secrets are used again."""
    return _read(_memory())


def write(content: RunFile) -> None:
    """Write it in one step: whoever sees the file sees all of it, and everything is up."""
    text = json.dumps(content, indent=2)
    write_private(_memory(), text)
    write_private(path(), text)


def withdraw() -> None:
    """Take away what an earlier run left: scripts wait for the file to know that all is up."""
    path().unlink(missing_ok=True)


def _read(file: Path) -> RunFile | None:
    with suppress(FileNotFoundError, json.JSONDecodeError):
        content: RunFile = json.loads(file.read_text())
        return content
    return None


def write_private(target: Path, text: str) -> None:
    """Replace a file that only its owner may read, in one step."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = target.with_suffix(f".{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(target)
