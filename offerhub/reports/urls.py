"""Routes of reports, under /api/v1."""

from django.urls import path

from offerhub.reports import views

urlpatterns = [
    path("reports/types", views.ReportTypes.as_view()),
    path("reports/runs", views.Runs.as_view()),
    path("reports/runs/<str:run_id>", views.OneRun.as_view()),
    path("reports/runs/<str:run_id>/file", views.RunFile.as_view()),
    path("reports/schedules", views.Schedules.as_view()),
    path("reports/schedules/<str:schedule_id>", views.OneSchedule.as_view()),
]
