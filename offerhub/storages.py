"""Storages of files that no web server shows, as Django's settings describe them."""

from pathlib import Path
from typing import Any


def private_files(
    folder: Path | str, *, bucket: str, prefix: str, **options: str
) -> dict[str, Any]:
    """A folder; or, where one is named, a bucket with private objects, whose names begin with
    `prefix`. `options` are the bucket's: empty ones are left to what the machine knows."""
    if bucket:
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                **{name: value or None for name, value in options.items()},
                "bucket_name": bucket,
                "location": prefix,
                "default_acl": None,  # the bucket's own: new buckets refuse requests that name one
                "file_overwrite": False,
            },
        }
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": folder,
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
