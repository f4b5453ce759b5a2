"""Horizon's error documents."""

from __future__ import annotations

from typing import Any

from offerhub.sandbox.results import TxResult
from offerhub.sandbox.web import Refused, Response, reply

_PROBLEMS = "https://stellar.org/horizon-errors/"


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> Response:
    """An error document; ``extras`` is left out when there are none."""
    body = {"type": _PROBLEMS + kind, "title": title, "status": status, "detail": detail, **more}
    response = reply(body, status)
    response.content_type = "application/problem+json; charset=utf-8"
    return response


def not_found() -> Refused:
    """The 404 document."""
    return Refused(
        problem(
            404,
            "not_found",
            "Resource Missing",
            "The resource at the url requested was not found. This usually occurs for one of two"
            " reasons: the url requested is not valid, or no data in our database could be found"
            " with the parameters provided.",
        )
    )


def bad_request(field: str, reason: str) -> Refused:
    """The 400 document for a parameter."""
    extras = {"invalid_field": field, "reason": reason}
    return Refused(
        problem(
            400, "bad_request", "Bad Request", "The request you sent was invalid.", extras=extras
        )
    )


def timeout(digest: str = "") -> Response:
    """The 504 document: the transaction may or may not have been applied."""
    extras = {"extras": {"hash": digest}} if digest else {}
    return problem(
        504,
        "timeout",
        "Timeout",
        "Your request timed out before completing. Please try your request again. If you are"
        " submitting a transaction make sure you are sending exactly the same transaction.",
        **extras,
    )


def refused(text: str, result: TxResult) -> Response:
    """The 400 document of a transaction that failed or was refused."""
    extras = {
        "envelope_xdr": text,
        "result_codes": result.codes(),
        "result_xdr": result.to_xdr(),
    }
    return failed(extras)


def failed(extras: dict[str, Any]) -> Response:
    """The 400 document of a transaction, around its result codes and XDR."""
    return problem(
        400,
        "transaction_failed",
        "Transaction Failed",
        "The transaction failed when submitted to the stellar network. The"
        " `extras.result_codes` field on this response contains further details.",
        extras=extras,
    )
