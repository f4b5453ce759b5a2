"""What a run is like, drawn from its seed, and what waits for a second person in it."""

import random
from dataclasses import dataclass, field


class Terms:
    """What a run is like, drawn from its seed."""

    def __init__(self, rng: random.Random) -> None:
        self.fee_percent = rng.choice([0, 0, 1, 5, 10])
        self.highest_percent = self.fee_percent + rng.choice([0, 0, 5])
        self.vendor_bps = rng.choice([0, 0, 30])
        self.whole_refunds = rng.random() < 0.5  # the marketplace bears the fees of refunds
        self.approve_over = rng.choice([0, 0, 20])  # USDC that a second person must agree to
        self.party = rng.random() < 0.5  # whether a seller holds their own key
        self.waiters = rng.choice([0, 1])  # requests that may wait for their outcome
        self.faults = rng.choice([0.0, 0.02, 0.08, 0.2])
        self.deaths = rng.choice([0.0, 0.01, 0.05])
        self.lost_rings = rng.choice([0.0, 0.1, 0.5])
        self.skew = rng.choice([0.0, 0.0, -90.0, 90.0])


@dataclass
class Proposed:
    """A resolution or a withdrawal that a second person must agree to."""

    id: str
    subject: str  # the dispute or the withdrawal
    shares: list[tuple[str, str, int]]  # order, milestone, to the seller; none of a withdrawal
    agreed_by: set[str] = field(default_factory=set)
    since: float = 0.0  # when somebody began to agree
    over: bool = False
