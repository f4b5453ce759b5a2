"""No socket but loopback. The database comes with the settings (tests/settings.py)."""

import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.core.signals import setting_changed
from django.dispatch import receiver
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from tests.crash.workers import Killed
    from tests.http import Api
    from tests.network import Network
    from tests.world import World

_original_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test tried to reach {host}; tests stay on this machine")
    _original_connect(self, address)


# Whole installations, on databases of their own. They take long and so begin first.
LONG = (
    "tests/processes/test_demo.py",
    "tests/processes/test_up.py",
    "tests/simulation/test_simulation.py",
)
ROOMS = (*LONG, "tests/browser/")


class Rooms(LoadScopeScheduling):  # type: ignore[misc]
    """Each test goes to the worker that is free, but for the rooms: those stay on one. The browser
    walks the desk once, two installations at a time are enough, and the simulator empties its
    database."""

    def _split_scope(self, nodeid: str) -> str:
        return next((room for room in ROOMS if nodeid.startswith(room)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Rooms:
    return Rooms(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-django, which puts tests that roll back before those that commit."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@receiver(setting_changed)
def documents_are_of_one_urlconf(setting: str, **more: Any) -> None:
    """The API's document is made once in a process; a test that changes the routes wants another,
    and so does the test after it."""
    if setting == "ROOT_URLCONF":
        from offerhub.api import own_views, schema

        for made in (schema.build, own_views._document, own_views._page):
            made.cache_clear()


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may open no socket but loopback."""
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)


@pytest.fixture(scope="session")
def scratch() -> Iterator[str]:
    """A folder that goes away with the test session."""
    with tempfile.TemporaryDirectory(prefix="offerhub-") as folder:
        yield folder


@pytest.fixture(scope="session")
def network(scratch: str) -> Iterator["Network"]:
    """A sandbox network for this test process.

    Its seed is new each time: a database that is used again knows the contracts of earlier ones.
    """
    from django.conf import settings

    from tests.network import running_network

    port = urlsplit(settings.SANDBOX_URL).port
    with running_network(Path(scratch), "--seed", token_hex(8), port=port) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> None:
    """Make the test database, whichever tests were chosen.

    pytest-django makes it for tests with its own mark only; most of ours use `committed`.
    """
    from django.conf import settings
    from django.test.utils import setup_databases

    from tests import template

    settings.DATABASES["default"]["TEST"]["TEMPLATE"] = template.ensure()
    with django_db_blocker.unblock():
        setup_databases(
            verbosity=0,
            interactive=False,
            aliases={"default": False},
            serialized_aliases=set(),
            keepdb=django_db_keepdb and not django_db_createdb,
        )


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database in which everything commits and nothing is cleared away after the test.

    The ledger refuses to be emptied, in tests too; so each test brings a marketplace of its own.
    """
    from django.db import connections

    with django_db_blocker.unblock():
        yield
        connections.close_all()


@pytest.fixture
def world(network: "Network", committed: None) -> Iterator["World"]:
    """A marketplace of its own on the network, no faults, its own wallets alive."""
    from tests.world import World

    network.heal()
    yield World(network)
    network.heal()


@pytest.fixture(scope="session")
def worker(network: "Network", django_db_setup: None) -> Iterator["Killed"]:
    """Does a piece of work in a process that dies at a point, and answers its exit code."""
    from tests.crash.workers import forked

    with forked() as run:
        yield run


@pytest.fixture(scope="session")
def server(django_db_setup: None, network: "Network") -> Iterator[str]:
    """The product's API on a port of this machine."""
    from tests.http import served

    with served() as url:
        yield url


@pytest.fixture
def api(server: str, world: "World") -> "Api":
    """The world's marketplace, calling the API with a key that may do everything."""
    from tests.http import Api

    return Api(server, world.key())
