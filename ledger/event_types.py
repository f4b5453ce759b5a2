"""The events of the books."""

from offerhub.events.catalog import declare
from offerhub.events.fields import DAY

declare(
    "books.closed",
    "The days from `from` up to and with `through` are closed: nothing is booked on them any more",
    "mkt",
    **{"from": DAY, "through": DAY},
)
