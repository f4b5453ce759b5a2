"""`/healthz` (this process answers) and `/readyz` (it can do its work) for load balancers.

As the first middleware and not as routes: they are asked by address, over plain HTTP, every few
seconds, and so must meet neither the host check nor the redirect to https nor the log.
"""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]


class Health:
    """Answers the two paths; everything else goes on."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._migrated = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return _answer("ok", 200)
        if request.path == "/readyz":
            problem = self._problem()
            return _answer(problem or "ok", 503 if problem else 200)
        return self.get_response(request)

    def _problem(self) -> str:
        """Why no work can be done; empty when it can."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            if not self._migrated:
                executor = MigrationExecutor(connection)
                missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
                self._migrated = not missing
        except DatabaseError:
            return "the database does not answer"
        return "" if self._migrated else "migrations are missing"


def _answer(status: str, code: int) -> JsonResponse:
    return JsonResponse({"status": status}, status=code, headers={"Cache-Control": "no-store"})
