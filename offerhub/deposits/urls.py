"""Routes of deposits, under /api/v1."""

from django.urls import path

from offerhub.deposits import views

urlpatterns = [
    path("deposits", views.Deposits.as_view()),
    path("deposits/<str:deposit_id>", views.OneDeposit.as_view()),
]
