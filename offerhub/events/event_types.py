"""The events of marketplaces and their keys (they lie below this app), and of webhook endpoints."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    FREE,
    TIME,
    WHOLE,
    identifier,
    listed,
    nullable,
    one_of,
    optional,
    text,
)
from offerhub.marketplaces.models import RefundFees

NAME = text("Handmade")
PERCENT = WHOLE
POLICY = nullable(FREE)
SCOPES = listed(text("orders:read"))

declare("marketplace.created", "A marketplace exists", "mkt", name=NAME, platformFeePercent=PERCENT)
declare(
    "marketplace.updated",
    "The settings that new orders are made with have changed",
    "mkt",
    name=NAME,
    platformFeePercent=PERCENT,
    platformFeePercentBefore=PERCENT,
    releasePolicy=POLICY,
    releasePolicyBefore=POLICY,
    maxPlatformFeePercent=nullable(PERCENT),
    maxPlatformFeePercentBefore=nullable(PERCENT),
    refundFeesBorneBy=one_of(RefundFees),
    refundFeesBorneByBefore=one_of(RefundFees),
)

declare("api_key.created", "A key exists", "key", name=NAME, prefix=text("4f9k2c1a"), scopes=SCOPES)
declare("api_key.revoked", "A key was ended", "key", name=NAME)
declare(
    "api_key.rotated",
    "A key has a successor, and works until the time in `expiresAt`",
    "key",
    name=NAME,
    newKeyId=identifier("key"),
    expiresAt=TIME,
)

URL = text("https://example.com/hooks")
TYPES = listed(text("order.*"))
declare("webhook_endpoint.created", "An endpoint exists", "whk", url=URL, types=TYPES)
declare(
    "webhook_endpoint.updated",
    "Something of an endpoint changed; `changed` names it",
    "whk",
    changed=listed(text("url")),
    url=URL,
    types=TYPES,
)
declare("webhook_endpoint.enabled", "An endpoint is used again", "whk", url=URL)
declare(
    "webhook_endpoint.disabled",
    "An endpoint is not used any more: it was switched off, it answered 410, or it failed for days",
    "whk",
    url=URL,
    reason=one_of(("REQUESTED", "GONE", "FAILING")),
    failingSince=optional(nullable(TIME)),
)
declare("webhook_endpoint.deleted", "An endpoint is gone", "whk", url=URL)
declare(
    "webhook_endpoint.secret_rotated",
    "An endpoint has a new secret; the old one signs as well until the time in `overlapUntil`",
    "whk",
    overlapUntil=TIME,
)
declare("webhook_endpoint.tested", "Somebody asked for a test delivery", "whk", url=URL)
