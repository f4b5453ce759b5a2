"""What every page of the desk must know, error pages too, whichever view drew it."""

from django import template
from django.conf import settings

register = template.Library()


@register.inclusion_tag("offerhub/network_bar.html")
def network_bar() -> dict[str, object]:
    """Says that this is play money, wherever it is."""
    return {"network": settings.OFFERHUB_NETWORK, "code_optional": settings.STAFF_CODE_OPTIONAL}
