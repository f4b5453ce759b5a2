"""Routes of users, under /api/v1."""

from django.urls import path

from offerhub.users import views

urlpatterns = [
    path("users", views.Users.as_view()),
    path("users/<str:user_id>", views.OneUser.as_view()),
    path("users/<str:user_id>/wallet", views.UserWallet.as_view()),
]
