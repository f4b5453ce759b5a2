"""Routes of campaigns, under /api/v1."""

from django.urls import path

from orders.campaigns import views

urlpatterns = [
    path("campaigns", views.Campaigns.as_view()),
    path("campaigns/<str:campaign_id>", views.OneCampaign.as_view()),
    path("campaigns/<str:campaign_id>/settle", views.SettleCampaign.as_view()),
    path("campaigns/<str:campaign_id>/cancel", views.CancelCampaign.as_view()),
    path("campaigns/<str:campaign_id>/retry", views.RetryCampaign.as_view()),
    path("campaigns/<str:campaign_id>/pledges", views.CampaignPledges.as_view()),
]
