"""Routes of subscriptions, under /api/v1."""

from django.urls import path

from offerhub.subscriptions import views

ONE = "subscriptions/<str:subscription_id>"
urlpatterns = [
    path("subscriptions", views.Subscriptions.as_view()),
    path(ONE, views.OneSubscription.as_view()),
    path(f"{ONE}/cancel", views.CancelSubscription.as_view()),
    path(f"{ONE}/cancellation", views.SubscriptionCancellation.as_view()),
    path(f"{ONE}/cycles", views.SubscriptionCycles.as_view()),
    path(f"{ONE}/pause", views.PauseSubscription.as_view()),
    path(f"{ONE}/resume", views.ResumeSubscription.as_view()),
]
