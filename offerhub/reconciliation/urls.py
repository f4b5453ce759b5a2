"""Routes of reconciliation and proofs, under /api/v1."""

from django.urls import path

from offerhub.reconciliation import views

urlpatterns = [
    path("reconciliation/runs", views.Runs.as_view()),
    path("reconciliation/runs/<str:run_id>", views.OneRun.as_view()),
    path("reconciliation/differences", views.Differences.as_view()),
    path("reconciliation/differences/<str:difference_id>", views.OneDifference.as_view()),
    path("reconciliation/heads", views.Heads.as_view()),
    path("proofs", views.Proofs.as_view()),
    path("proofs/key", views.ProofKey.as_view()),
    path("proofs/<str:proof_id>", views.OneProof.as_view()),
    path("users/<str:user_id>/proof", views.UserProof.as_view()),
]
