"""gunicorn's worker: uvicorn, without what we do not want of it."""

from typing import Any, ClassVar

from uvicorn.server import Server
from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]

GRACE = 8  # seconds for answers on their way; gunicorn's own are ten


class _Server(Server):
    """Ends the open streams first: nobody would wait for them to end by themselves."""

    async def shutdown(self, sockets: Any = None) -> None:
        close_streams = getattr(self.config.app, "close_streams", None)
        if close_streams is not None:
            close_streams()
        await super().shutdown(sockets)
        close = getattr(self.config.app, "close", None)
        if close is not None:
            close()


class Worker(UvicornWorker):  # type: ignore[misc]
    """Proxies are judged by the application (`TRUSTED_PROXIES`), and it has no web sockets."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",
        "http": "auto",
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "timeout_graceful_shutdown": GRACE,
    }

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = _Server(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
