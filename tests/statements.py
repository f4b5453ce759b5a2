"""Counting the statements of a piece of work, the same however long ago the clock was asked."""

from django.test.utils import CaptureQueriesContext

CHANCE = ("FROM offerhub_clock", 'FROM "api_maintenance"')


class Statements(CaptureQueriesContext):
    """Django's own, without the sandbox's clock and the look for maintenance.

    Every process asks for those once or twice a second at the most; which request pays for it is
    chance.
    """

    @property
    def captured_queries(self) -> list[dict[str, str]]:
        return [
            query
            for query in super().captured_queries
            if not any(part in query["sql"] for part in CHANCE)
        ]
