"""The public API over HTTP, as a marketplace's server calls it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test.testcases import LiveServerThread, _StaticFilesHandler

from offerhub.core.money import format_amount
from tests.world import World


class Api:
    """A marketplace's server: one key, JSON in and out."""

    def __init__(self, url: str, key: str) -> None:
        self.url = f"{url}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """The raw answer."""
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.session.request(method, self.url + path, json=body, headers=names, timeout=60)

    def post(self, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        """The decoded answer of a POST that must have this status."""
        answer = self.request("POST", path, body, **headers)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, *, status: int = 200) -> Any:
        """The decoded answer of a GET that must have this status."""
        answer = self.request("GET", path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()
