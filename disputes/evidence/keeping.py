"""Where files are kept: Django's storage `evidence`, under random names in a folder for each day.

A file is written before the row that names it, so that no transaction waits for a storage. Whatever
is left without a row (a refusal in between, a crash) is swept away by day.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from disputes.evidence.kinds import Clean
from disputes.models import Evidence

# Days. Never yesterday's: a file of a second before midnight may still wait for its row.
SWEPT_AFTER, SWEPT_UNTIL = 2, 32


def storage() -> Storage:
    """The storage that the settings name."""
    return storages["evidence"]


def keep(file: Clean) -> str:
    """Write a file and its previews; the random name that they are found by."""
    name = f"{datetime.now(UTC):%Y-%m-%d}/{secrets.token_hex(24)}"
    storage().save(name, ContentFile(file.content))
    for number, preview in enumerate(file.previews, 1):
        storage().save(preview_name(name, number), ContentFile(preview))
    return name


def preview_name(stored_as: str, number: int) -> str:
    """Where a preview stands: beside its file, counted from 1."""
    return f"{stored_as}.{number}"


def read_file(row: Evidence) -> IO[bytes]:
    """The file as it was kept; raises FileNotFoundError."""
    return storage().open(row.stored_as)


def read_preview(row: Evidence, number: int) -> IO[bytes]:
    """One of its previews; raises FileNotFoundError for a number that there is not."""
    if not 1 <= number <= row.preview_count:
        raise FileNotFoundError(number)
    return storage().open(preview_name(row.stored_as, number))


def discard_unless_kept(stored_as: str, previews: int) -> None:
    """Take a file away that no row names."""
    if Evidence.objects.filter(stored_as=stored_as).exists():
        return
    for name in [stored_as, *(preview_name(stored_as, n) for n in range(1, previews + 1))]:
        storage().delete(name)


def sweep_orphans() -> int:
    """Take away what the last days left without a row; how many files went."""
    gone = 0
    today = datetime.now(UTC)
    for days in range(SWEPT_AFTER, SWEPT_UNTIL):
        folder = f"{today - timedelta(days=days):%Y-%m-%d}"
        found: list[str] = []
        with suppress(FileNotFoundError):
            found = storage().listdir(folder)[1]
        names = {f"{folder}/{file.split('.')[0]}" for file in found}
        rows = Evidence.objects.filter(stored_as__in=names)
        kept = set(rows.values_list("stored_as", flat=True))
        for file in found:
            if f"{folder}/{file.split('.')[0]}" not in kept:
                storage().delete(f"{folder}/{file}")
                gone += 1
    return gone
