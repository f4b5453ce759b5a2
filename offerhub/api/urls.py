"""The API's own routes, below /api/v1/. Handlers for what meets no route are in `problems`."""

from django.urls import path

from offerhub.api.budget_views import ProviderBudgetView
from offerhub.api.own_views import DocsView, MeView, OperationView, SchemaView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("operations/<str:operation_id>", OperationView.as_view(), name="operation"),
    path("provider-budget", ProviderBudgetView.as_view(), name="provider-budget"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(), name="docs"),
]
