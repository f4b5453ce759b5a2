"""A tiny API for the kernel's tests: real tables, no part of the product."""

from django.contrib import admin
from django.urls import include, path

from tests.api.toys import CarefulToys, Pictures, SlowToy, Toy, Toys

handler400 = "offerhub.api.problems.handler400"
handler403 = "offerhub.api.problems.handler403"
handler404 = "offerhub.api.problems.handler404"
handler500 = "offerhub.api.problems.handler500"

urlpatterns = [
    path("admin/", admin.site.urls),  # Django's own pages for errors lead there
    path("api/v1/", include("offerhub.api.urls")),
    path("api/v1/toys", Toys.as_view()),
    path("api/v1/pictures", Pictures.as_view()),
    path("api/v1/careful-toys", CarefulToys.as_view()),
    path("api/v1/slow-toys", SlowToy.as_view()),
    path("api/v1/toys/<str:toy_id>", Toy.as_view()),
]
