"""The words in which the house speaks of the outside world. Amounts are stroops (10⁻⁷)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What is known of a submitted envelope. UNKNOWN is normal: money stays held in it."""

    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Transfer:
    """One movement of an asset that a transaction made, as the chain tells it.

    `operation` is Horizon's operation id, `index` counts the changes within it: together they
    name the movement for ever. `sender` is empty for a mint, `recipient` for a burn.
    """

    operation: str
    index: int
    sender: str
    recipient: str
    asset_code: str  # "XLM" for the native asset
    asset_issuer: str  # "" for the native asset
    amount: int
    recipient_muxed_id: str = ""


@dataclass(frozen=True)
class ChainFact:
    """A transaction that is in a closed ledger. Final: Stellar has no reorganisations."""

    hash: str
    ledger: int
    closed_at: datetime
    fee_charged: int  # stroops of XLM
    fee_account: str
    successful: bool
    transfers: Sequence[Transfer] = ()
    # Of one that failed: the word for each of its operations in their order, `op_success` too;
    # empty when the network did not come to its operations.
    codes: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """The answer to a submission or a look-up.

    CONFIRMED carries the fact. REJECTED carries `code` (`op_no_trust`, a contract rule …) and is
    proof that this envelope moved nothing and never will; `fact` is set when it was charged.
    UNKNOWN proves nothing. `code` is the provider's word, `detail` is for people.
    """

    verdict: Verdict
    fact: ChainFact | None = None
    code: str = ""
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True)
class Envelope:
    """A transaction envelope with what must be kept of it before it may be sent."""

    xdr: str
    hash: str
    source: str
    valid_until: datetime
    max_fee: int
    meta: dict[str, Any] = field(default_factory=dict)  # e.g. the predicted contract id


class BuildRefused(Exception):
    """The provider says that this call can not be made now (a contract rule, a bad address).

    Building has no effects, so this is proof that nothing happened. `transient` marks answers
    that a later try may not get (rate limit, outage): try again after `retry_after` seconds.
    """

    def __init__(
        self, code: str, detail: str, *, transient: bool = False, retry_after: float = 1.0
    ) -> None:
        self.code, self.detail, self.transient = code, detail, transient
        self.retry_after = retry_after
        super().__init__(f"{code}: {detail}")


class EnvelopeRefused(Exception):
    """The envelope that was handed to us is not what was asked for. It is never signed."""


class ChainUnavailable(Exception):
    """A read could not be answered; nothing is known. Try again after `retry_after` seconds."""

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(detail)
