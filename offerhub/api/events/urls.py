"""Routes of events and webhooks, under /api/v1."""

from django.urls import path

from offerhub.api.events import views, webhooks

ENDPOINT = "webhook-endpoints/<str:endpoint_id>"
DELIVERY = f"{ENDPOINT}/deliveries/<str:delivery_id>"

urlpatterns = [
    path("events", views.Events.as_view()),
    path("events/stream", views.EventStream.as_view()),
    path("events/<str:event_id>", views.OneEvent.as_view()),
    path("webhook-endpoints", webhooks.WebhookEndpoints.as_view()),
    path(ENDPOINT, webhooks.OneWebhookEndpoint.as_view()),
    path(f"{ENDPOINT}/rotate-secret", webhooks.RotateWebhookSecret.as_view()),
    path(f"{ENDPOINT}/test", webhooks.TestWebhookEndpoint.as_view()),
    path(f"{ENDPOINT}/replay", webhooks.ReplayWebhooks.as_view()),
    path(f"{ENDPOINT}/deliveries", webhooks.WebhookDeliveries.as_view()),
    path(DELIVERY, webhooks.OneWebhookDelivery.as_view()),
    path(f"{DELIVERY}/redeliver", webhooks.RedeliverWebhook.as_view()),
]
