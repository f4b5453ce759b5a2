"""Coming and going at the desk, in the audit: signed in, out, refused, locked out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from offerhub.audit.acting import seat_of
from offerhub.audit.models import StaffAction
from offerhub.audit.services import Seat, record
from offerhub.core import sessions

View = Callable[[], HttpResponseBase]
UNKNOWN = "(nobody of that name)"  # people type passwords where the name belongs


def signing_in(request: HttpRequest, view: View) -> HttpResponseBase:
    """Run the view that signs in, and write how it ended in the same transaction."""
    if request.method != "POST":
        return view()
    with transaction.atomic():
        answer = view()
        if answer.status_code == 302 and request.user.is_authenticated:
            sessions.begin(request)
            record(seat=seat_of(request), action="sign_in.done", subject=_id(request.user))
        elif getattr(request, "axes_locked_out", False):
            _once(_stranger(request), "sign_in.locked_out")
        else:
            record(seat=_stranger(request), action="sign_in.refused")
    return answer


def signing_out(request: HttpRequest, view: View) -> HttpResponseBase:
    """The same for leaving; whoever is not here leaves nothing behind."""
    seat = seat_of(request)
    if request.method != "POST" or not seat.actor:
        return view()
    subject = _id(request.user)
    with transaction.atomic():
        answer = view()
        record(seat=seat, action="sign_in.ended", subject=subject)
    return answer


def changing_password(request: HttpRequest, view: View) -> HttpResponseBase:
    """The same for one's own password."""
    if request.method != "POST":
        return view()
    with transaction.atomic():
        answer = view()
        if answer.status_code == 302 and request.user.is_authenticated:
            record(
                seat=seat_of(request), action="staff.password_changed", subject=_id(request.user)
            )
    return answer


def _id(user: Any) -> str:
    return str(user.public_id)


def _stranger(request: HttpRequest) -> Seat:
    """Somebody who says that they are somebody. The name is kept only if there is one."""
    people: Any = get_user_model()
    name = request.POST.get("username", "")[:150]
    known = "\x00" not in name and people.objects.filter(username=name).exists()
    return replace(seat_of(request), actor="", username=name if known else UNKNOWN)


def _once(seat: Seat, action: str) -> None:
    """One row for a lock-out, however often the locked door is tried while it lasts."""
    since = datetime.now(UTC) - timedelta(hours=settings.AXES_COOLOFF_TIME)
    rows = StaffAction.objects.filter(
        action=action, username=seat.username, address=seat.address, at__gt=since
    )
    if not rows.exists():
        record(seat=seat, action=action)
