"""Looking for what was set aside for our wallets: a slow round over them, within a budget.

Each look asks Horizon once for what one wallet has not been told of yet. However many wallets there
are, no more requests are made in a minute than the setting allows, but for wallets that a person
wants to be looked at.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from offerhub.chain import claimables
from offerhub.chain.claimables import Claimable
from offerhub.chain.types import ChainUnavailable
from offerhub.claims.models import ClaimableBalance, ClaimWatch
from offerhub.claims.services import ACTOR, State, judge, told
from offerhub.core import jobs
from offerhub.core.clock import ProductNow
from offerhub.core.db import assert_no_transaction, in_transaction
from offerhub.core.errors import NotFound, WrongState
from offerhub.deposits import services as deposits
from offerhub.deposits.models import ChainCursor
from offerhub.events.models import Event
from offerhub.events.services import first
from offerhub.users.models import Wallet

log = structlog.get_logger(__name__)

JOB = "claims.look"
MOST_REFUSED = 100  # that are listed for one wallet: anyone may set aside as many as they like
LEASE = 60.0  # seconds
AFTER_FAILURE = timedelta(minutes=2)
AT_ONCE = "2000-01-01T00:00:00Z"  # before all others
KINDS = (Wallet.Kind.MANAGED, Wallet.Kind.PLATFORM, Wallet.Kind.RESOLVER)


def interval() -> timedelta:
    """Between two looks at one wallet, where the budget has room for that."""
    return timedelta(minutes=settings.CLAIM_LOOK_MINUTES)


def network_name() -> str:
    """The network that is followed, with its history; "" while none is."""
    row = deposits.cursor_row()
    return row.full_name if row and row.state != ChainCursor.State.HALTED else ""


def enrol_new_wallets() -> int:
    """Give every new wallet its first look; how many there were. Not those whose key a party
    holds: they claim for themselves."""
    if not settings.CLAIM_LOOKS_PER_MINUTE or not network_name():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO claims_claimwatch (wallet_id, network, cursor, due_at, skipped, problem)
            SELECT w.id, '', '', now(), 0, ''
            FROM users_wallet w LEFT JOIN claims_claimwatch c ON c.wallet_id = w.id
            WHERE c.wallet_id IS NULL AND w.kind = ANY(%s) AND w.status = 'ACTIVE'
            ON CONFLICT DO NOTHING""",
            [[str(kind) for kind in KINDS]],
        )
        return int(cursor.rowcount)


def due() -> list[str]:
    """Wallets whose look is due, the longest waiting first, as many as the budget of the last
    minute has left. Two statements, by indexes."""
    budget = settings.CLAIM_LOOKS_PER_MINUTE
    if not budget:
        return []
    lately = ClaimWatch.objects.filter(asked_at__gt=Now() - timedelta(minutes=1))
    left = budget - lately[:budget].count()
    if left <= 0:
        return []
    rows = ClaimWatch.objects.filter(due_at__lte=Now()).order_by("due_at")
    return list(rows.values_list("wallet_id", flat=True)[:left])


@in_transaction
def look_now(*, wallet_id: str) -> None:
    """Look at a wallet at once, whatever the budget says. Raises NotFound, and WrongState for one
    that is not ours to claim for."""
    wallet = Wallet.objects.filter(pk=wallet_id).first()
    if wallet is None:
        raise NotFound("There is no such wallet")
    if wallet.kind not in KINDS:
        raise WrongState("Whoever holds the key of this wallet claims for it")
    if wallet.status != Wallet.Status.ACTIVE:
        raise WrongState(f"The wallet is {wallet.status}, not active")
    ClaimWatch.objects.update_or_create(wallet=wallet, defaults={"due_at": AT_ONCE})
    jobs.ring(JOB, wallet.pk)


@dataclass(frozen=True)
class _Look:
    """One wallet that was taken for a look, and where its list goes on."""

    wallet: Wallet
    network: str
    cursor: str


