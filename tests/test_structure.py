"""The shape of the house: keys point down, drawings and edges agree."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from disputes.models import Dispute
from disputes.states import DISPUTE_EDGES
from offerhub.approvals.models import Proposal
from offerhub.approvals.states import PROPOSAL_EDGES
from offerhub.core.fsm import edges_of
from offerhub.subscriptions.models import Cycle, Subscription
from offerhub.subscriptions.states import CYCLE_EDGES, SUBSCRIPTION_EDGES
from orders.campaigns.models import Campaign
from orders.campaigns.states import CAMPAIGN_EDGES, PLEDGE_EDGES
from orders.models import Escrow, Milestone, Order
from orders.states import ESCROW_EDGES, MILESTONE_EDGES, ORDER_EDGES
from payouts.models import Batch, Withdrawal
from payouts.states import BATCH_EDGES, ITEM_EDGES, WITHDRAWAL_EDGES

ROOT = Path(__file__).resolve().parent.parent
# The lines of the house, top first; a key may point to its own line or one below.
LINES = [
    {"reports"},
    {"reconciliation"},
    {"disputes", "payouts", "subscriptions"},
    {"orders", "deposits", "wallets"},
    {"ledger"},
    {"users"},
    {"api"},
    {"approvals"},
    {"events"},
    {"marketplaces"},
]


def _line(app: str) -> int:
    return next(i for i, line in enumerate(LINES) if app in line)


def test_every_foreign_key_points_to_its_own_app_or_down() -> None:
    ours = {app for line in LINES for app in line}
    upward = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in ours
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and (target := field.related_model._meta.app_label) in ours
        and target != model._meta.app_label
        and _line(target) <= _line(model._meta.app_label)
    ]
    assert upward == []


@pytest.mark.parametrize(
    ("model", "edges"),
    [
        (Order, ORDER_EDGES),
        (Milestone, MILESTONE_EDGES),
        (Escrow, ESCROW_EDGES),
        (Campaign, CAMPAIGN_EDGES),
        (Dispute, DISPUTE_EDGES),
        (Subscription, SUBSCRIPTION_EDGES),
        (Cycle, CYCLE_EDGES),
        (Proposal, PROPOSAL_EDGES),
        (Withdrawal, WITHDRAWAL_EDGES),
        (Batch, BATCH_EDGES),
    ],
)
def test_the_transitions_in_code_are_the_edges_that_the_database_allows(
    model: type[models.Model], edges: dict[str, list[str]]
) -> None:
    assert edges_of(model, "status") == {(a, b) for a, targets in edges.items() for b in targets}


@pytest.mark.parametrize(
    ("app", "heading", "edges"),
    [
        ("orders", "order", ORDER_EDGES),
        ("orders", "milestone", MILESTONE_EDGES),
        ("orders", "escrow", ESCROW_EDGES),
        ("orders/campaigns", "campaign", CAMPAIGN_EDGES),
        ("orders/campaigns", "pledge", PLEDGE_EDGES),
        ("disputes", "dispute", DISPUTE_EDGES),
        ("offerhub/subscriptions", "subscription", SUBSCRIPTION_EDGES),
        ("offerhub/subscriptions", "cycle", CYCLE_EDGES),
        ("payouts", "withdrawal", WITHDRAWAL_EDGES),
        ("payouts", "batch", BATCH_EDGES),
        ("payouts", "item", ITEM_EDGES),
    ],
)
def test_the_drawn_states_are_the_states(app: str, heading: str, edges: dict[str, Any]) -> None:
    text = (ROOT / app / "README.md").read_text()
    drawing = re.search(rf"## States of an? {heading}\n+```mermaid\n(.*?)```", text, re.S)
    assert drawing is not None
    drawn = set(re.findall(r"(\w+) --> (\w+)", drawing.group(1)))
    assert drawn == {(str(a), str(b)) for a, targets in edges.items() for b in targets}


def test_no_file_of_the_product_is_longer_than_comfort_allows() -> None:
    limit = 400
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("offerhub", "ledger", "orders", "payouts", "disputes")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > limit
    }
    assert long == {}
