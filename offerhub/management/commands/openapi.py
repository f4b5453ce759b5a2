"""`manage.py openapi`: the API's document, for generators of clients and for reviews."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from offerhub.api import schema


class Command(BaseCommand):
    help = (
        "Print the OpenAPI 3.1 document that /api/v1/schema serves.\n"
        "Example: python manage.py openapi > sdk/openapi.json"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(schema.build(), indent=1, ensure_ascii=False))
