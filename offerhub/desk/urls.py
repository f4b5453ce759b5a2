"""The desk's own pages: importing a module declares its pages."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern

from offerhub.desk import (
    adjusting,
    approvals,
    case,
    case_actions,
    evidence,
    operations,
    order,
    pages,
    queue,
    reconciling,
    search,
    suspense,
    user,
)

PAGES = (
    adjusting,
    approvals,
    queue,
    case,
    case_actions,
    evidence,
    search,
    order,
    user,
    operations,
    suspense,
    reconciling,
)


def desk_urls(site: AdminSite) -> list[URLPattern]:
    """All of them, for the site's own routes."""
    return pages.patterns(site)
