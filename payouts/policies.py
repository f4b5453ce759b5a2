"""What a marketplace allows its withdrawals: the one way to change it."""

from dataclasses import asdict, dataclass
from typing import Any

from offerhub.api.serializers import camel
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.money import format_amount
from offerhub.events import services as events
from offerhub.marketplaces.models import Marketplace
from payouts.models import PayoutPolicy

AMOUNTS = ("most", "most_user_day", "most_day")


@dataclass(frozen=True)
class Rules:
    """Limits in stroops of USDC, 0 for none; `cooling_hours` None is the installation's own."""

    most: int = 0
    most_user_day: int = 0
    most_day: int = 0
    paused: bool = False
    address_book_only: bool = False
    cooling_hours: int | None = None


def rules_of(policy: PayoutPolicy) -> Rules:
    """The rules as they are."""
    return Rules(**{name: getattr(policy, name) for name in Rules.__dataclass_fields__})


@in_transaction
def set_rules(*, marketplace_id: str, rules: Rules, actor: Actor) -> PayoutPolicy:
    """All of them at once. What was requested before stays as it is, but a pause holds up what is
    not signed yet."""
    Marketplace.objects.select_for_update().get(pk=marketplace_id)
    policy = PayoutPolicy.objects.filter(marketplace_id=marketplace_id).first()
    policy = policy or PayoutPolicy(marketplace_id=marketplace_id)
    before = rules_of(policy)
    for name, value in asdict(rules).items():
        setattr(policy, name, value)
    told = {"before": told_of(before), "after": told_of(rules)}
    policy.version += 1
    policy.save()
    policy.version -= 1
    events.record(policy, "payout_policy.updated", actor=actor, payload=told)
    return policy


def told_of(rules: Rules) -> dict[str, Any]:
    """The rules as events and the audit tell them, amounts as text."""
    amounts = {name: format_amount(getattr(rules, name)) for name in AMOUNTS}
    return {camel(name): value for name, value in (asdict(rules) | amounts).items()}
