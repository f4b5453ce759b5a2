"""What the web server runs: the WSGI application on threads, and the event streams on the loop."""

from django.conf import settings

from offerhub.serving.adapter import Application
from offerhub.wsgi import application as wsgi

from offerhub.api.events.hub import Hub, StreamHandover  # isort: skip (needs the apps of the line above)


class _Offerhub(Application):
    """The hub is this process's own: it is made when the first request comes, after the fork."""

    def __init__(self) -> None:
        super().__init__(wsgi, settings.WEB_THREADS, self._handover)
        self._hub: Hub | None = None

    def _handover(self) -> StreamHandover:
        if self._hub is None:
            self._hub = Hub()
        return StreamHandover(self._hub)

    def close_streams(self) -> None:
        """The process ends."""
        if self._hub is not None:
            self._hub.close_streams()


application = _Offerhub()
