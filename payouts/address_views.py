"""The API of users' address books: parse, one service, show."""

from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.fields import ChoiceField, IdField, TextField, TimestampField
from offerhub.api.pagination import page
from offerhub.api.serializers import Body, Shape
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import DestinationRefused, DuplicateReference, NotFound
from offerhub.users.services import get_user
from payouts import addresses, destinations
from payouts.memos import parse_memo
from payouts.models import MemoType, SavedDestination
from payouts.serializers import ADDRESS, MEMO

LABEL = 100


class NewDestinationBody(Body):
    """An address and what it is called. Another memo is another address."""

    label = TextField(max_length=LABEL)  # type: ignore[assignment]  # a field's own label, too
    destination = TextField(max_length=ADDRESS)
    memo = TextField(max_length=MEMO, required=False, allow_null=True, allow_blank=True)
    memo_type = ChoiceField(choices=MemoType.choices, required=False, allow_null=True)


class LabelBody(Body):
    """What of an entry can change."""

    label = TextField(max_length=LABEL)  # type: ignore[assignment]  # a field's own label, too


class SavedDestinationShape(Shape):
    """An entry of a user's address book; it can be paid from `usableAt` until it is archived."""

    id = IdField()
    user_id = IdField()
    label = TextField(max_length=LABEL)  # type: ignore[assignment]  # a field's own label, too
    destination = TextField(max_length=ADDRESS)
    memo = TextField(max_length=MEMO, allow_null=True)
    memo_type = ChoiceField(choices=MemoType.choices, allow_null=True)
    created_at = TimestampField()
    usable_at = TimestampField()
    archived_at = TimestampField(allow_null=True)


def body_of(row: SavedDestination) -> dict[str, Any]:
    """An entry that was read with its marketplace's policy."""
    return {
        "id": row.id,
        "userId": row.user_id,
        "label": row.label,
        "destination": row.address,
        "memo": row.memo or None,
        "memoType": row.memo_type or None,
        "createdAt": row.created_at,
        "usableAt": addresses.usable_at(row, addresses.policy_of(row.marketplace)),
        "archivedAt": row.archived_at,
    }


def _rows(marketplace_id: str, user_id: str) -> Any:
    rows = SavedDestination.objects.select_related("marketplace__payout_policy")
    return rows.filter(marketplace_id=marketplace_id, user_id=user_id)


def _show(marketplace_id: str, user_id: str, destination_id: str) -> Answer:
    row = _rows(marketplace_id, user_id).filter(pk=destination_id).first()
    if row is None:
        raise NotFound(f"There is no address {destination_id!r} in this user's book")
    return Answer(body_of(row))


class Destinations(ApiView):
    """A user's address book."""

    scopes = {"GET": "withdrawals:read", "POST": "withdrawals:write"}

    @describe(
        "List a user's addresses",
        tag="Withdrawals",
        answer=SavedDestinationShape,
        listed=True,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest, user_id: str) -> Response:
        """Newest first, without those that were archived."""
        user = get_user(request.marketplace_id, user_id)
        rows = _rows(request.marketplace_id, user.id).filter(archived_at=None)
        return respond(page(rows, request.query_params, body_of))

    @describe(
        "Add an address",
        tag="Withdrawals",
        body=NewDestinationBody,
        answer=SavedDestinationShape,
        status=201,
        refusals=[NotFound, DestinationRefused, DuplicateReference],
    )
    def post(self, request: ApiRequest, user_id: str) -> Response:
        """Its form is looked at now, the network when it is paid. A new address, and a known one
        with another memo, waits as long as the marketplace says before it can be paid."""
        body, tenant = NewDestinationBody.read(request), request.marketplace_id
        user = get_user(tenant, user_id)
        memo = parse_memo(body.get("memo"), body.get("memo_type"))
        destinations.refuse_its_form(body["destination"], memo)

        def change(actor: Actor) -> str:
            return addresses.save_destination(
                user=user,
                label=body["label"],
                address=body["destination"],
                memo=memo,
                actor=actor,
            ).id

        return self.perform(request, change, partial(_show, tenant, user.id), created=True)


class OneDestination(ApiView):
    """One entry of a user's address book."""

    scopes = {
        "GET": "withdrawals:read",
        "PATCH": "withdrawals:write",
        "DELETE": "withdrawals:write",
    }

    @describe(
        "Read an address", tag="Withdrawals", answer=SavedDestinationShape, refusals=[NotFound]
    )
    def get(self, request: ApiRequest, user_id: str, destination_id: str) -> Response:
        """Archived or not."""
        user = get_user(request.marketplace_id, user_id)
        return respond(_show(request.marketplace_id, user.id, destination_id).body)

    @describe(
        "Rename an address",
        tag="Withdrawals",
        body=LabelBody,
        answer=SavedDestinationShape,
        refusals=[NotFound],
    )
    def patch(self, request: ApiRequest, user_id: str, destination_id: str) -> Response:
        """The label alone: another address or memo is a new entry, which waits anew."""
        changes = LabelBody.read(request, partial=True)
        if "label" in changes:
            named = self._named(request, user_id, destination_id)
            addresses.rename_destination(**named, label=changes["label"])
        return self.get(request, user_id, destination_id)

    @describe(
        "Archive an address", tag="Withdrawals", answer=SavedDestinationShape, refusals=[NotFound]
    )
    def delete(self, request: ApiRequest, user_id: str, destination_id: str) -> Response:
        """It can not be paid any more. Withdrawals that were asked for before go on."""
        addresses.archive_destination(**self._named(request, user_id, destination_id))
        return self.get(request, user_id, destination_id)

    @staticmethod
    def _named(request: ApiRequest, user_id: str, destination_id: str) -> dict[str, Any]:
        user = get_user(request.marketplace_id, user_id)
        return {
            "marketplace_id": request.marketplace_id,
            "user_id": user.id,
            "destination_id": destination_id,
            "actor": request.actor,
        }
