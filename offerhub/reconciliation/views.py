"""The API of reconciliation and proofs."""

from math import ceil
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page, page_at_hand
from offerhub.api.permissions import ANY_KEY
from offerhub.api.serializers import NoBody
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.chain.types import ChainUnavailable
from offerhub.core import signing
from offerhub.core.actor import Actor
from offerhub.core.errors import NotFound, Unavailable
from offerhub.reconciliation import funds, proofs, runs, seals
from offerhub.reconciliation.bodies import difference_body, head_body, proof_body, run_body
from offerhub.reconciliation.models import Difference, Proof, Run
from offerhub.reconciliation.proof_shapes import SignedShape, UserProofShape
from offerhub.reconciliation.serializers import (
    DifferenceQuery,
    DifferenceShape,
    HeadShape,
    KeyShape,
    NewRunBody,
    ProofQuery,
    ProofShape,
    RunShape,
)
from offerhub.users.services import get_user

TAG = "Reconciliation and proofs"


class Runs(ApiView):
    """Comparisons of books and chain."""

    scopes = {"GET": "reports:read", "POST": "reports:write"}

    @describe("List comparisons", tag=TAG, answer=RunShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Those that were asked for, newest first."""
        rows = Run.objects.filter(marketplace=request.marketplace_id)
        return respond(page(rows, request.query_params, run_body))

    @describe(
        "Compare books and chain",
        tag=TAG,
        body=NewRunBody,
        answer=RunShape,
        status=201,
        waits=True,
    )
    def post(self, request: ApiRequest) -> Response:
        """Every wallet and contract of the marketplace, or one of them. The whole installation is
        compared all the time; this is for knowing now."""
        address = NewRunBody.read(request).get("address", "")
        tenant = request.marketplace_id

        def change(actor: Actor) -> str:
            run = runs.request_run(marketplace_id=tenant, address=address, actor=actor)
            return run.id

        return self.perform(request, change, _show_run, created=True)


def _show_run(run_id: str) -> Answer:
    run = Run.objects.get(pk=run_id)
    return Answer(run_body(run), pending=run.status == Run.Status.RUNNING)


class OneRun(ApiView):
    """One comparison."""

    scopes = {"GET": "reports:read"}

    @describe("Read a comparison", tag=TAG, answer=RunShape)
    def get(self, request: ApiRequest, run_id: str) -> Response:
        """How far it is, and what it found."""
        run = Run.objects.filter(marketplace=request.marketplace_id, pk=run_id).first()
        if run is None:
            raise NotFound(f"There is no comparison {run_id!r} in this marketplace")
        return respond(run_body(run))


class Differences(ApiView):
    """Where books and chain differ."""

    scopes = {"GET": "reports:read"}

    @describe(
        "List differences", tag=TAG, query=DifferenceQuery, answer=DifferenceShape, listed=True
    )
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by status, type or address."""
        filters = DifferenceQuery.read(request)
        if "address" in filters:
            filters["owner"] = filters.pop("address")
        rows = Difference.objects.filter(marketplace=request.marketplace_id, **filters)
        return respond(page(rows, request.query_params, difference_body))


class OneDifference(ApiView):
    """One difference."""

    scopes = {"GET": "reports:read"}

    @describe("Read a difference", tag=TAG, answer=DifferenceShape)
    def get(self, request: ApiRequest, difference_id: str) -> Response:
        """Both sides, transaction by transaction."""
        rows = Difference.objects.filter(marketplace=request.marketplace_id, pk=difference_id)
        if (row := rows.first()) is None:
            raise NotFound(f"There is no difference {difference_id!r} in this marketplace")
        return respond(difference_body(row))


class Heads(ApiView):
    """Daily heads of the journal."""

    scopes = {"GET": "reports:read"}

    @describe("List the journal's daily heads", tag=TAG, answer=HeadShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Oldest first: whoever keeps them can prove what the journal said."""
        found = [head_body(head) for head in seals.heads(request.marketplace_id)]
        return respond(page_at_hand(found, request.query_params))


class ProofKey(ApiView):
    """The key that proofs are signed with."""

    scopes = {"GET": ANY_KEY}

    @describe("Read the public key of proofs", tag=TAG, answer=KeyShape)
    def get(self, request: ApiRequest) -> Response:
        """Publish it where your users find it: a proof is worth what its key is."""
        return respond({"algorithm": "ed25519", "key": signing.newest_public_key()})


class Proofs(ApiView):
    """Proofs of funds."""

    scopes = {"GET": "reports:read", "POST": "reports:write"}

    @describe("List proofs of funds", tag=TAG, answer=ProofShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first. One is made every day."""
        rows = Proof.objects.filter(marketplace=request.marketplace_id)
        return respond(page(rows, request.query_params, proof_body))

    @describe(
        "Make a proof of funds",
        tag=TAG,
        body=NoBody,
        answer=ProofShape,
        status=201,
        refusals=[funds.TooMany],
    )
    def post(self, request: ApiRequest) -> Response:
        """Reads every address on the chain now; for more than some thousand it is refused."""
        NoBody.read(request)
        tenant, measured = request.marketplace_id, list[funds.Funds]()

        def prepare() -> None:
            try:
                measured.append(funds.measure(tenant, in_a_request=True))
            except ChainUnavailable as error:
                raise Unavailable(str(error), retry_after=ceil(error.retry_after)) from error

        def change(actor: Actor) -> str:
            return proofs.keep(funds=measured[0], actor=actor).id

        def show(name: str) -> Answer:
            return Answer(proof_body(proofs.get(tenant, name)))

        return self.perform(request, change, show, created=True, prepare=prepare)


class OneProof(ApiView):
    """One proof of funds."""

    scopes = {"GET": "reports:read"}

    @describe("Read a proof of funds", tag=TAG, answer=SignedShape)
    def get(self, request: ApiRequest, proof_id: str) -> Response:
        """The signed document, every address with its ledger number, and every order's money."""
        proof = proofs.get(request.marketplace_id, proof_id)
        body: dict[str, Any] = {"document": proof.document, "signature": proof.signature}
        return respond(body | proof.attached)


class UserProof(ApiView):
    """A user's own proof."""

    scopes = {"GET": "users:read"}

    @describe("Read a user's proof of funds", tag=TAG, query=ProofQuery, answer=UserProofShape)
    def get(self, request: ApiRequest, user_id: str) -> Response:
        """What to hand to the user: they check with `verify_proof.py` that their balance is part
        of what is proved, and learn nothing of anybody else."""
        wanted = ProofQuery.read(request).get("proof_id", "")
        user = get_user(request.marketplace_id, user_id)
        return respond(proofs.of_user(request.marketplace_id, user.pk, wanted))
