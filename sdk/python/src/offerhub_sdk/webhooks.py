"""Checking webhooks (Standard Webhooks)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from offerhub_sdk.errors import WebhookVerificationError

TOLERANCE = 300  # seconds


def verify_webhook(
    body: str | bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None
) -> Any:
    """The event of a webhook that is genuine. Raises WebhookVerificationError.

    `body` is raw, as it came; `secret` the endpoint's `whsec_…`. During a rotation the request
    carries two signatures, and one that fits is enough. The same event may come more than once:
    remember its `id`.
    """
    raw = body.encode() if isinstance(body, str) else body
    sent = {name.lower(): value for name, value in headers.items()}
    try:
        identifier, timestamp = sent["webhook-id"], sent["webhook-timestamp"]
        signatures = sent["webhook-signature"].split()
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing.args[0]} is missing") from None
    moment = time.time() if now is None else now
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise WebhookVerificationError("the timestamp is no number of seconds")
    if abs(moment - int(timestamp)) > TOLERANCE:
        raise WebhookVerificationError("the timestamp is more than five minutes away")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{identifier}.{timestamp}.".encode() + raw
    expected = hmac.digest(key, content, hashlib.sha256)
    if not any(_fits(each, expected) for each in signatures):
        raise WebhookVerificationError("no signature fits")
    return json.loads(raw)


def _fits(signature: str, expected: bytes) -> bool:
    version, _, value = signature.partition(",")
    if version != "v1":
        return False
    try:
        return hmac.compare_digest(base64.b64decode(value, validate=True), expected)
    except (binascii.Error, ValueError):
        return False
