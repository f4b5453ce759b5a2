"""Reads of the books as QuerySet methods. Nothing here locks."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import BigIntegerField, Case, F, Func, Subquery, Value, When

from ledger.chart import AccountKind, Mode

if TYPE_CHECKING:
    from ledger.models import Account, Entry, Posting  # noqa: F401  (named in the annotations)


class AccountQuerySet(models.QuerySet["Account"]):
    """Accounts, and what they hold."""

    def with_amount(self) -> Self:
        """Adds `amount`: stroops on the normal side; rollups are their checkpoint and what came."""
        rollup: Any = Func(
            F("pk"), function="ledger_rollup_balance", output_field=BigIntegerField()
        )
        return self.annotate(
            amount=Case(When(mode=Mode.LIVE, then=F("balance__amount")), default=rollup)
        )


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries with what is shown of them."""

    def of_order(self, marketplace_id: str, order_id: str) -> Self:
        """All that was booked for an order, oldest first."""
        return self.filter(
            marketplace=marketplace_id, source__startswith=f"order:{order_id}:"
        ).order_by("number")

    def with_lines(self) -> Self:
        """With the lines and their accounts: two more queries for any number of entries."""
        return self.prefetch_related("postings__account")


class PostingQuerySet(models.QuerySet["Posting"]):
    """Lines of entries."""

    def statement(
        self,
        user_id: str,
        asset: str,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Self:
        """A user's available money line by line, newest first, with `balance_after` each.

        From `start` on and before `end`, by the time of booking. The cursor is `account_version`;
        a page costs the same wherever it is, since nothing is summed and dates become versions.
        """
        from ledger.models import Account

        account: Any = Subquery(
            Account.objects.filter(
                user=user_id, kind=AccountKind.AVAILABLE, asset=asset, open=True
            ).values("pk")[:1]
        )
        return self._of_live(account, start, end).select_related("entry")

    def of_account(
        self,
        account_id: str,
        mode: str,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Self:
        """The lines of one account, newest first, by the time of booking as in `statement`. Page on
        with `account_version__lt` of a live account and `id__lt` of a rollup."""
        if mode == Mode.LIVE:
            return self._of_live(Value(account_id), start, end)
        lines = self.of_rollup(account_id)
        if start is not None:
            lines = lines.filter(entry__recorded_at__gte=start)
        return lines if end is None else lines.filter(entry__recorded_at__lt=end)

    def _of_live(self, account: Any, start: datetime | None, end: datetime | None) -> Self:
        lines = self.filter(account=account, account_version__isnull=False)
        if start is not None:
            lines = lines.filter(account_version__gt=_version_before(account, start))
        if end is not None:
            lines = lines.filter(account_version__lte=_version_before(account, end))
        return lines.order_by("-account_version")

    def of_rollup(self, account_id: str) -> Self:
        """A rollup account's lines, newest first; page on with `id__lt`."""
        return self.filter(account=account_id, account_version__isnull=True).order_by("-id")


def _version_before(account: Any, at: datetime) -> Any:
    """The account's version just before an instant."""
    return Func(
        account,
        Value(at - timedelta(microseconds=1), models.DateTimeField()),
        function="ledger_version_at",
        output_field=BigIntegerField(),
    )
