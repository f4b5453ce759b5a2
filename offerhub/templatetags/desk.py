"""What every page of the desk must know, error pages too, and how values are written on it."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from offerhub.core import shown
from offerhub.core.rights import may
from offerhub.reports.registry import type_of_list

register = template.Library()


@register.inclusion_tag("offerhub/network_bar.html")
def network_bar() -> dict[str, object]:
    """Says that this is play money, wherever it is."""
    return {"network": settings.OFFERHUB_NETWORK, "code_optional": settings.STAFF_CODE_OPTIONAL}


@register.filter
def amount(stroops: int | None, unit: str = "USDC") -> SafeString | str:
    """`{{ order.amount|amount }}`: 1,200.00 USDC."""
    return "-" if stroops is None else shown.amount(stroops, unit)


@register.filter
def state(value: object, colour: str = "") -> SafeString:
    """`{{ order.status|state }}`: a badge; its tone may be given (good bad over under-way)."""
    return shown.state(value, colour=colour)


@register.filter
def words(value: object) -> str:
    """`{{ "IN_PROGRESS"|words }}`: In progress."""
    return shown.words(value)


@register.filter
def prose(text: str) -> SafeString:
    """A sentence of the catalogue: what stands between backticks is code."""
    parts = text.split("`")
    kinds = ("{}", "<code>{}</code>")
    return format_html_join(
        "", "{}", ((format_html(kinds[n % 2], p),) for n, p in enumerate(parts))
    )


@register.filter
def when(at: datetime | None) -> SafeString | str:
    """`{{ order.created_at|when }}`: 3 h ago, the exact time in its title."""
    return "-" if at is None else shown.when(at)


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """`{{ entry.recorded_at|moment }}`: the exact time in UTC."""
    return "-" if at is None else shown.moment(at)


@register.filter
def ref(value: Any, text: str = "") -> SafeString:
    """`{{ order.id|ref }}`: a link to the record of an id, address or hash, and a copy button."""
    return shown.reference(str(value or ""), text)


@register.filter
def link(value: Any, text: str = "") -> SafeString:
    """The same without the button, for rows of a table."""
    return shown.reference(str(value or ""), text, copies=False)


@register.filter
def short(value: str) -> str:
    """Both ends of a long id."""
    return shown.short(value)


@register.filter
def negated(stroops: int) -> int:
    """A credit as it grows a balance that is owed."""
    return -stroops


@register.filter
def source(text: str) -> SafeString | str:
    """The record behind the source of an entry: `order:ord_…:fund` links to the order."""
    named = next((part for part in text.split(":") if "_" in part and len(part) > 20), "")
    return shown.reference(named, copies=False) if named else text.partition(":")[0]


@register.inclusion_tag("desk/parts/export.html", takes_context=True)
def export_view(context: dict[str, Any], cl: Any) -> dict[str, str]:
    """A button that exports a list with the filters on screen, for whoever may export."""
    request, model = context["request"], cl.opts.label_lower
    kind = type_of_list(model)
    if kind is None or not may(request, "export_reports"):
        return {"export": ""}
    query = {"type": kind.name, "view": model, "query": request.GET.urlencode()}
    return {"export": f"{reverse('admin:report_new')}?{urlencode(query)}"}


@register.filter
def asset(name: str) -> str:
    """A code; with the beginning of its issuer where it is not ours."""
    code, _, issuer = name.partition(":")
    return f"{code} of {shown.short(issuer)}" if issuer else code


@register.filter
def counted(number: int | None) -> str:
    """A count with its thousands apart."""
    return "" if number is None else f"{number:,}"


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """The value of a key that is itself a value."""
    return mapping[key]
