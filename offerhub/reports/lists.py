"""The lists of the desk as filters: "export this view" takes the rows that the list shows.

The list is asked anew when the report runs, by the code that draws it, as the person who looked at
it; so every filter and search of the screen holds, and none can be forgotten here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from disputes.models import Dispute
from disputes.queues import TABS
from offerhub.marketplaces.models import StaffUser
from offerhub.reports.periods import complaint


@dataclass(frozen=True)
class Narrowed:
    """A query of keys, with its named values; "" narrows nothing."""

    sql: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def narrowed(model: str, query: str, viewer: str) -> Narrowed:
    """The keys of a list's rows. Raises InvalidRequest for a list or filters that are none."""
    if not model:
        return Narrowed()
    person = StaffUser.objects.filter(public_id=viewer, is_active=True).first()
    if person is None:
        raise complaint("view", "no_viewer", "was looked at by somebody who is not active any more")
    rows = _rows(model, query, person).order_by().values("pk")
    sql, values = rows.query.sql_with_params()
    names = (f"view_{number}" for number in count())
    named = dict(zip(names, values, strict=False))
    keys = iter(named)
    return Narrowed(re.sub(r"%s", lambda _: f"%({next(keys)})s", sql), named)


def _rows(model: str, query: str, person: StaffUser) -> "QuerySet[Any]":
    asked = QueryDict(query, mutable=True)
    tab = asked.pop("tab", [""])[0] if model == "disputes.dispute" else ""
    if tab:
        found = next((one for one in TABS if one.key == tab), TABS[0])
        return found.rows(Dispute.objects.all(), person)
    for name in (PAGE_VAR, ORDER_VAR):
        asked.pop(name, None)
    request = HttpRequest()
    request.method, request.user = "GET", person
    request.GET = asked  # type: ignore[assignment]
    page = admin.site._registry[apps.get_model(model)]
    try:
        return page.get_changelist_instance(request).get_queryset(request)
    except (IncorrectLookupParameters, SuspiciousOperation):
        raise complaint("view", "invalid_list", "has a filter that there is none of") from None
