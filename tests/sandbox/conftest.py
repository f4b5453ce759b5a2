"""A sandbox of its own for every test, in this process, on a free port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offerhub.sandbox.options import Options
from offerhub.sandbox.server import Running
from tests.sandbox.player import Player


@pytest.fixture
def start() -> Iterator[Callable[..., Player]]:
    """Start sandboxes with chosen options; all are stopped at the end."""
    running: list[Running] = []
    players: list[Player] = []

    def one(**options: Any) -> Player:
        running.append(Running(Options(**options)))
        players.append(Player(running[-1].url))
        return players[-1]

    yield one
    for player in players:
        player.http.close()
    for sandbox in running:
        sandbox.close()


@pytest.fixture
def player(start: Callable[..., Player]) -> Player:
    """A sandbox without a protocol fee."""
    return start()
