"""What an API key may be allowed to do: the one list. A key has none unless it was given some."""

from collections.abc import Iterable
from enum import StrEnum

from offerhub.core.errors import FieldError, InvalidRequest


class Scope(StrEnum):
    """`resource:verb`. Reading and writing are apart everywhere; deciding a dispute is apart again,
    so that a shop's server can open disputes without being able to settle them."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    DEPOSITS_READ = "deposits:read"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ESCROW_READ = "escrow:read"
    ESCROW_WRITE = "escrow:write"
    RESOLUTION_WRITE = "resolution:write"
    DISPUTES_READ = "disputes:read"
    DISPUTES_WRITE = "disputes:write"
    DISPUTES_RESOLVE = "disputes:resolve"
    WITHDRAWALS_READ = "withdrawals:read"
    WITHDRAWALS_WRITE = "withdrawals:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    SANDBOX_WRITE = "sandbox:write"


DESCRIPTIONS: dict[Scope, str] = {
    Scope.USERS_READ: "See users, their wallets, balances and statements",
    Scope.USERS_WRITE: "Create and change users",
    Scope.DEPOSITS_READ: "See deposits",
    Scope.ORDERS_READ: "See orders, milestones and timelines",
    Scope.ORDERS_WRITE: "Create, reserve and cancel orders",
    Scope.ESCROW_READ: "See escrows",
    Scope.ESCROW_WRITE: "Create and fund escrows",
    Scope.RESOLUTION_WRITE: "Complete, approve, release and refund",
    Scope.DISPUTES_READ: "See disputes",
    Scope.DISPUTES_WRITE: "Open disputes, add statements and evidence",
    Scope.DISPUTES_RESOLVE: "Decide disputes",
    Scope.WITHDRAWALS_READ: "See withdrawals",
    Scope.WITHDRAWALS_WRITE: "Request and cancel withdrawals",
    Scope.CAMPAIGNS_READ: "See campaigns",
    Scope.CAMPAIGNS_WRITE: "Create and settle campaigns",
    Scope.SUBSCRIPTIONS_READ: "See subscriptions",
    Scope.SUBSCRIPTIONS_WRITE: "Create, pause, resume and cancel subscriptions",
    Scope.OPERATIONS_READ: "See operations on the chain",
    Scope.OPERATIONS_WRITE: "Hand in signatures of parties that hold their own keys",
    Scope.EVENTS_READ: "Read and follow the event log",
    Scope.WEBHOOKS_READ: "See webhook endpoints and deliveries",
    Scope.WEBHOOKS_WRITE: "Manage webhook endpoints and redeliver",
    Scope.REPORTS_READ: "See and download reports",
    Scope.REPORTS_WRITE: "Run reports",
    Scope.SANDBOX_WRITE: "Use the sandbox's controls",
}

ALL = frozenset(Scope)


def parse(names: Iterable[str]) -> list[str]:
    """The scopes by name, sorted and once each; raises InvalidRequest naming what is unknown."""
    wanted = sorted(set(names))
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        raise InvalidRequest(
            errors=[
                FieldError("scopes", "unknown_scope", f"{name!r} is no scope") for name in unknown
            ]
        )
    return wanted
