"""Keys and a client for the kernel's tests."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from offerhub.api import authentication, throttling
from offerhub.core.actor import system
from offerhub.marketplaces import services
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.scopes import ALL

ACTOR = system("test")


class Api:
    """Calls with one key, as a marketplace's server would."""

    def __init__(self, token: str, marketplace: Marketplace, key_id: str) -> None:
        self.token, self.marketplace, self.key_id = token, marketplace, key_id
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`headers` by their names with underscores: `Idempotency_Key="k"`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Authorization", f"Bearer {self.token}")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        return self.client.generic(
            method, f"/api/v1{path}", content, content_type="application/json", headers=sent
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)


def new_api(name: str = "Shop", scopes: Any = ALL) -> Api:
    marketplace = services.create_marketplace(name=name, actor=ACTOR)
    made = services.create_api_key(
        marketplace_id=marketplace.id, name="server", scopes=scopes, actor=ACTOR
    )
    return Api(made.token, marketplace, made.key.id)


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.STATIC_ROOT = tmp_path  # whitenoise warns of a folder that is not there
    authentication.forget()
    throttling.local.clear()
    yield


@pytest.fixture
def api(db: None) -> Api:
    return new_api()


@pytest.fixture
def make_api(db: None) -> Callable[..., Api]:
    return new_api
