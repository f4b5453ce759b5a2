"""Sending a kept file: as an attachment that no browser runs; previews as pictures alone."""

from django.http import FileResponse, Http404

from disputes.evidence import keeping
from disputes.evidence.kinds import PREVIEW_TYPE
from disputes.evidence.services import media_type
from disputes.models import Evidence

POLICY = "sandbox; default-src 'none'"


def send_file(row: Evidence) -> FileResponse:
    """The file itself, for saving."""
    try:
        content = keeping.read_file(row)
    except FileNotFoundError:
        raise Http404 from None
    answer = FileResponse(
        content, as_attachment=True, filename=row.name, content_type=media_type(row)
    )
    return _guarded(answer)


def send_preview(row: Evidence, number: int) -> FileResponse:
    """A picture of it, which may be shown in a page."""
    try:
        content = keeping.read_preview(row, number)
    except FileNotFoundError:
        raise Http404 from None
    answer = FileResponse(content, content_type=PREVIEW_TYPE)
    answer.headers["Content-Disposition"] = "inline"  # and not its name in the storage
    return _guarded(answer)


def _guarded(answer: FileResponse) -> FileResponse:
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
