"""Which pledges ended, which are on their way, which are next: one statement each, whatever the
size of the campaign. The campaign's row is locked."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from offerhub.chain.submission import LIVE
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.states import CampaignStatus, PledgeState

_P = PledgeState
_LIVE = ", ".join(f"'{status}'" for status in LIVE)  # as the partial index writes it
_ON_ITS_WAY = f"""EXISTS (SELECT FROM orders_escrowoperation op
        WHERE op.order_id = p.order_id AND op.status IN ({_LIVE}))"""

# A pledge follows its order: paid, back with the backer, in dispute; and one that is being settled
# while nothing is on its way has failed.
_TAKE_NOTE = f"""
    WITH found AS (
        SELECT p.order_id, p.state AS was, p.amount, o.updated_at,
            COALESCE(e.released, 0) AS paid,
            CASE WHEN o.status = 'CANCELLED' THEN p.amount ELSE COALESCE(e.refunded, 0) END AS back,
            CASE WHEN o.status = 'COMPLETED' THEN 'RELEASED'
                 WHEN o.status IN ('REFUNDED', 'CANCELLED') THEN %(back)s
                 WHEN o.status = 'DISPUTED' THEN 'DISPUTED'
                 WHEN p.state = 'SETTLING' AND NOT {_ON_ITS_WAY} THEN 'FAILED'
                 ELSE p.state END AS now,
            COALESCE(p.problem, (SELECT op.problem FROM orders_escrowoperation op
                WHERE op.order_id = p.order_id ORDER BY op.id DESC LIMIT 1)) AS problem
        FROM orders_pledge p JOIN orders_order o ON o.id = p.order_id
        LEFT JOIN orders_escrow e ON e.order_id = o.id
        WHERE p.campaign_id = %(campaign)s AND p.state = ANY(%(states)s)
    ), moved AS (
        UPDATE orders_pledge p SET state = f.now,
            settled_at = CASE WHEN f.now IN ('RELEASED', 'REFUNDED') THEN f.updated_at END,
            problem = CASE WHEN f.now = 'FAILED' THEN f.problem END
        FROM found f WHERE p.order_id = f.order_id AND f.now <> f.was
        RETURNING f.was, f.now, f.amount, f.paid, f.back
    )
    SELECT was, now, count(*), sum(amount), sum(paid), sum(back) FROM moved GROUP BY was, now"""  # noqa: S608 (no value of anybody's is in the text)

_COUNTERS = {
    _P.RELEASED: "released",
    _P.REFUNDED: "refunded",
    _P.DISPUTED: "disputed",
    _P.FAILED: "failed",
}


def take_note(campaign: Campaign, states: Sequence[PledgeState]) -> bool:
    """Let the pledges in these states follow their orders, and count; whether any did."""
    back = _P.WITHDRAWN if campaign.status == CampaignStatus.OPEN else _P.REFUNDED
    names = [state.value for state in states]
    values: dict[str, Any] = {"campaign": campaign.pk, "states": names, "back": back.value}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_NOTE, values)
        moves = cursor.fetchall()
    for was, now, number, amount, paid, given_back in moves:
        _count(campaign, _COUNTERS.get(_P(was)), -number)
        _count(campaign, _COUNTERS.get(_P(now)), number)
        if now == _P.WITHDRAWN:
            campaign.pledges -= number
            campaign.pledged -= int(amount)
        if now in (_P.RELEASED, _P.REFUNDED):
            campaign.paid_out += int(paid)
            campaign.given_back += int(given_back)
    if not campaign.goal_is_met:
        campaign.goal_reached_at = None
    return bool(moves)


def _count(campaign: Campaign, counter: str | None, number: int) -> None:
    if counter is not None:
        setattr(campaign, counter, getattr(campaign, counter) + number)


def on_its_way(campaign: Campaign) -> int:
    """How many are being settled."""
    return Pledge.objects.filter(campaign=campaign, state=_P.SETTLING).count()


def calls_on_their_way(campaign: Campaign) -> int:
    """Calls to contracts that those which are being settled still want: the ones that run or wait,
    and what follows them."""
    statement = f"""
        SELECT COALESCE(sum(1 + jsonb_array_length(op."then")), 0)
        FROM orders_pledge p JOIN orders_escrowoperation op ON op.order_id = p.order_id
        WHERE p.campaign_id = %s AND p.state = 'SETTLING' AND op.status IN ({_LIVE})"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [campaign.pk])
        (calls,) = cursor.fetchone()
    return int(calls)


def next_pledges(campaign: Campaign, room: int) -> list[str]:
    """Orders of at most so many pledges to settle now, the oldest first. One whose money is still
    on its way into its contract comes when that has ended."""
    if room <= 0:
        return []
    statement = f"""
        SELECT p.order_id FROM orders_pledge p
        WHERE p.campaign_id = %s AND p.state = 'HELD' AND NOT {_ON_ITS_WAY}
        ORDER BY p.order_id LIMIT %s"""  # noqa: S608 (the same)
    with connection.cursor() as cursor:
        cursor.execute(statement, [campaign.pk, room])
        return [order_id for (order_id,) in cursor.fetchall()]
