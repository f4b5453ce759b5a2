"""Every route of the product, composed here."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

API = [
    path("", include("offerhub.api.urls")),
    path("", include("offerhub.users.urls")),
    path("", include("ledger.urls")),
    path("", include("offerhub.deposits.urls")),
    path("", include("orders.urls")),
    path("", include("disputes.urls")),
    path("", include("payouts.urls")),
    path("", include("offerhub.reports.urls")),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include(API)),
    path("evidence/", include("disputes.evidence.urls")),
]

handler400 = "offerhub.api.problems.handler400"
handler403 = "offerhub.api.problems.handler403"
handler404 = "offerhub.api.problems.handler404"
handler500 = "offerhub.api.problems.handler500"