def look(wallet_id: str) -> int:
    """Ask for what a wallet has not been told of yet; how many balances were new."""
    assert_no_transaction()
    network = network_name()
    taken = _take(wallet_id, network) if network else None
    if taken is None:
        return 0
    try:
        found, cursor, more = claimables.listed(taken.wallet.address, taken.cursor)
    except ChainUnavailable as error:
        pause = max(AFTER_FAILURE, timedelta(seconds=error.retry_after))
        ClaimWatch.objects.filter(pk=wallet_id).update(
            due_at=Now() + pause, problem=str(error)[:300]
        )
        return 0
    return record(taken, found, cursor, more)


def _take(wallet_id: str, network: str) -> _Look | None:
    """Take a wallet that is due; a look that dies is due again when its lease is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE claims_claimwatch
            SET due_at = now() + make_interval(secs => %s), asked_at = now(),
                cursor = CASE WHEN network = %s THEN cursor ELSE '' END, network = %s
            WHERE wallet_id = %s AND due_at <= now() RETURNING cursor""",
            [LEASE, network, network, wallet_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return _Look(Wallet.objects.get(pk=wallet_id), network, row[0])


@in_transaction
def record(taken: _Look, found: list[Claimable], cursor: str, more: bool) -> int:
    """List what is new, and when to look again; how many there were. What is not to be claimed is
    listed up to a bound, and counted beyond it."""
    watch = ClaimWatch.objects.select_for_update().get(pk=taken.wallet.pk)
    if (watch.network, watch.cursor) != (taken.network, taken.cursor):
        return 0  # somebody else recorded it meanwhile
    kept, skipped = _within_bound(taken, found)
    new = _insert(kept)
    watch.cursor, watch.problem = cursor, ""
    watch.skipped = F("skipped") + skipped
    watch.due_at = Now() if more else Now() + interval()
    watch.save()
    if new or skipped:
        log.info("claimable_found", wallet=taken.wallet.pk, listed=len(new), skipped=skipped)
    return len(new)


def _within_bound(taken: _Look, found: list[Claimable]) -> tuple[list[ClaimableBalance], int]:
    refused = ClaimableBalance.objects.filter(wallet=taken.wallet, state=State.REFUSED)
    room = MOST_REFUSED - refused[:MOST_REFUSED].count()
    kept, skipped = [], 0
    for one in found:
        row = _row(taken, one)
        if row.state == State.REFUSED:
            if room <= 0:
                skipped += 1
                continue
            room -= 1
        kept.append(row)
    return kept, skipped


def _row(taken: _Look, one: Claimable) -> ClaimableBalance:
    state, reason, due_at = judge(one)
    return ClaimableBalance(
        marketplace_id=taken.wallet.marketplace_id,
        wallet=taken.wallet,
        network=taken.network,
        balance_id=one.id,
        asset_code=one.asset_code,
        asset_issuer=one.asset_issuer,
        amount=one.amount,
        sponsor=one.sponsor,
        predicate=one.predicate,
        ledger=one.ledger,
        state=state.value,
        reason=reason.value,
        due_at=due_at,
    )


def _insert(rows: list[ClaimableBalance]) -> list[ClaimableBalance]:
    """Those that were not known, each with its first event."""
    if not rows:
        return []
    known = ClaimableBalance.objects.filter(
        wallet=rows[0].wallet,
        network=rows[0].network,
        balance_id__in=[row.balance_id for row in rows],
    )
    known_ids = set(known.values_list("balance_id", flat=True))
    new = [row for row in rows if row.balance_id not in known_ids]
    ClaimableBalance.objects.bulk_create(new)
    Event.objects.bulk_create(_first(row) for row in new)
    return new


def _first(row: ClaimableBalance) -> Event:
    if row.state == State.REFUSED:
        word, more = "refused", {"reason": row.reason}
    else:
        word, more = "listed", {"dueAt": row.due_at.isoformat() if row.due_at else ""}
    return first(
        row.pk,
        f"claimable_balance.{word}",
        marketplace_id=row.marketplace_id,
        actor=ACTOR,
        payload=told(row) | more,
    )


def due_balances(limit: int = 100) -> list[str]:
    """Balances of the followed network whose time has come, the longest waiting first."""
    network = network_name()
    if not network:
        return []
    rows = ClaimableBalance.objects.filter(state=State.PENDING, due_at__lte=ProductNow())
    return list(
        rows.filter(network=network).order_by("due_at").values_list("pk", flat=True)[:limit]
    )
