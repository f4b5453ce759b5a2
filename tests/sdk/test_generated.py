"""Clients that generators, not written here, make of the OpenAPI document play use case 1."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from offerhub.api import schema
from tests.http import Api
from tests.node import installed, need
from tests.world import World

HERE = Path(__file__).parent / "js"
FILES = ("package.json", "package-lock.json", "src", "openapi.json")
SEEN = ["FUNDED", "COMPLETED", "APPROVED", "RELEASED", "COMPLETED", "300.00"]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The document as it is served now."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(schema.build()))
    return path


@pytest.fixture
def parties(world: World) -> tuple[str, str, str]:
    """Buyer with 500, seller, and an address outside."""
    world.user("client_123", money="500")
    world.user("freelancer_456")
    return "client_123", "freelancer_456", world.stranger()


def test_one_in_typescript(
    document: Path, parties: tuple[str, str, str], world: World, api: Api
) -> None:
    (HERE / "openapi.json").write_text(document.read_text())
    folder = installed(HERE, FILES, "generate", "compile")
    done = subprocess.run(
        [need("node"), "dist/play.js", *parties],
        cwd=folder,
        env={"OFFERHUB_BASE_URL": api.url.removesuffix("/api/v1"), "OFFERHUB_API_KEY": api.key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == SEEN
    assert world.differences() == []


def test_one_in_python(
    document: Path,
    parties: tuple[str, str, str],
    world: World,
    api: Api,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--path", str(document)),
        *("--meta", "none", "--output-path", str(tmp_path / "generated_client"), "--overwrite"),
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    assert _played(api, *parties) == SEEN
    assert world.differences() == []


def _played(api: Api, buyer: str, seller: str, destination: str) -> list[str]:
    kind = importlib.import_module("generated_client").AuthenticatedClient
    base = api.url.removesuffix("/api/v1")
    with kind(base_url=base, token=api.key, raise_on_unexpected_status=True) as client:
        return _sold(client, buyer, seller, destination)


def _sold(client: Any, buyer: str, seller: str, destination: str) -> list[str]:
    def call(route: str, *path: str, **body: Any) -> Any:
        """One operation by its module; the parsed answer."""
        module = importlib.import_module(f"generated_client.api.{route}")
        request = {}
        if name := NAMES.get(route):
            kind = getattr(importlib.import_module("generated_client.models"), name)
            request["body"] = kind.from_dict(body)
        return module.sync(*path, client=client, **request)

    parts = [("m1", "Design mockups", 200), ("m2", "Final implementation", "300.00")]
    milestones = [{"id": i, "description": d, "amount": a} for i, d, a in parts]
    order = call(
        "orders.orders_create",
        buyerId=buyer,
        sellerId=seller,
        amount=500,
        milestones=milestones,
    )
    call("orders.orders_reserve", order.id)
    escrow = call("escrow.escrow_create", orderId=order.id)
    seen = [call("escrow.escrow_fund", escrow.id).status]
    for action in ("complete", "approve", "release"):
        step = {"orderId": order.id, "milestoneId": "m1", "action": action}
        seen.append(call("resolution.resolution_release", **step).milestones[0].status)
    out = {"userId": seller, "amount": 200, "destination": destination}
    seen.append(call("withdrawals.withdrawals_create", **out).status)
    seen.append(call("users.users_balance", buyer).in_escrow)
    return [str(getattr(each, "value", each)) for each in seen]


# What each operation's body is called in the document.
NAMES = {
    "orders.orders_create": "NewOrderBodyRequest",
    "orders.orders_reserve": "NoBodyRequest",
    "escrow.escrow_create": "NewEscrowBodyRequest",
    "escrow.escrow_fund": "NoBodyRequest",
    "resolution.resolution_release": "ReleaseBodyRequest",
    "withdrawals.withdrawals_create": "NewWithdrawalBodyRequest",
}
