"""Amounts and destinations that go wrong on purpose: the one list. README.md tells it to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from offerhub.sandbox import assets

What = Literal["withdrawal", "order"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One amount. ``call`` is which request it meets, once; with ``times`` which call of a
    contract, that often, whatever envelope it comes in. Without an ``answer`` the payment fails
    in a ledger with ``code``, every time."""

    what: What
    amount: str
    happens: str
    ends: str
    call: str = "payment"
    answer: str = ""
    code: str = ""
    times: int = 1


_BACK = "FAILED, the money is available again"
_ONCE = "COMPLETED, paid once"
_ON = "goes on, once"
SCENARIOS = (
    Scenario("withdrawal", "4.01", "the destination's account is gone", _BACK,
             code="op_no_destination"),
    Scenario("withdrawal", "4.04", "the destination has no trustline", _BACK, code="op_no_trust"),
    Scenario("withdrawal", "4.05", "the issuer froze the destination's trustline", _BACK,
             code="op_not_authorized"),
    Scenario("withdrawal", "4.06", "the destination's trustline is full", _BACK,
             code="op_line_full"),
    Scenario("withdrawal", "4.29", "the network answers 429 at first", _ONCE, answer="429"),
    Scenario("withdrawal", "5.03", "the network answers 503 at first", _ONCE, answer="503"),
    Scenario("withdrawal", "5.04", "it is paid, and the answer is lost", _ONCE,
             answer="504-after"),
    Scenario("withdrawal", "5.05", "nothing is paid at first, and no answer comes", _ONCE,
             answer="504-before"),
    Scenario("order", "6.04", "the contract is funded, and the answer is lost", _ON,
             call="fund", answer="504-after"),
    Scenario("order", "6.05", "the funding answers 200 around a failure at first", _ON,
             call="fund", answer="failed-200"),
    Scenario("order", "6.06", "the funding's envelope is tampered with at first", "never signed; "
             "a new one is, after some seconds", call="build fund", answer="tampered"),
    Scenario("order", "6.29", "the escrow provider answers 429 to the funding at first", _ON,
             call="build fund", answer="429"),
    Scenario("order", "7.04", "the seller is paid, and the answer is lost", _ON,
             call="release", answer="504-after"),
    Scenario("order", "7.05", "the release is refused for its sequence number at first", _ON,
             call="release", answer="bad-seq"),
    Scenario("order", "7.10", "archived entries make the release fail in two ledgers", _ON,
             call="release", answer="entry-archived", times=2),
)  # fmt: skip

# Destinations that a withdrawal is refused for before anything is debited: name → what is wrong.
DESTINATIONS = {
    "missing": "the account does not exist",
    "no-trustline": "the account has no trustline for USDC",
    "frozen": "the issuer froze its trustline",
    "full": "its trustline takes no more than 0.0000001",
}


def scripted(usdc: str) -> Mapping[tuple[str, int], str]:
    """Payments that fail in a ledger: (asset, stroops) → the operation's code."""
    return {(usdc, assets.stroops(s.amount)): s.code for s in SCENARIOS if s.code}
