"""What a body asks for, as the checks take it."""

from typing import Any

from offerhub.core.errors import FieldError, InvalidRequest
from payouts.destinations import Wish


def wish_of(body: dict[str, Any], path: str = "") -> Wish:
    """The wish of a body, which is at `path` of the request. Raises InvalidRequest unless it names
    exactly one of `destination` and `destinationId`."""
    destination, entry = body.get("destination") or "", body.get("destination_id") or ""
    if bool(destination) == bool(entry):
        complaint = FieldError(f"{path}destination", "required", "is required")
        if entry:
            text = "comes without destination"
            complaint = FieldError(f"{path}destinationId", "one_of_two", text)
        raise InvalidRequest(errors=[complaint])
    return Wish(
        user_reference=body["user_id"],
        amount=body["amount"],
        destination=destination,
        destination_id=entry,
        memo=body.get("memo") or "",
        memo_type=body.get("memo_type") or "",
    )
