"""Client of the Offerhub API.

    from offerhub_sdk import OfferHubClient

    with OfferHubClient(api_key="ohk_…", base_url="https://pay.example.com") as client:
        order = client.orders.create({"buyerId": "a", "sellerId": "b", "amount": "100.00"})
        client.orders.reserve(order["id"])

`AsyncOfferHubClient` is the same with `await`. Amounts go in as str, int or Decimal, never as
float, and come out as decimal text.
"""

from offerhub_sdk._async.client import AsyncOfferHubClient
from offerhub_sdk._async.http import AsyncList, Options
from offerhub_sdk._sync.client import OfferHubClient
from offerhub_sdk._sync.http import List
from offerhub_sdk.errors import (
    ApiError,
    NoAnswer,
    OfferHubError,
    StillPending,
    WebhookVerificationError,
)
from offerhub_sdk.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncList",
    "AsyncOfferHubClient",
    "List",
    "NoAnswer",
    "OfferHubClient",
    "OfferHubError",
    "Options",
    "StillPending",
    "WebhookVerificationError",
    "verify_webhook",
]
