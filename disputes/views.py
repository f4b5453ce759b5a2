"""The API of disputes: parse, one service, show."""

from functools import partial
from typing import Any

from disputes import resolution, services, shares
from disputes.bodies import dispute_bodies, message_body, statement_body
from disputes.models import Dispute, Message, Statement
from disputes.serializers import (
    DisputeQuery,
    DisputeShape,
    MessageBody,
    MessageShape,
    NewDisputeBody,
    ResolveBody,
    StatementBody,
    StatementShape,
    StatementsShape,
    WithdrawBody,
)
from disputes.states import IN_HAND, DisputeStatus, Party
from offerhub.api.docs import describe
from offerhub.api.pagination import page, page_of
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import (
    FieldError,
    InvalidReference,
    InvalidRequest,
    NotFound,
    OperationFailed,
    OperationInFlight,
    WrongState,
)
from orders.bodies import awaits_signature
from orders.models import Order
from orders.plans import Share


def _body(marketplace_id: str, dispute_id: str) -> dict[str, Any]:
    found = dispute_bodies(marketplace_id, [dispute_id])
    if not found:
        raise NotFound(f"There is no dispute {dispute_id!r} in this marketplace")
    return found[0]


def _dispute(marketplace_id: str, dispute_id: str) -> Dispute:
    rows = Dispute.objects.of(marketplace_id).for_display()
    found: Dispute | None = rows.filter(pk=dispute_id).first()
    if found is None:
        raise NotFound(f"There is no dispute {dispute_id!r} in this marketplace")
    return found


def _show_opened(marketplace_id: str, dispute_id: str) -> Answer:
    """Pending until the chain has frozen the money."""
    body = _body(marketplace_id, dispute_id)
    freezing = not body["frozen"] and body["problem"] is None
    return Answer(body, pending=freezing, for_people=awaits_signature(body))


def _show_decided(marketplace_id: str, dispute_id: str) -> Answer:
    """Pending while a second person must agree, or the contract is being told."""
    body = _body(marketplace_id, dispute_id)
    status, problem = body["status"], body["problem"]
    if status == DisputeStatus.SETTLING and problem is not None:
        refusal = OperationFailed(problem["detail"], reason=problem["code"])
        return Answer(body, refusal=refusal)
    waits = status in (DisputeStatus.PROPOSED, DisputeStatus.SETTLING)
    return Answer(body, pending=waits, for_people=status == DisputeStatus.PROPOSED)


