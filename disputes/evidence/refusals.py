"""Why a file is refused. Each is a class with a code of its own and names the field `file`."""

from typing import ClassVar

from offerhub.core.errors import FieldError, Unprocessable

FIELD = "file"


class EvidenceRefused(Unprocessable):
    """Base: `text` says what to do, and follows the name of the field."""

    code, title = "evidence_refused", "The file was refused"
    text: ClassVar[str] = "cannot be taken"

    def __init__(self, text: str = "") -> None:
        super().__init__(errors=[FieldError(FIELD, self.code, text or self.text)])


class FileEmpty(EvidenceRefused):
    code, title, text = "file_empty", "The file is empty", "is empty"


class FileTooLarge(EvidenceRefused):
    code, title, text = "file_too_large", "The file is too large", "must be at most 10 MB"


class TypeNotAllowed(EvidenceRefused):
    code, title = "file_type_not_allowed", "Files of this type are not taken"
    text = "must be a PNG, JPEG or WebP picture, a PDF, or plain text in UTF-8"


class MarkupNotAllowed(EvidenceRefused):
    code, title = "file_is_markup", "HTML, SVG and XML are not taken"
    text = "is HTML, SVG or XML; send a picture or a PDF of it"


class ArchiveNotAllowed(EvidenceRefused):
    code, title = "file_is_archive", "Archives and office files are not taken"
    text = "is an archive or an office file; send the files one by one, or as a PDF"


class TypeMismatch(EvidenceRefused):
    code, title = "file_type_mismatch", "The file is not what its name says"
    text = "holds something else than the ending of its name says"


class FileDamaged(EvidenceRefused):
    code, title = "file_damaged", "The file cannot be read"
    text = "is damaged or incomplete; save it again and send the new file"


class DataAfterEnd(EvidenceRefused):
    code, title = "file_has_data_after_end", "The file holds something after its end"
    text = "holds something after its end; save it again and send the new file"


class ImageTooLarge(EvidenceRefused):
    code, title = "image_too_large", "The picture has too many pixels"
    text = "must have at most 40 megapixels"


class ImageAnimated(EvidenceRefused):
    code, title = "image_animated", "Moving pictures are not taken"
    text = "is a moving picture; send single pictures"


class PdfEncrypted(EvidenceRefused):
    code, title = "pdf_encrypted", "The PDF is locked"
    text = "is locked with a password or by rights; save it without"


class PdfActive(EvidenceRefused):
    code, title = "pdf_active", "The PDF holds scripts, actions or other files"
    text = "holds scripts, actions, media or other files; print it to a new PDF"


class PdfTooLong(EvidenceRefused):
    code, title, text = "pdf_too_long", "The PDF is too long", "must have at most 500 pages"


class FileTooComplex(EvidenceRefused):
    """The limits of time and memory ended the reading."""

    code, title = "file_too_complex", "The file takes too much to read"
    text = "takes too much time or memory to read; send a simpler or smaller one"


REFUSALS: dict[str, type[EvidenceRefused]] = {
    kind.code: kind for kind in EvidenceRefused.__subclasses__()
}
