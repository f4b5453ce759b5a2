"""How long a person's session lasts, and when a money action asks for the one-time code again.

By the machine's own time, as the codes themselves: advancing the sandbox's clock signs nobody out.
"""

from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django_otp import match_token

log = structlog.get_logger(__name__)

IDLE = 15 * 60  # seconds without a request of the person's own
LONGEST = 8 * 3600
CODE_LASTS = 5 * 60  # how long a one-time code covers money actions
NOTE_EVERY = 60  # a session's row is written at most this often
CODE_FIELD = "step_up_code"

_BEGAN, _SEEN, _CODE = "offerhub_began", "offerhub_seen", "offerhub_code_at"


def _now() -> float:
    return datetime.now(UTC).timestamp()


def begin(request: HttpRequest) -> None:
    """Somebody signed in just now; Django has given the session a new key."""
    session: Any = request.session
    session[_BEGAN] = session[_SEEN] = _now()
    if getattr(request.user, "otp_device", None) is not None:
        session[_CODE] = _now()
    else:
        session.pop(_CODE, None)


def is_over(request: HttpRequest) -> bool:
    """Whether nobody was there for 15 minutes, or the session is 8 hours old; else note that
    somebody is. What a page fetches by itself is nobody."""
    session: Any = request.session
    now = _now()
    began, seen = session.get(_BEGAN), session.get(_SEEN)
    if began is None or seen is None:
        session[_BEGAN] = session[_SEEN] = now
        return False
    if not (0 <= now - seen <= IDLE and now - began <= LONGEST):
        return True
    by_itself = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "empty"
    if now - seen > NOTE_EVERY and not by_itself:
        session[_SEEN] = now
    return False


def ask_for_code(request: HttpRequest) -> HttpResponseBase | None:
    """None when the person gave a one-time code within 5 minutes, in this form too; else the
    small page that asks for one and carries on with the same form."""
    if settings.STAFF_CODE_OPTIONAL:
        return None
    session: Any = request.session
    at = session.get(_CODE)
    if at is not None and 0 <= _now() - at <= CODE_LASTS:
        return None
    code = request.POST.get(CODE_FIELD, "").strip()
    if code and code.isascii() and match_token(request.user, code) is not None:
        session[_CODE] = _now()
        return None
    if code:
        log.warning("step_up_refused", actor=f"staff:{getattr(request.user, 'public_id', '')}")
    left_out = (CODE_FIELD, "csrfmiddlewaretoken")
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in left_out
        for value in values
    ]
    context = {"fields": fields, "wrong": bool(code), "code_field": CODE_FIELD}
    return TemplateResponse(request, "admin/step_up.html", context, status=403)
