"""What a text in the search box can mean, and the records that it names."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.db import models
from django.urls import reverse

from disputes.models import Dispute
from ledger.models import Account, Entry
from offerhub.chain.tables import concrete_tables
from offerhub.claims.models import ClaimableBalance
from offerhub.core import shown
from offerhub.deposits.models import Deposit
from offerhub.events.models import Event
from offerhub.marketplaces.models import Marketplace
from offerhub.subscriptions.models import Subscription
from offerhub.users.models import User, Wallet
from orders.models import Campaign, Escrow, Milestone, Order
from payouts.models import Withdrawal

MOST = 50  # records of one kind that are listed
_ID = re.compile(r"([a-z]{3})_[0-9a-z]{26}", re.ASCII)
_LEDGER = re.compile(r"#\s?([0-9]{1,18})", re.ASCII)
_HASH = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_ADDRESS = {
    "G": re.compile(r"G[A-Z2-7]{55}", re.ASCII),
    "C": re.compile(r"C[A-Z2-7]{55}", re.ASCII),
    "M": re.compile(r"M[A-Z2-7]{68}", re.ASCII),
}
BY_PREFIX: dict[str, type[models.Model]] = {
    "acc": Account,
    "clb": ClaimableBalance,
    "cmp": Campaign,
    "dep": Deposit,
    "dsp": Dispute,
    "ent": Entry,
    "esc": Escrow,
    "mil": Milestone,
    "mkt": Marketplace,
    "ord": Order,
    "sub": Subscription,
    "usr": User,
    "wal": Wallet,
    "wdr": Withdrawal,
}


@dataclass(frozen=True)
class Hit:
    """A record: what it is, its name, one line about it, and its page."""

    kind: str
    name: str
    about: str
    address: str


@dataclass(frozen=True)
class Found:
    """How the text was understood, and what it names."""

    understood: str
    hits: list[Hit]


Look = Callable[[str], list[Hit]]


def find(text: str) -> Found:
    """At most eight statements, each by an index."""
    text = text.strip()[:200]
    if not text:
        return Found("nothing", [])
    if match := _ID.fullmatch(text.lower()):
        return Found(f"an id of ours ({match[1]}_)", _by_id(text.lower(), match[1]))
    if match := _LEDGER.fullmatch(text):
        return Found(f"ledger {match[1]}", _in_ledger(int(match[1])))
    if _HASH.fullmatch(text):
        return Found("a transaction hash", _of_transaction(text.lower()))
    for letter, shape in _ADDRESS.items():
        if shape.fullmatch(text.upper()):
            return _ADDRESS_LOOKS[letter](text.upper())
    if "@" in text:
        rows = User.objects.filter(email__iexact=text)[:MOST]
        return Found("an e-mail address", [_user(row) for row in rows])
    return Found("an external id or order reference", _by_reference(text))


def _by_id(text: str, prefix: str) -> list[Hit]:
    if prefix == "opr":
        return _operations(pk=text)
    if prefix == "evt":
        events = Event.objects.filter(id=text)
        return [_hit("Event", row.type, row.subject, row.id) for row in events]
    model = BY_PREFIX.get(prefix)
    row = model._base_manager.filter(pk=text).first() if model else None
    if row is None:
        return []
    kind = shown.words(row._meta.verbose_name)
    if prefix == "acc":
        address = reverse("admin:ledger_account_change", args=[text])
        return [Hit(kind, str(row), "", address)]
    return [_hit(kind, text, "", text)]


def _in_ledger(number: int) -> list[Hit]:
    deposits = Deposit.objects.filter(ledger=number)[:MOST]
    return [
        *_operations(ledger=number),
        *(_hit("Deposit", row.pk, row.status, row.pk) for row in deposits),
    ]


def _of_transaction(text: str) -> list[Hit]:
    deposits = Deposit.objects.filter(tx_hash=text)[:MOST]
    return [
        *_operations(hash=text),
        *(_hit("Deposit", row.pk, row.status, row.pk) for row in deposits),
    ]


def _wallet_address(text: str) -> Found:
    wallet = Wallet.objects.filter(address=text).select_related("user").first()
    if wallet is not None:
        return Found("an account on the chain", [_wallet(wallet)])
    return Found("an account on the chain, none of our wallets", _outside(text))


def _muxed_address(text: str) -> Found:
    return Found("a part (M…) of an account on the chain", _outside(text))


def _contract(text: str) -> Found:
    rows = Escrow.objects.filter(contract_id=text)
    return Found(
        "a contract", [_hit("Order", row.order_id, "its escrow", row.order_id) for row in rows]
    )


_ADDRESS_LOOKS = {"G": _wallet_address, "C": _contract, "M": _muxed_address}


def _outside(text: str) -> list[Hit]:
    sent = Deposit.objects.filter(sender=text).order_by("-pk")[:MOST]
    paid = Withdrawal.objects.filter(destination=text).order_by("-pk")[:MOST]
    return [
        *(_hit("Deposit from it", row.pk, row.status, row.pk) for row in sent),
        *(_hit("Withdrawal to it", row.pk, row.status, row.pk) for row in paid),
    ]


def _by_reference(text: str) -> list[Hit]:
    # With the marketplaces named, the indexes that keep references unique can be used.
    ours = list(Marketplace.objects.values_list("pk", flat=True))
    users = User.objects.filter(marketplace__in=ours, external_id=text)[:MOST]
    orders = Order.objects.filter(marketplace__in=ours, external_ref=text)[:MOST]
    paid = Withdrawal.objects.filter(marketplace__in=ours, external_ref=text)[:MOST]
    again = Subscription.objects.filter(marketplace__in=ours, external_ref=text)[:MOST]
    return [
        *(_user(row) for row in users),
        *(_hit("Order", row.pk, row.title or shown.words(row.status), row.pk) for row in orders),
        *(_hit("Withdrawal", row.pk, shown.words(row.status), row.pk) for row in paid),
        *(_hit("Subscription", row.pk, shown.words(row.status), row.pk) for row in again),
    ]


def _operations(**wanted: object) -> list[Hit]:
    found = []
    for table in concrete_tables():
        for row in table._base_manager.filter(**wanted).defer("xdr")[:MOST]:
            about = f"{shown.words(row.kind)}, {shown.words(row.status).lower()}"
            found.append(_hit("Operation on the chain", row.pk, about, row.pk))
    return found


def _user(row: User) -> Hit:
    return _hit("User", row.external_id, row.name or row.email, row.pk)


def _wallet(row: Wallet) -> Hit:
    if row.user is not None:
        return _user(row.user)
    return _hit("Wallet", row.address, shown.words(row.kind), row.pk)


def _hit(kind: str, name: str, about: str, record: str) -> Hit:
    return Hit(kind, name, about, shown.address_of(record))
