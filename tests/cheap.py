"""What the product does at length once, and tests would do thousands of times."""

from typing import Any, ClassVar

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]


class Hasher(PBKDF2PasswordHasher):
    """The product's, whose million rounds are for those who guess passwords."""

    iterations = 1


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """The product's. Each client of a test has one of its own; the files are looked up once."""

    found: ClassVar[dict[str, Any]] = {}

    def add_files_from_finders(self) -> None:
        if not self.found:
            super().add_files_from_finders()
            self.found.update(self.files)
        self.files.update(self.found)
