"""The ways in which the API itself says no, before any part of the product was asked.

A key that is refused is told why: whoever holds the key already knows the secret, and an operator
at night needs to know whether a key is mistyped, revoked, expired, or of the other network.
"""

from offerhub.core.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    Malformed,
    Refusal,
    Unauthenticated,
)


class KeyMissing(Unauthenticated):
    code, title = "api_key_missing", "Send an API key: Authorization: Bearer ohk_…"


class KeyMalformed(Unauthenticated):
    code, title = "api_key_malformed", "This is not the form of an API key"


class KeyUnknown(Unauthenticated):
    code, title = "api_key_unknown", "There is no such API key"


class KeyRevoked(Unauthenticated):
    code, title = "api_key_revoked", "This API key was revoked"


class KeyExpired(Unauthenticated):
    code, title = "api_key_expired", "This API key has expired"


class KeyOfOtherNetwork(Unauthenticated):
    """A test key on mainnet, or a live key on the sandbox or testnet."""

    code, title = "api_key_of_other_network", "This API key belongs to another network"


KEY_REFUSALS: list[type[Refusal]] = [
    KeyMissing,
    KeyMalformed,
    KeyUnknown,
    KeyRevoked,
    KeyExpired,
    KeyOfOtherNetwork,
]


class ScopeMissing(Forbidden):
    """`requiredScope` says which one."""

    code, title = "scope_missing", "This API key does not have the scope for that"


class InvalidCursor(InvalidRequest):
    code, title = "invalid_cursor", "The cursor is not one that a list answered"


class InvalidIdempotencyKey(InvalidRequest):
    code, title = "invalid_idempotency_key", "The idempotency key is not valid"


class MethodNotAllowed(Refusal):
    status, code, title = 405, "method_not_allowed", "This route does not take that method"


class LengthRequired(Refusal):
    status, code, title = 411, "length_required", "Send the body with its Content-Length"


class NotReadable(Malformed):
    """Not JSON; the detail says where."""

    code, title = "not_json", "The body is not valid JSON"


class Busy(Conflict):
    """Another change of the same object holds it for longer than a request waits."""

    code, title = "busy", "The object is being changed by another request"


class Internal(Refusal):
    status, code, title = 500, "internal", "Something went wrong on our side"
