"""What a run is asked for: a checked set of filters that becomes SQL only through a report type."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from offerhub.reports.periods import complaint, moment, zone_of

BASES = ("effective", "recorded")


@dataclass(frozen=True)
class Parameters:
    """`since` and `until` are days or instants as they were asked, "" where there is none; a run
    takes what is dated from `since` on and before `until`. `at` is inclusive: a day means its end.

    An empty `marketplace` is every marketplace, which only staff can ask for. `view` and `query`
    are a list of the desk with the filters that were on screen, `viewer` who looked at it.
    """

    marketplace: str = ""
    since: str = ""
    until: str = ""
    at: str = ""
    zone: str = "UTC"
    basis: str = "effective"
    user: str = ""
    order: str = ""
    account: str = ""
    asset: str = ""
    status: str = ""
    kind: str = ""
    view: str = ""
    query: str = ""
    viewer: str = ""

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which days are days."""
        return zone_of(self.zone)

    @property
    def start(self) -> datetime | None:
        """The first instant, or None: from the beginning."""
        return moment(self.since, self.tz, "from") if self.since else None

    @property
    def end(self) -> datetime | None:
        """The first instant that is not in it any more, or None: up to now."""
        return moment(self.until, self.tz, "to") if self.until else None

    @property
    def before(self) -> datetime | None:
        """The first instant after `at`, or None: now."""
        return moment(self.at, self.tz, "at", after=True) if self.at else None

    def check(self) -> None:
        """Raise InvalidRequest for what is no time, zone or period."""
        _ = self.tz
        start, end, _ = self.start, self.end, self.before
        if start is not None and end is not None and start >= end:
            raise complaint("to", "empty_period", "must be after from: the end is not part of it")
        if self.basis not in BASES:
            raise complaint("basis", "invalid_choice", f"must be one of {', '.join(BASES)}")

    @property
    def values(self) -> dict[str, Any]:
        """As SQL takes them."""
        times = {"start": self.start, "end": self.end, "before": self.before}
        return {**asdict(self), **times}

    @property
    def given(self) -> dict[str, str]:
        """What was asked, without what was not: as it is kept and shown."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def kept(cls, values: Mapping[str, str]) -> "Parameters":
        """The other way round."""
        return cls(**values)
