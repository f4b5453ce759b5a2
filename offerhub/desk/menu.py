"""The menu at the side: the desk's own pages first, then the records by what they are about."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from offerhub.core.rights import may
from offerhub.marketplaces.roles import Right

# The desk's own pages: label, route, right.
WORK = (
    ("Disputes", "disputes", Right.VIEW),
    ("Approvals", "approvals", Right.VIEW),
    ("Payout batches", "batches", Right.VIEW),
    ("Operations", "operations", Right.VIEW),
    ("Deposits in suspense", "suspense", Right.VIEW),
    ("Campaigns", "campaigns", Right.VIEW),
)
DEVELOPERS = (
    ("Webhooks", "webhooks", Right.VIEW),
    ("Event log", "event_log", Right.VIEW),
)
FINANCE = (
    ("Trial balance", "trial_balance", Right.VIEW),
    ("Books and chain", "reconciliation", Right.VIEW),
    ("Flow and fees", "finance_flow", Right.VIEW),
    ("Closed days", "closed_days", Right.VIEW),
    ("Reports", "reports", Right.EXPORT),
    ("Schedules", "schedules", Right.EXPORT),
)
# Models by name; what is in none of these is under More.
GROUPS = {
    "Money": (
        *("Order", "Campaign", "Subscription", "User", "Deposit", "ClaimableBalance"),
        *("Withdrawal", "Batch", "SavedDestination"),
    ),
    "Books": ("Account", "Entry", "Period", "Seal", "Proof"),
    "Chain": (
        *("Wallet", "Escrow", "EscrowOperation", "Reimbursement", "WalletOperation"),
        *("WithdrawalAttempt", "BatchPayment", "Claim"),
    ),
    "Developers": ("ApiCall", "ApiKey"),
    "House": ("Marketplace", "PayoutPolicy", "StaffUser", "StaffAction", "Event"),
}
LABELS = {"ApiKey": "API keys"}  # where the model's own name would not do


@dataclass(frozen=True)
class Item:
    """One line of the menu."""

    label: str
    address: str
    here: bool


@dataclass(frozen=True)
class Group:
    """Lines with a heading."""

    label: str
    items: list[Item]


def menu(site: AdminSite, request: HttpRequest) -> dict[str, Any]:
    """For the frame of every page. No statement: rights are read once per request."""
    may_look = may(request, Right.VIEW)
    models = [
        (name, _item(request, LABELS.get(name, str(model["name"])), model["admin_url"]))
        for app in site.get_app_list(request)
        for model in app["models"]
        for name in (model["object_name"],)
        if model.get("admin_url")
    ]
    groups = [Group("Finance", _pages(request, FINANCE) if may_look else [])]
    for label, names in GROUPS.items():
        pages = _pages(request, DEVELOPERS) if label == "Developers" and may_look else []
        rows = [item for name in names for known, item in models if known == name]
        groups.append(Group(label, pages + rows))
    grouped = {name for names in GROUPS.values() for name in names}
    groups.append(Group("More", [item for name, item in models if name not in grouped]))
    return {
        "may_look": may_look,
        "home_address": reverse("admin:index"),
        "desk_menu": [item for item in _pages(request, WORK) if may_look],
        "record_menu": [group for group in groups if group.items],
    }


def _pages(request: HttpRequest, pages: Iterable[tuple[str, str, str]]) -> list[Item]:
    found = []
    for label, name, right in pages:
        try:
            address = reverse(f"admin:{name}")
        except NoReverseMatch:
            continue
        if may(request, right):
            found.append(_item(request, label, address))
    return found


def _item(request: HttpRequest, label: str, address: str) -> Item:
    return Item(label, address, request.path.startswith(address))
