"""Routes of the sandbox for integrators, under /api/v1: on the sandbox network alone."""

from django.conf import settings
from django.urls import URLPattern, path

from offerhub.integrators import views

ROUTES = [
    path("sandbox/scenarios", views.Scenarios.as_view()),
    path("sandbox/deposits", views.PretendDeposits.as_view()),
    path("sandbox/faults", views.Faults.as_view()),
    path("sandbox/clock", views.Clock.as_view()),
]

urlpatterns: list[URLPattern] = ROUTES if settings.OFFERHUB_NETWORK == "sandbox" else []
