"""Why a call to the escrow provider is made, which says who goes first when requests are scarce."""

from enum import IntEnum

# What every call to a contract takes: the envelope is built, and it is sent.
EACH = 2


class Lane(IntEnum):
    """The smaller number goes first; a waiting lane below still gets its share (README)."""

    PERSON = 1  # somebody waits for the answer: a request that waits, a freeze, a settlement
    ORDER = 2  # the ordinary steps of an order
    AUTOMATIC = 3  # what is due by itself: release windows, subscriptions
    BATCH = 4  # campaigns and whatever else comes by the hundred
