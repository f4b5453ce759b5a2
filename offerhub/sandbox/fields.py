"""Checks of the escrow API's request bodies, collected before they are refused together."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from offerhub.sandbox import assets
from offerhub.sandbox.codec import is_account, is_contract
from offerhub.sandbox.web import Refused, Response, reply

_ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def failure(status: int, message: str | list[str], **headers: str) -> Response:
    """An error in the escrow API's words: statusCode, message, error."""
    body = {"statusCode": status, "message": message, "error": _ERRORS[status]}
    return reply(body, status, **headers)


class Fields:
    """A body under inspection. Every getter answers a harmless value after a complaint."""

    def __init__(self, body: object, complaints: list[str] | None = None, at: str = "") -> None:
        self.complaints = [] if complaints is None else complaints
        self._at = at
        self._body: Mapping[str, Any] = body if isinstance(body, dict) else {}
        if not isinstance(body, dict):
            self.complaints.append(f"{at or 'body.'}must be an object")

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        return self._body.get(name) is not None

    def complain(self, name: str, what: str) -> None:
        """Note what is wrong with a field."""
        self.complaints.append(f"{self._at}{name} {what}")

    def text(self, name: str, limit: int, required: bool = True) -> str:
        """A string of at most ``limit`` characters."""
        value = self._body.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            self.complain(name, "must be a string")
            return ""
        if required and not value:
            self.complain(name, "should not be empty")
        if len(value) > limit:
            self.complain(name, f"must be shorter than or equal to {limit} characters")
        return value

    def account(self, name: str) -> str:
        """A G... address."""
        value = self._body.get(name)
        if not is_account(value):
            self.complain(name, "must be a valid Stellar address")
            return ""
        return str(value)

    def holder(self, name: str) -> str:
        """A G... or C... address."""
        value = self._body.get(name)
        if not is_account(value) and not is_contract(value):
            self.complain(name, "must be a valid Stellar address")
            return ""
        return str(value)

    def contract(self, name: str) -> str:
        """A C... address."""
        value = self._body.get(name)
        if not is_contract(value):
            self.complain(name, "must be a valid contract id")
            return ""
        return str(value)

    def _number(self, name: str) -> Decimal | None:
        value = self._body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.complain(name, "must be a number")
            return None
        return Decimal(value)

    def amount(self, name: str) -> int:
        """A JSON number of whole units, as stroops."""
        number = self._number(name)
        if number is None:
            return 0
        try:
            return assets.stroops(number)
        except ValueError:
            self.complain(name, "must be a number with at most 7 decimal places")
            return 0

    def percent(self, name: str) -> int:
        """A JSON number of percent, as basis points."""
        number = self._number(name)
        if number is None:
            return 0
        scaled = number * 100
        if number < 0 or scaled != scaled.to_integral_value() or scaled > 2**31:
            self.complain(name, "must be a percentage with at most 2 decimal places")
            return 0
        return int(scaled)

    def index(self, name: str) -> int:
        """A milestone's index, which is a string of digits."""
        value = self._body.get(name)
        if not isinstance(value, str) or not value.isdecimal() or len(value) > 9:
            self.complain(name, "must be a milestone index as a number string")
            return 0
        return int(value)

    def flag(self, name: str) -> bool:
        """An optional boolean."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            self.complain(name, "must be a boolean value")
        return value is True

    def inside(self, name: str, required: bool = True) -> Fields:
        """A nested object."""
        value = self._body.get(name)
        if value is None and not required:
            value = {}
        return Fields(value, self.complaints, f"{self._at}{name}.")

    def items(self, name: str) -> list[Any]:
        """A list, its items not yet looked at."""
        value = self._body.get(name)
        if not isinstance(value, list):
            self.complain(name, "must be an array")
            return []
        return value

    def each(self, name: str) -> list[Fields]:
        """A list of objects."""
        return [
            Fields(item, self.complaints, f"{self._at}{name}.{index}.")
            for index, item in enumerate(self.items(name))
        ]

    def done(self) -> None:
        """Refuse the body with everything that was found, or let it pass."""
        if self.complaints:
            raise Refused(failure(400, self.complaints))
