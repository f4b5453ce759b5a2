"""Scopes: what a route needs, and whether the key has it.

Every view says so itself: `scopes = {"GET": "orders:read", "POST": "orders:write"}`, or `PUBLIC`
for a method that takes no key. A method without an entry is a defect that fails the start-up
check (`offerhub.api.checks`), and at run time nobody may call it.
"""

from typing import Any, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from offerhub.api.authentication import Principal
from offerhub.api.refusals import KeyMissing, ScopeMissing

PUBLIC: Final = "public"
# For routes that any good key may call, such as asking who it is.
ANY_KEY: Final = "any"


class HasScope(BasePermission):
    """The key has the scope that the view declares for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or raises KeyMissing (401) or ScopeMissing (403)."""
        method = "GET" if request.method == "HEAD" else request.method
        needed = view.scopes.get(method)
        if needed == PUBLIC:
            return True
        principal = request.auth
        if not isinstance(principal, Principal):
            raise KeyMissing
        if needed is None or needed != ANY_KEY:
            demand(principal, needed)
        return True


def demand(principal: Principal, scope: str | None) -> None:
    """Raise ScopeMissing unless the key has the scope; for bodies that ask for more than their
    route does."""
    if scope not in principal.scopes:
        raise ScopeMissing(f"This needs the scope {scope}", requiredScope=scope)
