"""Routes of balances and statements, under /api/v1."""

from django.urls import path

from ledger import views

urlpatterns = [
    path("users/<str:user_id>/balance", views.UserBalanceView.as_view()),
    path("users/<str:user_id>/statement", views.UserStatementView.as_view()),
]
