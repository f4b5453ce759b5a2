"""Where files of reports are: written in a folder for what is unfinished, then moved as a whole.

Django's storage `reports` never has a file that is not whole: on a disk the finished file is
renamed into it, a bucket shows it when all of it is there. Names are random, in a folder for each
day; whatever no row names is swept away.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages

from offerhub.reports.models import Run

LEFT_OVER = 24 * 3600.0  # seconds after which an unfinished file is nobody's
# Days. Never yesterday's: a file of a second before midnight may still wait for its row.
SWEPT_AFTER, SWEPT_UNTIL = 2, 32


class _Whole(File):  # type: ignore[type-arg]
    """A finished file that a storage on the same disk may rename instead of copying."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def storage() -> Storage:
    """The storage that the settings name."""
    return storages["reports"]


def scratch() -> Path:
    """The folder of unfinished files."""
    folder = Path(settings.REPORT_SCRATCH)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextmanager
def unfinished() -> Iterator[Path]:
    """A path to write to; whatever is still there in the end is deleted."""
    folder = scratch() / secrets.token_hex(12)
    folder.mkdir(mode=0o700)
    try:
        yield folder / "report"
    finally:
        for left in folder.iterdir():
            left.unlink(missing_ok=True)
        folder.rmdir()


def keep(path: Path) -> str:
    """Move a finished file into the storage; the name that it is found by."""
    name = f"{datetime.now(UTC):%Y-%m-%d}/{secrets.token_hex(24)}"
    with path.open("rb") as file:
        return storage().save(name, _Whole(file, str(path)))


def read(run: Run) -> IO[bytes]:
    """The file as it was kept; raises FileNotFoundError."""
    return storage().open(run.stored_as)


def delete(stored_as: str) -> None:
    """Take a file away; it may be gone already."""
    storage().delete(stored_as)


def sweep() -> int:
    """Delete what no row names and what was never finished; how many files went."""
    return _sweep_scratch() + sum(_sweep_day(days) for days in range(SWEPT_AFTER, SWEPT_UNTIL))


def _sweep_scratch() -> int:
    gone = 0
    for folder in scratch().iterdir():
        if not folder.is_dir() or time.time() - folder.stat().st_mtime < LEFT_OVER:
            continue
        for left in folder.iterdir():
            left.unlink(missing_ok=True)
            gone += 1
        folder.rmdir()
    return gone


def _sweep_day(days: int) -> int:
    folder = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"
    found: list[str] = []
    with suppress(FileNotFoundError):
        found = storage().listdir(folder)[1]
    names = {f"{folder}/{file}" for file in found}
    orphans = names - set(
        Run.objects.filter(stored_as__in=names).values_list("stored_as", flat=True)
    )
    for name in orphans:
        storage().delete(name)
    return len(orphans)
