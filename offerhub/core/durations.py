"""Lengths of time as ISO 8601 writes them: `P7D`, `PT1H`, `P1DT12H`, `P2W`.

Years and months are left out, because how long they are depends on when they begin.
"""

import re
from datetime import timedelta

_FORM = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,3})W|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?)?)",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """The length that a text such as `P7D` names. Raises ValueError for anything else."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration such as P7D or PT1H")
    return timedelta(**{unit: int(value) for unit, value in found.groupdict().items() if value})


def format_duration(length: timedelta) -> str:
    """The other way round, to the minute."""
    minutes = int(length.total_seconds() // 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    date = f"{days}D" if days else ""
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M")) if n)
    if not date and not time:
        return "PT0M"
    return f"P{date}T{time}" if time else f"P{date}"
