"""How a child without a port says that it is ready: it writes its pid into a file."""

import os
from pathlib import Path

VARIABLE = "OFFERHUB_READY_FILE"


def announce() -> None:
    """Say so, when a supervisor asked to be told."""
    path = os.environ.get(VARIABLE)
    if path:
        Path(path).write_text(str(os.getpid()))


def has_announced(path: Path) -> bool:
    """Whether the process that wrote the file lives. The supervisor removes it before a start."""
    return path.exists() and path.read_text().strip().isdigit()
