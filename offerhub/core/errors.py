"""Refusals: every way in which the product says no, as named classes with a code and a status.

One list, one problem document (RFC 9457, made in `offerhub.api.problems`). A refusal tells what
happened and what to do; it never carries a secret. Each class is one `code`; scripts switch on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One complaint about one field of a body, path in dots: `milestones.1.amount`."""

    field: str
    code: str
    message: str


class Refusal(Exception):
    """Base of all refusals. `detail` is for the reader, `extra` adds members to the document."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail or "; ".join(f"{e.field} {e.message}" for e in errors) or self.title
        self.errors = list(errors)
        self.retry_after = retry_after
        self.extra = extra
        super().__init__(self.detail)


class Malformed(Refusal):
    """The body is not what the route takes at all (not JSON, not an object)."""

    status, code, title = 400, "malformed", "The request could not be read"


class InvalidRequest(Refusal):
    """Fields are missing, unknown or out of form; `errors` names each."""

    status, code, title = 400, "invalid_request", "A field is missing or not valid"


class Unauthenticated(Refusal):
    status, code, title = 401, "unauthenticated", "A valid API key is needed"


class Forbidden(Refusal):
    status, code, title = 403, "forbidden", "This API key may not do that"


class NotFound(Refusal):
    """Absent, or another tenant's: the answer is the same on purpose."""

    status, code, title = 404, "not_found", "There is no such thing here"


class Conflict(Refusal):
    status, code, title = 409, "conflict", "The request does not fit the present state"


class WrongState(Conflict):
    code, title = "wrong_state", "The object is not in a state that allows this"


class OperationInFlight(Conflict):
    code, title = "operation_in_flight", "Another operation on this order is still on its way"


class DuplicateReference(Conflict):
    code, title = "duplicate_reference", "This reference is already used"


class RequestInProgress(Conflict):
    code, title = "request_in_progress", "The first request with this key is still running"


class Unprocessable(Refusal):
    """Well-formed, but it cannot be done."""

    status, code, title = 422, "unprocessable", "The request was understood and refused"


class InsufficientFunds(Unprocessable):
    """`available` and `requested` say what was there, as amounts."""

    code, title = "insufficient_funds", "The balance does not cover this"


class IdempotencyKeyReused(Unprocessable):
    code, title = "idempotency_key_reused", "This idempotency key was used for another request"


class InvalidReference(Unprocessable):
    """An id inside the body names nothing of this marketplace; `errors` names the field."""

    code, title = "invalid_reference", "The request names something that does not exist"


class MilestoneMismatch(Unprocessable):
    code, title = "milestones_do_not_add_up", "The milestones do not add up to the order's amount"


class DestinationRefused(Unprocessable):
    """The address cannot receive the payment; the detail says why."""

    code, title = "destination_cannot_receive", "The destination cannot receive this payment"


class OperationFailed(Unprocessable):
    """The chain or the escrow provider refused what was asked, for good; nothing moved.

    `operationId` and `reason` (the chain's or provider's word) say which and why.
    """

    code, title = "operation_failed", "The operation was refused and nothing moved"


class WalletNotActive(Unprocessable):
    code, title = "wallet_not_active", "The wallet is not active on the network yet"


class EnvelopeExpired(Conflict):
    """The envelope can not apply any more, or none is out; ask for another one."""

    code, title = "envelope_expired", "No envelope is out that could still be signed"


class SignatureRefused(Unprocessable):
    """What was handed in is not the envelope that was handed out with the party's one signature;
    `reason` is unreadable, unsigned, differs, signatures or signer."""

    code, title = "signature_refused", "The signed envelope is not the one that was asked for"


class PayloadTooLarge(Refusal):
    status, code, title = 413, "payload_too_large", "The body is over 1 MB"


class UnsupportedMediaType(Refusal):
    status, code, title = 415, "unsupported_media_type", "The body must be application/json"


class RateLimited(Refusal):
    status, code, title = 429, "rate_limited", "Too many requests with this key"


class Unavailable(Refusal):
    status, code, title = 503, "unavailable", "The service cannot answer right now"
