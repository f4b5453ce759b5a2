"""What an installation of the sandbox makes for itself once, and keeps in var/."""

import base64
import os
import secrets
from contextlib import suppress

from offerhub.postgres import VAR


def secret(name: str, make: str) -> str:
    """The secret of this name; `make` becomes it when there is none yet."""
    path = VAR / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_suffix(f".{secrets.token_hex(4)}")
        scratch.touch(mode=0o600)
        scratch.write_text(make)
        with suppress(FileExistsError):  # another process was faster, and its secret counts
            os.link(scratch, path)
        scratch.unlink()
    return path.read_text()


def key(name: str) -> str:
    """A list of one key of 32 bytes, as the settings take it: `id:base64`."""
    return secret(name, f"local1:{base64.b64encode(secrets.token_bytes(32)).decode()}")


def sandbox_url() -> str:
    """Where `manage.py up` put the sandbox, so that every other command finds it there."""
    kept = VAR / "sandbox.url"
    return kept.read_text().strip() if kept.exists() else "http://127.0.0.1:8010"
