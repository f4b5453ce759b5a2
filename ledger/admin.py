"""The books in the back-office: to look at, never to change."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.models import Account, Entry, Period, Posting, Seal
from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows
from offerhub.core.money import format_amount


def books_link(marketplace_id: str, source: str) -> SafeString:
    """A link to the entries whose source begins so."""
    query = urlencode({"marketplace": marketplace_id, "source__startswith": source})
    address = f"{reverse('admin:ledger_entry_changelist')}?{query}"
    return format_html('<a href="{}">Its entries in the books</a>', address)


class PostingRows(ReadOnlyRows):
    model = Posting
    columns = ("account_link", "debit", "credit", "account_version")
    verbose_name_plural = "postings"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        return super().get_queryset(request).select_related("account").order_by("pk")

    @admin.display(description="account")
    def account_link(self, posting: Posting) -> SafeString:
        address = reverse("admin:ledger_account_change", args=[posting.account_id])
        return format_html('<a href="{}">{}</a>', address, posting.account)

    @admin.display(description="debit")
    def debit(self, posting: Posting) -> str:
        return _side(posting.amount, posting.asset) if posting.amount > 0 else ""

    @admin.display(description="credit")
    def credit(self, posting: Posting) -> str:
        return _side(-posting.amount, posting.asset) if posting.amount < 0 else ""


def _side(amount: int, asset: str) -> SafeString:
    code = asset.partition(":")[0]
    return format_html('<span class="oh-amount">{} {}</span>', format_amount(amount), code)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("kind", "owner", "balance_now", "user", "mode", "open", "marketplace")
    list_filter = ("kind", "mode", "open")
    search_fields = ("=id", "=owner", "=user__external_id")
    list_select_related = ("user", "marketplace")
    hidden = frozenset({"side", "floor"})
    also = ("balance_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return Account.objects.with_amount()

    @admin.display(description="balance")
    def balance_now(self, account: Any) -> SafeString:
        """On the account's normal side."""
        return _side(account.amount or 0, account.asset)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "source", "effective_at", "actor", "marketplace")
    list_filter = ("kind",)
    search_fields = ("=id", "=source", "=operation", "=chain_hash")
    list_select_related = ("marketplace",)
    ordering = ("-number",)
    inlines = (PostingRows,)
    also = ("number",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """What the links from other pages ask for."""
        asked = {"marketplace", "source__startswith"}
        return lookup in asked or super().lookup_allowed(lookup, value, request)


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    list_display = ("day", "marketplace", "closed_at", "closed_by")
    list_select_related = ("marketplace",)


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ("first_number", "last_number", "entries", "marketplace", "sealed_at")
    list_select_related = ("marketplace",)
