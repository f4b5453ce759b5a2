"""Reading a file that a party sent, in a process of its own with limits."""

import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from disputes.evidence.clean import inspect
from disputes.evidence.kinds import Clean, Kind
from disputes.evidence.names import clean_name
from disputes.evidence.refusals import REFUSALS, FileDamaged, FileTooComplex
from disputes.evidence.texts import clean_text
from offerhub.core.errors import Unavailable

SECONDS, PATIENCE = 30.0, 10.0
# Decoding takes a core and memory; more uploads than this wait for their turn in each process.
_slots = threading.BoundedSemaphore(2)
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Received:
    """A clean file with the name and both digests (SHA-256 in hex) that are kept of it."""

    file: Clean
    name: str
    sha256: str
    received_sha256: str


def read(data: bytes, name: str) -> Received:
    """Clean what was sent; raises one of `disputes.evidence.refusals`, or Unavailable when too
    many are being read. Nothing is kept yet."""
    kind = inspect(data)
    named = clean_name(name, kind)
    file = clean_text(data) if kind == Kind.TEXT else _decoded(data)
    return Received(file, named, digest(file.content), digest(data))


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def _decoded(data: bytes) -> Clean:
    command = [sys.executable, "-P", "-m", "disputes.evidence.child"]
    if not _slots.acquire(timeout=PATIENCE):
        raise Unavailable("Too many files are being read right now", retry_after=5)
    try:
        done = subprocess.run(  # noqa: S603  (our own program, no words of the sender)
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FileTooComplex from None
    finally:
        _slots.release()
    if done.returncode < 0:
        raise FileTooComplex  # a limit ended it
    if done.returncode:
        raise FileDamaged
    return _answer(done.stdout)


def _answer(said: bytes) -> Clean:
    head, _, rest = said.partition(b"\n")
    answer = json.loads(head)
    if "refused" in answer:
        raise REFUSALS[answer["refused"]](answer["text"])
    parts: list[bytes] = []
    for size in answer["sizes"]:
        parts.append(rest[:size])
        rest = rest[size:]
    return Clean(Kind(answer["kind"]), parts[0], parts[1:])
