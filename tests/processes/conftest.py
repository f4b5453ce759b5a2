"""A folder in which another user's database server can live."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.installation import Installation, new_installation, with_tables


def _folder() -> Iterator[Path]:
    """Not pytest's own: PostgreSQL runs as another user when we are root, and every start of pytest
    shuts that folder for all others."""
    with tempfile.TemporaryDirectory(prefix="offerhub-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def installation() -> Iterator[Installation]:
    """An installation that was never started, with its tables."""
    for folder in _folder():
        yield with_tables(folder / "var")


@pytest.fixture
def empty() -> Iterator[Installation]:
    """An installation that was never started, and has nothing."""
    for folder in _folder():
        yield new_installation(folder / "var")


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    """One that several tests look at, and shoot at."""
    for folder in _folder():
        one = with_tables(folder / "var")
        with one.started():
            yield one
