"""A file of a dispute, for the desk: to save, or as pictures in the case page."""

from django.http import Http404, HttpRequest, HttpResponse

from disputes.evidence.serving import send_file, send_preview
from disputes.models import Evidence
from offerhub.desk.pages import page
from offerhub.marketplaces.roles import Right


@page("evidence/<str:evidence_id>/", "evidence_file", look=Right.VIEW)
def file(request: HttpRequest, evidence_id: str) -> HttpResponse:
    """As an attachment."""
    return send_file(_row(evidence_id))  # type: ignore[return-value]


@page("evidence/<str:evidence_id>/preview/<int:number>/", "evidence_preview", look=Right.VIEW)
def preview(request: HttpRequest, evidence_id: str, number: int) -> HttpResponse:
    """One picture of it."""
    return send_preview(_row(evidence_id), number)  # type: ignore[return-value]


def _row(evidence_id: str) -> Evidence:
    row = Evidence.objects.filter(pk=evidence_id).first()
    if row is None:
        raise Http404
    return row
