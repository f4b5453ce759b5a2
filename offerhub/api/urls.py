"""The API's own routes, below /api/v1/. Handlers for what meets no route are in `problems`."""

from django.urls import path

from offerhub.api.own_views import MeView, OperationView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("operations/<str:operation_id>", OperationView.as_view(), name="operation"),
]
