"""The door for signed links, outside the API: who holds one needs no key."""

from django.urls import path

from disputes.evidence import views

urlpatterns = [path("<str:token>", views.by_link, name="evidence_link")]
