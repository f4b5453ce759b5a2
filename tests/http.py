"""The product's API over real HTTP in a test: the WSGI application on a port of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Tests read answers, not access logs."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the application until the block ends; the base address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet, allow_reuse_address=False)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Api:
    """A marketplace's server: one key, JSON in and out."""

    def __init__(self, url: str, key: str) -> None:
        self.url = f"{url}/api/v1"
        self.key = key

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """The raw answer. A text body is sent as it is."""
        known = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        content = {"data": body} if isinstance(body, str | bytes) else {"json": body}
        if body is None:
            content = {}
        return requests.request(
            method, self.url + path, headers=known | (headers or {}), timeout=60, **content
        )

    def post(self, path: str, body: Any = None, *, status: int = 200, headers: Any = None) -> Any:
        """The decoded answer of a POST that must have this status."""
        answer = self.request("POST", path, body, headers)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, *, status: int = 200) -> Any:
        """The decoded answer of a GET that must have this status."""
        answer = self.request("GET", path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()
