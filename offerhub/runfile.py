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


def read() -> RunFile | None:
    """The file's content; None when there is none yet."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        content: RunFile = json.loads(path().read_text())
        return content
    return None


def write(content: RunFile) -> None:
    """Replace the file in one step: whoever reads it sees all of it or the one before."""
    write_private(path(), json.dumps(content, indent=2))


def write_private(target: Path, text: str) -> None:
    """Replace a file that only its owner may read, in one step."""
    scratch = target.with_suffix(f".{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(target)
