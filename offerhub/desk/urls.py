"""The desk's own pages: importing a module declares its pages."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern

from offerhub.desk import (
    account,
    adjusting,
    approvals,
    batch_upload,
    batches,
    campaigns,
    case,
    case_actions,
    claimable,
    closing,
    daily,
    entry,
    eventlog,
    evidence,
    operations,
    order,
    pages,
    payout_rules,
    queue,
    reconciling,
    report_new,
    reports,
    schedules,
    search,
    subscription,
    suspense,
    trial,
    user,
    webhook_changes,
    webhooks,
)

PAGES = (
    adjusting,
    approvals,
    batches,
    batch_upload,
    payout_rules,
    queue,
    case,
    case_actions,
    evidence,
    search,
    order,
    user,
    operations,
    subscription,
    suspense,
    claimable,
    campaigns,
    webhooks,
    webhook_changes,
    eventlog,
    trial,
    account,
    entry,
    daily,
    closing,
    report_new,
    reports,
    schedules,
    reconciling,
)


def desk_urls(site: AdminSite) -> list[URLPattern]:
    """All of them, for the site's own routes."""
    return pages.patterns(site)
