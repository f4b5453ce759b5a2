"""The limit as one test wants it, and an empty bucket."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from offerhub.budget import requests
from offerhub.budget.models import Turn

Limited = Callable[..., None]


def empty() -> None:
    """Nothing was used, nobody waits."""
    Turn.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE budget_bucket SET used = '{}', paced_until = NULL, blocked_until = NULL,"
            " passed = '{0,0,0,0}', reached = '{0,0,0,0}'"
        )


@pytest.fixture
def limited(committed: None, settings: Any, monkeypatch: Any) -> Iterator[Limited]:
    """Sets a limit in a window of so many seconds, the margin included."""

    def limit(count: int, seconds: float = 60.0, margin: float = 0.0) -> None:
        settings.PROVIDER_LIMIT, settings.PROVIDER_WINDOW = count, seconds
        monkeypatch.setattr(requests, "MARGIN", margin)

    empty()
    yield limit
    empty()
