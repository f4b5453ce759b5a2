"""Deposits that are nobody's yet."""

from django.http import HttpRequest, HttpResponse

from offerhub.deposits.models import Deposit
from offerhub.desk.pages import page, show
from offerhub.marketplaces.roles import Right

PER_PAGE = 50


@page("suspense/", "suspense", look=Right.VIEW)
def suspense(request: HttpRequest) -> HttpResponse:
    """Oldest first, by an index over the waiting rows alone. One statement."""
    rows = Deposit.objects.filter(status=Deposit.Status.SUSPENSE).order_by("pk")
    after = request.GET.get("after", "")[:32]
    found = list(rows.filter(pk__gt=after)[: PER_PAGE + 1])
    return show(
        request,
        "desk/suspense.html",
        title="Deposits in suspense",
        rows=found[:PER_PAGE],
        newer="?" if after else "",
        older=f"?after={found[PER_PAGE - 1].pk}" if len(found) > PER_PAGE else "",
    )
