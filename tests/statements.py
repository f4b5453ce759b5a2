"""Counting the statements of a piece of work, the same however long ago the clock was asked."""

from django.test.utils import CaptureQueriesContext

CLOCK = "FROM offerhub_clock"


class Statements(CaptureQueriesContext):
    """Django's own, without the sandbox's clock.

    Every process asks for that twice a second at the most, and on real networks never; which
    request pays for it is chance.
    """

    @property
    def captured_queries(self) -> list[dict[str, str]]:
        return [query for query in super().captured_queries if CLOCK not in query["sql"]]
