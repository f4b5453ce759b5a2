"""The desk's own pages: importing a module declares its pages."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern

from offerhub.desk import (
    account,
    adjusting,
    approvals,
    case,
    case_actions,
    closing,
    daily,
    entry,
    evidence,
    operations,
    order,
    pages,
    queue,
    report_new,
    reports,
    schedules,
    search,
    suspense,
    trial,
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
    trial,
    account,
    entry,
    daily,
    closing,
    report_new,
    reports,
    schedules,
)


def desk_urls(site: AdminSite) -> list[URLPattern]:
    """All of them, for the site's own routes."""
    return pages.patterns(site)