class Disputes(ApiView):
    """All disputes of the marketplace."""

    scopes = {"GET": "disputes:read", "POST": "disputes:write"}

    @describe("List disputes", tag="Disputes", query=DisputeQuery, answer=DisputeShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by status or order."""
        filters = DisputeQuery.read(request)
        rows = Dispute.objects.of(request.marketplace_id).filter(**filters).only("pk")
        shown = partial(dispute_bodies, request.marketplace_id)
        return respond(page_of(rows, request.query_params, shown))

    @describe(
        "Open a dispute",
        tag="Disputes",
        body=NewDisputeBody,
        answer=DisputeShape,
        status=201,
        waits=True,
        refusals=[
            NotFound,
            WrongState,
            services.AlreadyDisputed,
            OperationInFlight,
            InvalidReference,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        """The money is frozen on the chain at once; milestones that are not in dispute go on.
        `openedBy` is `buyer` (the default), `seller`, or the id of one of the two."""
        body, tenant = NewDisputeBody.read(request), request.marketplace_id

        def change(actor: Actor) -> str:
            new = services.NewDispute(
                order_id=body["order_id"],
                opened_by=_opener(tenant, body),
                reason=body["reason"],
                description=body.get("description", ""),
                milestone_ref=body.get("milestone_id"),
            )
            return services.open_dispute(marketplace_id=tenant, new=new, actor=actor).id

        return self.perform(request, change, partial(_show_opened, tenant), created=True)


def _opener(marketplace_id: str, body: dict[str, Any]) -> Party:
    if "opened_by" not in body:
        return Party.BUYER
    orders = Order.objects.select_related("buyer", "seller")
    order = orders.filter(pk=body["order_id"], marketplace_id=marketplace_id).first()
    if order is None:
        raise NotFound(f"There is no order {body['order_id']!r} in this marketplace")
    return services.find_party(order, body["opened_by"], "openedBy")


class OneDispute(ApiView):
    """One dispute."""

    scopes = {"GET": "disputes:read"}

    @describe("Read a dispute", tag="Disputes", answer=DisputeShape)
    def get(self, request: ApiRequest, dispute_id: str) -> Response:
        """With its milestones, decision and proposal."""
        return respond(_body(request.marketplace_id, dispute_id))


class Statements(ApiView):
    """What the parties say."""

    scopes = {"GET": "disputes:read", "POST": "disputes:write"}

    @describe("List statements", tag="Disputes", answer=StatementsShape)
    def get(self, request: ApiRequest, dispute_id: str) -> Response:
        """Of both parties, drafts too, oldest first."""
        dispute = _dispute(request.marketplace_id, dispute_id)
        return respond({"data": [statement_body(row) for row in dispute.statements.all()]})

    @describe(
        "Write a statement",
        tag="Disputes",
        body=StatementBody,
        answer=StatementShape,
        status=201,
        refusals=[WrongState, InvalidReference],
    )
    def post(self, request: ApiRequest, dispute_id: str) -> Response:
        """`draft: true` keeps it for later and replaces an earlier draft; else it is submitted."""
        body, tenant = StatementBody.read(request), request.marketplace_id

        def change(actor: Actor) -> str:
            dispute = _dispute(tenant, dispute_id)
            return services.write_statement(
                marketplace_id=tenant,
                dispute_id=dispute_id,
                party=services.find_party(dispute, body["by"], "by"),
                text=body["text"],
                submit=not body.get("draft", False),
                actor=actor,
            ).id

        def show(statement_id: str) -> Answer:
            return Answer(statement_body(Statement.objects.get(pk=statement_id)))

        return self.perform(request, change, show, created=True)


class Messages(ApiView):
    """Lines between the parties and the desk."""

    scopes = {"GET": "disputes:read", "POST": "disputes:write"}

    @describe("List messages", tag="Disputes", answer=MessageShape, listed=True)
    def get(self, request: ApiRequest, dispute_id: str) -> Response:
        """Newest first."""
        dispute = _dispute(request.marketplace_id, dispute_id)
        rows = Message.objects.filter(dispute=dispute)
        return respond(page(rows, request.query_params, message_body))

    @describe(
        "Write a message",
        tag="Disputes",
        body=MessageBody,
        answer=MessageShape,
        status=201,
        refusals=[WrongState, InvalidReference],
    )
    def post(self, request: ApiRequest, dispute_id: str) -> Response:
        """To the desk; the other party reads it too."""
        body, tenant = MessageBody.read(request), request.marketplace_id

        def change(actor: Actor) -> str:
            dispute = _dispute(tenant, dispute_id)
            return services.write_message(
                marketplace_id=tenant,
                dispute_id=dispute_id,
                sender=services.find_party(dispute, body["by"], "by"),
                text=body["text"],
                actor=actor,
            ).id

        def show(message_id: str) -> Answer:
            return Answer(message_body(Message.objects.get(pk=message_id)))

        return self.perform(request, change, show, created=True)


class WithdrawDispute(ApiView):
    """Giving up."""

    scopes = {"POST": "disputes:write"}

    @describe(
        "Withdraw a dispute",
        tag="Disputes",
        body=WithdrawBody,
        answer=DisputeShape,
        waits=True,
        refusals=[WrongState, OperationInFlight, OperationFailed, InvalidReference],
    )
    def post(self, request: ApiRequest, dispute_id: str) -> Response:
        """By the party that opened it. A freeze can not be undone on the chain, so the disputed
        money goes to the other party."""
        body, tenant = WithdrawBody.read(request), request.marketplace_id

        def change(actor: Actor) -> str:
            dispute = _dispute(tenant, dispute_id)
            party = Party(dispute.opened_by)
            if "by" in body:
                party = services.find_party(dispute, body["by"], "by")
            return resolution.withdraw(
                marketplace_id=tenant, dispute_id=dispute_id, party=party, actor=actor
            ).id

        return self.perform(request, change, partial(_show_decided, tenant))


class ResolveDispute(ApiView):
    """The decision."""

    scopes = {"POST": "disputes:resolve"}

    @describe(
        "Resolve a dispute",
        tag="Disputes",
        body=ResolveBody,
        answer=DisputeShape,
        waits=True,
        refusals=[
            WrongState,
            services.CaseChanged,
            OperationInFlight,
            OperationFailed,
            InvalidReference,
        ],
    )
    def post(self, request: ApiRequest, dispute_id: str) -> Response:
        """RELEASE, REFUND or SPLIT, for all of it or milestone by milestone. Over the approval
        threshold it is a proposal that a second person approves at the desk: 202 until then."""
        body, tenant = ResolveBody.read(request), request.marketplace_id

        def change(actor: Actor) -> str:
            dispute = _dispute(tenant, dispute_id)
            if dispute.status not in IN_HAND:
                raise WrongState(f"The dispute is {dispute.status}", currentStatus=dispute.status)
            resolution.propose(
                marketplace_id=tenant,
                dispute_id=dispute_id,
                shares=_shares(dispute, body),
                text=body.get("note", ""),
                reason_code=body.get("reason_code", ""),
                actor=actor,
            )
            return dispute_id

        return self.perform(request, change, partial(_show_decided, tenant))


def _shares(dispute: Dispute, body: dict[str, Any]) -> list[Share]:
    """By one decision over everything, or by one for each milestone."""
    rows = {row.milestone.ref: row.milestone for row in dispute.milestones.all()}
    given = body.get("milestones")
    if given is None:
        if "decision" not in body:
            raise _missing("decision", "is required, here or for each milestone")
        amounts = {milestone.id: milestone.amount for milestone in rows.values()}
        return shares.decided(amounts, body["decision"], body.get("split"))
    if "decision" in body or "split" in body:
        raise _missing("milestones", "stands instead of decision and split, not beside them")
    decided: list[Share] = []
    for i, one in enumerate(given):
        milestone = rows.get(one["id"])
        if milestone is None:
            text = f"is none of {', '.join(rows)}"
            raise InvalidReference(
                errors=[FieldError(f"milestones.{i}.id", "unknown_milestone", text)]
            )
        amount = {milestone.id: milestone.amount}
        path = f"milestones.{i}.split"
        decided += shares.decided(amount, one["decision"], one.get("split"), path)
    return decided


def _missing(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, "required", message)])
