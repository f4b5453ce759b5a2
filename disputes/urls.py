"""Routes of disputes, under /api/v1."""

from django.urls import path

from disputes import views
from disputes.evidence import views as evidence_views

urlpatterns = [
    path("disputes", views.Disputes.as_view()),
    path("disputes/<str:dispute_id>", views.OneDispute.as_view()),
    path("disputes/<str:dispute_id>/statements", views.Statements.as_view()),
    path("disputes/<str:dispute_id>/evidence", evidence_views.EvidenceFiles.as_view()),
    path("disputes/<str:dispute_id>/messages", views.Messages.as_view()),
    path("disputes/<str:dispute_id>/withdraw", views.WithdrawDispute.as_view()),
    path("disputes/<str:dispute_id>/resolve", views.ResolveDispute.as_view()),
]
