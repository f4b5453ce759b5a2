"""The chain's arithmetic: what of a row is hashed. No database here."""

from offerhub.audit.models import StaffAction
from offerhub.core import canonical

FIELDS = tuple(f.name for f in StaffAction._meta.concrete_fields if f.name != "digest")


def digest_of(row: StaffAction) -> str:
    """The digest of all fields but the digest itself."""
    return canonical.digest({name: canonical.text(getattr(row, name)) for name in FIELDS})
