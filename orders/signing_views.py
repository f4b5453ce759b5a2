"""The API of parties that hold their own keys: hand in a signature, ask for another envelope, call
off what nobody signs."""

from collections.abc import Callable
from functools import partial

from offerhub.api.docs import describe
from offerhub.api.operations import OperationShape, operation_body
from offerhub.api.serializers import NoBody
from offerhub.api.views import Answer, ApiRequest, ApiView, Response
from offerhub.core.actor import Actor
from offerhub.core.errors import (
    EnvelopeExpired,
    NotFound,
    OperationFailed,
    SignatureRefused,
    WrongState,
)
from orders import signing
from orders.models import EscrowOperation
from orders.serializers import CancelBody, SignatureBody

Status = EscrowOperation.Status


def _read(operation_id: str) -> EscrowOperation:
    return EscrowOperation.objects.select_related("source_wallet").get(pk=operation_id)


def _show(operation_id: str) -> Answer:
    row = _read(operation_id)
    awaited = row.status == Status.AWAITING_SIGNATURE
    return Answer(operation_body(row), pending=row.is_live, for_people=awaited)


def _show_signed(operation_id: str) -> Answer:
    """What became of a call that was signed; a failure is a refusal."""
    row, answer = _read(operation_id), _show(operation_id)
    if row.status != Status.FAILED:
        return answer
    problem = row.problem or {}
    refusal = OperationFailed(
        problem.get("detail") or "The call to the contract was refused",
        operationId=row.id,
        reason=problem.get("code", ""),
    )
    return Answer(answer.body, refusal=refusal)


class _Signing(ApiView):
    scopes = {"POST": "operations:write"}

    def _do(
        self,
        request: ApiRequest,
        service: Callable[..., EscrowOperation],
        operation_id: str,
        show: Callable[[str], Answer] = _show,
    ) -> Response:
        """One service on one operation of the caller's marketplace."""
        ask = partial(service, marketplace_id=request.marketplace_id, operation_id=operation_id)

        def change(actor: Actor) -> str:
            return ask(actor=actor).id

        return self.perform(request, change, show)


class OperationSignature(_Signing):
    """The party signed."""

    @describe(
        "Hand in a party's signature",
        tag="Operations",
        body=SignatureBody,
        answer=OperationShape,
        waits=True,
        refusals=[NotFound, WrongState, EnvelopeExpired, SignatureRefused, OperationFailed],
    )
    def post(self, request: ApiRequest, operation_id: str) -> Response:
        """`signedXdr` is the operation's `unsignedXdr` with one signature of the party's own key:
        the same envelope to the byte, or it is refused. It is then sent, and the order goes on."""
        signed = SignatureBody.read(request)["signed_xdr"]
        service = partial(signing.hand_in, signed_xdr=signed)
        return self._do(request, service, operation_id, _show_signed)


class OperationEnvelope(_Signing):
    """Another envelope."""

    @describe(
        "Ask for another envelope to sign",
        tag="Operations",
        body=NoBody,
        answer=OperationShape,
        waits=True,
        refusals=[NotFound, WrongState],
    )
    def post(self, request: ApiRequest, operation_id: str) -> Response:
        """In place of one that has expired. One that can still be signed stays as it is; a new one
        is built once the ledger proves that the old one did not and can not apply."""
        NoBody.read(request)
        return self._do(request, signing.request_envelope, operation_id)


class CancelOperation(_Signing):
    """Nobody signs it."""

    @describe(
        "Call off an operation that waits for a signature",
        tag="Operations",
        body=CancelBody,
        answer=OperationShape,
        waits=True,
        refusals=[NotFound, WrongState],
    )
    def post(self, request: ApiRequest, operation_id: str) -> Response:
        """It fails once the envelope that the party was handed can not apply any more (202 until
        then): a party may have signed it for themselves. If they send it in time, it counts."""
        reason = CancelBody.read(request).get("reason", "")
        return self._do(request, partial(signing.withdraw, reason=reason), operation_id)
