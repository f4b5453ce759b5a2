"""The API of evidence, and the door for signed links."""

from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from disputes.evidence import keeping, reading, services
from disputes.evidence.kinds import LARGEST_WRITTEN, Kind
from disputes.evidence.refusals import REFUSALS
from disputes.evidence.serving import send_file, send_preview
from disputes.models import Dispute, Evidence
from disputes.serializers import SIDES
from disputes.services import find_party
from offerhub.api.docs import describe
from offerhub.api.fields import (
    ChoiceField,
    FileField,
    IdField,
    IntegerField,
    ListField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.parsing import UploadParser
from offerhub.api.serializers import Body, Shape
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import InvalidReference, NotFound, WrongState


class EvidenceBody(Body):
    """One file, with who hands it in and, if it belongs to one, their statement."""

    by = ReferenceField()
    statement_id = IdField(required=False)
    file = FileField()


class EvidenceShape(Shape):
    """A file of a dispute. `sha256` is of the file as it is kept, `receivedSha256` of what was
    sent. `url` downloads it and `previews` show it, both for five minutes and without a key."""

    id = IdField()
    dispute_id = IdField()
    statement_id = IdField(allow_null=True)
    by = ChoiceField(choices=SIDES)
    kind = ChoiceField(choices=[kind.value for kind in Kind])
    name = TextField(max_length=120)
    size = IntegerField(min_value=1, max_value=LARGEST_WRITTEN)
    sha256 = TextField(max_length=64)
    received_sha256 = TextField(max_length=64)
    url = TextField(max_length=1000)
    previews = ListField(child=TextField(max_length=1000))
    created_at = TimestampField()


class EvidenceListShape(Shape):
    """All files of a dispute, oldest first: at most 20."""

    data = EvidenceShape(many=True)  # type: ignore[assignment]


def evidence_body(request: ApiRequest, row: Evidence) -> dict[str, Any]:
    """One file, with fresh links."""

    def link(preview: int = 0) -> str:
        token = services.signed_link(row, preview)
        return request.build_absolute_uri(reverse("evidence_link", args=[token]))

    return {
        "id": row.id,
        "disputeId": row.dispute_id,
        "statementId": row.statement_id,
        "by": row.party.lower(),
        "kind": row.kind,
        "name": row.name,
        "size": row.size,
        "sha256": row.sha256,
        "receivedSha256": row.received_sha256,
        "url": link(),
        "previews": [link(number) for number in range(1, row.preview_count + 1)],
        "createdAt": row.created_at,
    }


class _Upload:
    """A file on its way in: read and written once, however often the change runs."""

    stored_as = ""

    def __init__(self, file: Any) -> None:
        self.file = file

    @cached_property
    def received(self) -> reading.Received:
        self.file.seek(0)
        found = reading.read(self.file.read(), self.file.name)
        self.stored_as = keeping.keep(found.file)
        return found

    def end(self) -> None:
        if self.stored_as:
            keeping.discard_unless_kept(self.stored_as, len(self.received.file.previews))


class EvidenceFiles(ApiView):
    """The files of one dispute."""

    scopes = {"GET": "disputes:read", "POST": "disputes:write"}
    parser_classes = [UploadParser]

    @describe("List evidence", tag="Disputes", answer=EvidenceListShape)
    def get(self, request: ApiRequest, dispute_id: str) -> Response:
        """Oldest first, with links that are good for five minutes."""
        dispute = _dispute(request.marketplace_id, dispute_id)
        return respond({"data": [evidence_body(request, row) for row in dispute.evidence.all()]})

    @describe(
        "Hand in a file",
        tag="Disputes",
        body=EvidenceBody,
        answer=EvidenceShape,
        status=201,
        refusals=[WrongState, InvalidReference, *REFUSALS.values()],
    )
    def post(self, request: ApiRequest, dispute_id: str) -> Response:
        """PNG, JPEG, WebP, PDF or plain text in UTF-8, at most 10 MB, 20 in a dispute. It is
        written anew: pictures lose their metadata, PDFs everything but their pages. A repeat with
        the same key answers the first links; `GET` makes new ones."""
        body, tenant = EvidenceBody.read(request), request.marketplace_id
        upload = _Upload(body["file"])

        def prepare() -> None:
            dispute = _dispute(tenant, dispute_id)
            if not dispute.is_open or dispute.evidence.count() >= services.MOST_FILES:
                return  # refused below; nothing is read for it
            find_party(dispute, body["by"], "by")
            _ = upload.received

        def change(actor: Actor) -> str:
            dispute = _dispute(tenant, dispute_id)
            party = find_party(dispute, body["by"], "by")
            services.refuse_more(dispute)
            received = upload.received
            return services.add_evidence(
                marketplace_id=tenant,
                dispute_id=dispute_id,
                party=party,
                received=received,
                stored_as=upload.stored_as,
                statement_id=body.get("statement_id"),
                actor=actor,
            ).id

        def show(evidence_id: str) -> Answer:
            return Answer(evidence_body(request, Evidence.objects.get(pk=evidence_id)))

        try:
            return self.perform(request, change, show, created=True, prepare=prepare)
        finally:
            upload.end()


def _dispute(marketplace_id: str, dispute_id: str) -> Dispute:
    rows = Dispute.objects.of(marketplace_id).for_display()
    found: Dispute | None = rows.filter(pk=dispute_id).first()
    if found is None:
        raise NotFound(f"There is no dispute {dispute_id!r} in this marketplace")
    return found


@require_safe
def by_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """A file or a preview for whoever holds a link of the last five minutes."""
    try:
        row, preview = services.opened(token)
    except NotFound:
        raise Http404 from None
    return send_preview(row, preview) if preview else send_file(row)
