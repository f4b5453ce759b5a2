"""Routes of withdrawals, under /api/v1."""

from django.urls import path

from payouts import views

urlpatterns = [
    path("withdrawals", views.Withdrawals.as_view()),
    path("withdrawals/<str:withdrawal_id>", views.OneWithdrawal.as_view()),
    path("withdrawals/<str:withdrawal_id>/cancel", views.CancelWithdrawal.as_view()),
]
