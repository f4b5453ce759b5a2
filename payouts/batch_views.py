"""The API of batches: parse, one service, show."""

from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import DuplicateReference, NotFound
from payouts import batches
from payouts.batch_bodies import batch_body, batch_with_items
from payouts.batch_serializers import BatchQuery, BatchShape, BatchWithItemsShape, NewBatchBody
from payouts.models import Batch
from payouts.states import BatchStatus
from payouts.wishes import wish_of


def _batch(marketplace_id: str, batch_id: str) -> Batch:
    rows = Batch.objects.select_related("proposal").filter(marketplace_id=marketplace_id)
    batch: Batch | None = rows.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(f"There is no batch {batch_id!r} in this marketplace")
    return batch


def _show(marketplace_id: str, batch_id: str) -> Answer:
    batch = _batch(marketplace_id, batch_id)
    body = batch_with_items(batch)
    counts = body["counts"]
    alone = counts["held"] and not (counts["checking"] or counts["waiting"] or counts["onTheWay"])
    return Answer(body, pending=batch.status != BatchStatus.FINISHED, for_people=bool(alone))


def _new_items(body: dict[str, Any]) -> list[batches.NewItem]:
    return [
        batches.NewItem(wish_of(item, f"items.{index}."), item.get("external_ref") or "")
        for index, item in enumerate(body["items"])
    ]


class NewBatch(ApiView):
    """Many withdrawals at once."""

    scopes = {"POST": "withdrawals:write"}

    @describe(
        "Request many withdrawals",
        tag="Withdrawals",
        body=NewBatchBody,
        answer=BatchWithItemsShape,
        status=201,
        waits=True,
        refusals=[DuplicateReference],
    )
    def post(self, request: ApiRequest) -> Response:
        """Each item is checked, answered and paid by itself, and a bad one stops no other; those
        that can share a transaction on the chain do. `externalRef` names the batch for ever."""
        body, tenant = NewBatchBody.read(request), request.marketplace_id
        items = _new_items(body)

        def change(actor: Actor) -> str:
            return batches.request_batch(
                marketplace_id=tenant,
                items=items,
                external_ref=body.get("external_ref"),
                actor=actor,
            ).id

        return self.perform(request, change, partial(_show, tenant), created=True)


class Batches(ApiView):
    """All batches of the marketplace."""

    scopes = {"GET": "withdrawals:read"}

    @describe("List batches", tag="Withdrawals", query=BatchQuery, answer=BatchShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first, with their progress."""
        filters = BatchQuery.read(request)
        rows = Batch.objects.select_related("proposal").filter(
            marketplace_id=request.marketplace_id, **filters
        )
        return respond(page(rows, request.query_params, batch_body))


class OneBatch(ApiView):
    """One batch."""

    scopes = {"GET": "withdrawals:read"}

    @describe("Read a batch", tag="Withdrawals", answer=BatchWithItemsShape, refusals=[NotFound])
    def get(self, request: ApiRequest, batch_id: str) -> Response:
        """Its progress, and what became of each item."""
        return respond(_show(request.marketplace_id, batch_id).body)
