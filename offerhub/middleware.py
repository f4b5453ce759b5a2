"""Middleware of our own."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from offerhub.audit.acting import seat_of
from offerhub.audit.services import record
from offerhub.core import sessions

Handler = Callable[[HttpRequest], HttpResponseBase]

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """A strict policy on every answer: no inline script or style, no other origin."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class StaffSessions:
    """Ends the session of staff who were away for too long, whatever they ask for then."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # The API looks at keys alone: no answer of it may depend on a cookie.
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        if request.user.is_authenticated and sessions.is_over(request):
            seat = seat_of(request)
            with transaction.atomic():
                record(seat=seat, action="sign_in.timed_out", subject=seat.actor.partition(":")[2])
                logout(request)
            back = request.get_full_path() if request.method == "GET" else "/admin/"
            return redirect_to_login(back, settings.LOGIN_URL)
        return self.get_response(request)
