"""How long to wait for what was asked of a contract, and before it is asked again."""

from datetime import timedelta

# The first look after something was asked for; each later one takes half as long again, so that a
# slow network costs few looks.
SOON, LONGEST_LOOK = timedelta(seconds=0.5), timedelta(minutes=15)
# A call that failed is asked for again after so long, and then after twice as long.
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(days=1)
# While support decides a dispute.
DISPUTED = timedelta(hours=1)


def look_after(looks: int) -> timedelta:
    """How long to leave alone what was on its way at so many looks. They are counted because time
    may leap: on the sandbox, weeks pass while a call is on its way."""
    factor: float = 1.5 ** min(looks, 20)
    return min(SOON * factor, LONGEST_LOOK)


def retry_after(tries: int) -> timedelta:
    """How long after the so-many-th try the next one follows."""
    factor: int = 2 ** (min(tries, 12) - 1)
    return min(FIRST_RETRY * factor, LONGEST_RETRY)
