"""The chart of accounts: every kind of account that can exist, and how the database keeps it.

`ledger/sql/chart.sql` says the same to the database and `README.md` to people; a test compares.
"""

from dataclasses import dataclass
from enum import StrEnum

DEBIT, CREDIT = 1, -1


class AccountKind(StrEnum):
    """What an account stands for; with an owner it names one account per asset."""

    WALLET = "wallet"
    PLATFORM = "platform"
    CONTRACT = "contract"
    XLM = "xlm"
    AVAILABLE = "available"
    RESERVED = "reserved"
    ESCROW = "escrow"
    PENDING = "pending"
    SUSPENSE = "suspense"
    PLATFORM_FEE = "revenue:platform_fee"
    NETWORK_FEE = "expense:network_fee"
    PROTOCOL_FEE = "expense:protocol_fee"
    CAPITAL = "owner:capital"
    ADJUSTMENT = "adjustment"


class Element(StrEnum):
    """The five elements of bookkeeping; the side on which each grows follows from it."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSE = "expense"

    @property
    def side(self) -> int:
        """DEBIT (1) or CREDIT (-1): the sign of the postings that make the balance grow."""
        return DEBIT if self in (Element.ASSET, Element.EXPENSE) else CREDIT


class Mode(StrEnum):
    """`live` keeps a locked balance row; `rollup` is read as checkpoint plus what came since."""

    LIVE = "live"
    ROLLUP = "rollup"


class Owner(StrEnum):
    """Whose id stands behind the kind: `reserved:{order}`."""

    NONE = ""
    ADDRESS = "address"
    USER = "user"
    ORDER = "order"
    WITHDRAWAL = "withdrawal"
    REASON = "reason"


@dataclass(frozen=True)
class Line:
    """One row of the chart. `floor` is the least balance in stroops, None where there is none."""

    kind: AccountKind
    owner: Owner
    element: Element
    mode: Mode
    floor: int | None
    mirrors: str = ""


_K, _E, _O = AccountKind, Element, Owner
_LIVE, _ROLLUP = Mode.LIVE, Mode.ROLLUP

CHART: dict[AccountKind, Line] = {
    line.kind: line
    for line in (
        Line(_K.WALLET, _O.ADDRESS, _E.ASSET, _LIVE, 0, "the wallet on chain"),
        Line(_K.PLATFORM, _O.ADDRESS, _E.ASSET, _LIVE, None, "the marketplace's fee wallet"),
        Line(_K.CONTRACT, _O.ADDRESS, _E.ASSET, _LIVE, 0, "the escrow contract"),
        Line(_K.XLM, _O.ADDRESS, _E.ASSET, _ROLLUP, None, "fee money"),
        Line(_K.AVAILABLE, _O.USER, _E.LIABILITY, _LIVE, 0),
        Line(_K.RESERVED, _O.ORDER, _E.LIABILITY, _LIVE, 0),
        Line(_K.ESCROW, _O.ORDER, _E.LIABILITY, _LIVE, 0, "the order's part of its contract"),
        Line(_K.PENDING, _O.WITHDRAWAL, _E.LIABILITY, _LIVE, 0),
        Line(_K.SUSPENSE, _O.NONE, _E.LIABILITY, _ROLLUP, None, "money nobody can be credited for"),
        Line(_K.PLATFORM_FEE, _O.NONE, _E.REVENUE, _ROLLUP, None),
        Line(_K.NETWORK_FEE, _O.NONE, _E.EXPENSE, _ROLLUP, None),
        Line(_K.PROTOCOL_FEE, _O.NONE, _E.EXPENSE, _ROLLUP, None),
        Line(_K.CAPITAL, _O.NONE, _E.EQUITY, _ROLLUP, None, "fee money put in"),
        Line(_K.ADJUSTMENT, _O.REASON, _E.EXPENSE, _ROLLUP, None),
    )
}

# A user's money that waits for something. A hold is open while there is money in it.
HOLDS = (AccountKind.RESERVED, AccountKind.ESCROW, AccountKind.PENDING)
# Accounts that are somebody's money: `Account.user` says whose.
PERSONAL = (AccountKind.AVAILABLE, *HOLDS)


def account_name(kind: str, owner: str) -> str:
    """How an account is written: `reserved:ord_01k9…`, or the kind alone."""
    return f"{kind}:{owner}" if owner else kind
