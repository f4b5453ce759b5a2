"""No socket but loopback. The database comes with the settings (tests/settings.py)."""

import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

_original_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test tried to reach {host}; tests stay on this machine")
    _original_connect(self, address)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may open no socket but loopback."""
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)


@pytest.fixture(scope="session")
def scratch() -> Iterator[str]:
    """A folder that goes away with the test session."""
    with tempfile.TemporaryDirectory(prefix="offerhub-") as folder:
        yield folder
