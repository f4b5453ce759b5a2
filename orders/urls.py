"""Routes of orders, escrows, resolutions and campaigns, under /api/v1."""

from django.urls import include, path

from orders import resolution_views, signing_views, views, window_views

urlpatterns = [
    path("orders", views.Orders.as_view()),
    path("orders/<str:order_id>", views.OneOrder.as_view()),
    path("orders/<str:order_id>/reserve", views.ReserveOrder.as_view()),
    path("orders/<str:order_id>/cancel", views.CancelOrder.as_view()),
    path("orders/<str:order_id>/ship", window_views.ShipOrder.as_view()),
    path("orders/<str:order_id>/extend", window_views.ExtendOrder.as_view()),
    path("orders/<str:order_id>/milestones", views.OrderMilestones.as_view()),
    path("orders/<str:order_id>/timeline", views.OrderTimeline.as_view()),
    path("operations/<str:operation_id>/signature", signing_views.OperationSignature.as_view()),
    path("operations/<str:operation_id>/envelope", signing_views.OperationEnvelope.as_view()),
    path("operations/<str:operation_id>/cancel", signing_views.CancelOperation.as_view()),
    path("escrow", views.Escrows.as_view()),
    path("escrow/<str:escrow_id>", views.OneEscrow.as_view()),
    path("escrow/<str:escrow_id>/fund", views.FundEscrow.as_view()),
    path("resolution/release", resolution_views.Release.as_view()),
    path("resolution/refund", resolution_views.Refund.as_view()),
    path("", include("orders.campaigns.urls")),
]
