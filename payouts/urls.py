"""Routes of withdrawals, batches and address books, under /api/v1."""

from django.urls import path

from payouts import address_views, batch_views, views

urlpatterns = [
    path("withdrawals", views.Withdrawals.as_view()),
    path("withdrawals/batch", batch_views.NewBatch.as_view()),
    path("withdrawals/batches", batch_views.Batches.as_view()),
    path("withdrawals/batches/<str:batch_id>", batch_views.OneBatch.as_view()),
    path("withdrawals/<str:withdrawal_id>", views.OneWithdrawal.as_view()),
    path("withdrawals/<str:withdrawal_id>/cancel", views.CancelWithdrawal.as_view()),
    path("users/<str:user_id>/destinations", address_views.Destinations.as_view()),
    path(
        "users/<str:user_id>/destinations/<str:destination_id>",
        address_views.OneDestination.as_view(),
    ),
]
