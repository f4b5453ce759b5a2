"""What this package raises."""

from typing import Any


class OfferHubError(Exception):
    """Base of everything that this package raises."""


class ApiError(OfferHubError):
    """The server understood the request and said no (RFC 9457). Programs switch on `code`.

    `errors` are complaints about fields, `problem` is the whole document, with members such as
    `available` and `requested`.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail") or problem.get("title") or f"status {status}")
        self.request_id = str(problem.get("requestId", ""))
        self.errors: list[dict[str, str]] = list(problem.get("errors") or [])
        super().__init__(self.detail)


class NoAnswer(OfferHubError):
    """No answer after every try that was safe. What was asked for may have happened: ask again with
    `idempotency_key` and it happens once."""

    def __init__(self, text: str, idempotency_key: str | None) -> None:
        self.idempotency_key = idempotency_key
        super().__init__(text)


class StillPending(OfferHubError):
    """The change was accepted and its chain operation has not ended within `pending_timeout`. It
    goes on by itself; `resource` is the state as last seen."""

    def __init__(self, resource: Any, idempotency_key: str, seconds: float) -> None:
        self.resource = resource
        self.idempotency_key = idempotency_key
        super().__init__(f"still on its way after {seconds:g} s; it goes on by itself")


class WebhookVerificationError(OfferHubError):
    """A webhook that nobody should believe."""
