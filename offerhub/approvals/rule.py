"""When a second person is needed: pure arithmetic, so that it can be shown and proved."""

from dataclasses import dataclass

from offerhub.core.money import format_amount


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Limits in stroops of what one person may decide on the spot: with 0 somebody else must
    agree to everything, None is no limit.

    `order_sum` is for all that was so decided in one group, `proposer_day` for all that one
    proposer so decided in 24 hours. An open proposal lives for `hours`.
    """

    threshold: int | None = None
    order_sum: int | None = None
    proposer_day: int | None = None
    hours: float = 48.0

    def why(self, amount: int, in_group: int, in_day: int) -> str:
        """Why somebody else must agree to `amount`, when `in_group` and `in_day` were decided on
        the spot before; an empty text when nobody must."""
        if self.threshold == 0:
            return "Nobody decides this alone"
        if self.threshold is not None and amount > self.threshold:
            return f"{_usdc(amount)} is more than {_usdc(self.threshold)}"
        if self.order_sum is not None and in_group + amount > self.order_sum:
            total, most = _usdc(in_group + amount), _usdc(self.order_sum)
            return f"With what was decided before it would be {total} of this order, over {most}"
        if self.proposer_day is not None and in_day + amount > self.proposer_day:
            total, most = _usdc(in_day + amount), _usdc(self.proposer_day)
            return f"It would be {total} by this proposer in 24 hours, over {most}"
        return ""


def _usdc(amount: int) -> str:
    return f"{format_amount(amount)} USDC"
