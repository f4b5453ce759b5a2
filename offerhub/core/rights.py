"""Whether a person may do something. Rights are Django permissions, made by migrations.

Which rights there are and which role has which is said in `offerhub.marketplaces.roles`.
"""

import functools
from collections.abc import Callable
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseNotAllowed

from offerhub.core.sessions import ask_for_code

View = Callable[..., Any]

APP = "marketplaces"  # whose permissions the rights are

# Who posts with one of these must have given a one-time code within the last minutes.
STEP_UP = frozenset(
    {
        "propose_resolution",  # under the threshold it moves money at once
        "approve_resolution",
        "approve_adjustment",
        "approve_withdrawal",
        "assign_deposit",
        "operate",
        "manage_staff",
    }
)


def may(request: HttpRequest, right: str) -> bool:
    """Whether the person of this request, who must be active staff, has the right.

    Read from the database once per request. A superuser has every right; that does not let
    anybody approve what they proposed.
    """
    return holds(request.user, right)


def holds(user: Any, right: str) -> bool:
    """The same for a person without a request."""
    return bool(user.is_active and user.is_staff and user.has_perm(f"{APP}.{right}"))


def asks(look: str, act: str = "") -> Callable[[View], View]:
    """Declare what a page asks for: `look` to open it, `act` to post to it ("" = nobody posts).

    Whoever lacks the right is refused before the view runs, a verb that the page does not have is
    answered 405. The declaration stays on the view as `rights`; a test walks every route of the
    desk and fails for a page without one.
    """

    def declare(view: View) -> View:
        @functools.wraps(view)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method in ("GET", "HEAD"):
                right = look
            elif request.method == "POST" and act:
                right = act
            else:
                return HttpResponseNotAllowed(["GET", "POST"] if act else ["GET"])
            if not may(request, right):
                raise PermissionDenied
            if request.method == "POST" and right in STEP_UP:
                asking = ask_for_code(request)
                if asking is not None:
                    return asking
            return view(request, *args, **kwargs)

        cast(Any, asked).rights = (look, act)
        return asked

    return declare
