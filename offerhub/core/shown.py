"""How values look on the desk: states in words, amounts with their unit, times, links from ids."""

import re
from datetime import UTC, datetime, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from offerhub.core import clock
from offerhub.core.money import format_amount

# How a state is coloured, beside being said in words; all others are on their way.
TONES = {
    "good": {"ACTIVE", "APPROVED", "BOOKED", "COMPLETED", "CONFIRMED", "CREDITED", "DELIVERED"}
    | {"DONE", "ENABLED", "FINISHED", "FOLLOWING", "FUNDED", "RELEASED", "RESOLVED"}
    | {"CLAIMED", "SETTLED", "SUCCEEDED"},
    "bad": {"DISPUTED", "FAILED", "HALTED", "NEEDS_ATTENTION", "SUSPENSE", "UNKNOWN", "STUCK"}
    | {"PAST_DUE", "UNPAID"},
    "over": {"CANCELLED", "CLOSED", "REFUNDED", "RETURNED", "WITHDRAWN", "REJECTED", "EXPIRED"}
    | {"DELETED", "DISABLED", "DROPPED", "GONE", "PAUSED", "SUSPENDED"},
}

# The page of a record, by the prefix of its id: the name of the desk's route.
PAGES = {
    "dsp": "case",
    "ord": "order",
    "cmp": "campaign",
    "sub": "subscription",
    "usr": "user",
    "dep": "deposit",
    "clb": "claimable_balance",
    "dif": "difference",
    "prf": "reconciliation_proof_change",
    "opr": "operation",
    "wdr": "payouts_withdrawal_change",
    "wba": "batch",
    "wal": "users_wallet_change",
    "ent": "entry",
    "acc": "account",
    "rpt": "report",
    "esc": "orders_escrow_change",
    "mil": "orders_milestone_change",
    "mkt": "marketplaces_marketplace_change",
    "key": "marketplaces_apikey_change",
    "evt": "event",
    "whk": "webhook",
    "whd": "webhook_delivery",
}
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}", re.ASCII)
_ON_CHAIN = re.compile(r"[GC][A-Z2-7]{55}|M[A-Z2-7]{68}|[0-9a-f]{64}", re.ASCII)
_HEAD, _TAIL = 8, 4  # what is left of an address or a hash where room is short


def words(value: object) -> str:
    """`IN_PROGRESS` → "In progress"."""
    return str(value).replace("_", " ").capitalize()


def tone(state: object) -> str:
    """good, bad, over or under-way; of an HTTP status too."""
    if isinstance(state, int):
        return "good" if 200 <= state < 400 else "bad"
    return next((tone for tone, states in TONES.items() if str(state) in states), "under-way")


def state(value: object, text: str = "", colour: str = "") -> SafeString:
    """A badge: the state in words, its colour beside them."""
    return format_html(
        '<span class="oh-state oh-{}">{}</span>', colour or tone(value), text or words(value)
    )


def amount(stroops: int, unit: str = "USDC") -> SafeString:
    """Stroops as a decimal with its unit; thousands stay together, the unit is quieter."""
    whole, _, fraction = format_amount(stroops).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{int(digits):,}"
    text = f"{sign}{grouped}.{fraction}"
    code = unit.partition(":")[0]
    return format_html(
        '<span class="oh-amount">{} <span class="oh-unit">{}</span></span>', text, code
    )


def span(length: timedelta) -> str:
    """The two largest parts of a length of time: `2 d 3 h`, `19 h`, `4 min`."""
    minutes = max(int(length.total_seconds()) // 60, 0)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours and days < 10 else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if hours < 6 and minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "under a minute"


def when(at: datetime) -> SafeString:
    """Just now, 3 h ago or in 2 d, after a month the date; its title is the exact time, UTC."""
    at, away = at.astimezone(UTC), clock.now() - at
    if abs(away) < timedelta(minutes=1):
        text = "just now"
    elif abs(away) > timedelta(days=31):
        text = f"{at.day} {at:%b %Y}"
    else:
        text = f"{span(away)} ago" if away >= timedelta() else f"in {span(-away)}"
    return _time(at, text)


def moment(at: datetime) -> SafeString:
    """The exact time, to the second, in UTC."""
    at = at.astimezone(UTC)
    return _time(at, f"{at:%Y-%m-%d %H:%M:%S}")


def _time(at: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(timespec="seconds"),
        f"{at:%Y-%m-%d %H:%M:%S}",
        text,
    )


def page_of(value: str) -> str:
    """The desk's page of an id; "" when there is none."""
    name = PAGES.get(value[:3]) if _ID.fullmatch(value) else None
    if name:
        try:
            return reverse(f"admin:{name}", args=[value])
        except NoReverseMatch:
            pass
    return ""


def names_a_record(value: str) -> bool:
    """Whether a text is an id of ours, an address, a contract or a transaction."""
    return bool(_ID.fullmatch(value) or _ON_CHAIN.fullmatch(value))


def address_of(value: str) -> str:
    """Where the record of an id is; an address, a contract or a hash is looked for."""
    return page_of(value) or f"{reverse('admin:search')}?{urlencode({'q': value})}"


def short(value: str) -> str:
    """An id, address or hash where room is short: both ends."""
    if len(value) <= _HEAD + _TAIL + 3:
        return value
    return f"{value[:_HEAD]}…{value[-_TAIL:]}"


def reference(value: str, text: str = "", *, copies: bool = True) -> SafeString:
    """A link from an id, address or hash to its record, with a button that copies it."""
    if not value:
        return format_html('<span class="oh-quiet">{}</span>', "-")
    link = format_html(
        '<a class="oh-id" href="{}" title="{}">{}</a>',
        address_of(value),
        value,
        text or short(value),
    )
    if not copies:
        return link
    button = format_html(
        '<button type="button" class="oh-copy" data-copy="{}" title="Copy">'
        '<span class="visually-hidden">Copy {}</span></button>',
        value,
        value,
    )
    return format_html('<span class="oh-ref">{}{}</span>', link, button)
