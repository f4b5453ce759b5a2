"""Sending a kept report: as an attachment that no browser runs."""

from django.http import FileResponse

from offerhub.core.errors import NotFound
from offerhub.reports import keeping
from offerhub.reports.columns import MEDIA_TYPES, Format
from offerhub.reports.models import Run


def send_file(run: Run) -> FileResponse:
    """The file, for saving; raises NotFound when the storage has lost it."""
    try:
        content = keeping.read(run)
    except FileNotFoundError:
        raise NotFound("The file is not in the storage any more; make the report again") from None
    media = MEDIA_TYPES[Format(run.format)]
    answer = FileResponse(content, as_attachment=True, filename=run.file_name, content_type=media)
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-SHA256"] = run.sha256
    return answer
