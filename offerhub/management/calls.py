"""Commands with calls of their own, such as `manage.py keys create`."""

from argparse import RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.core.durations import parse_duration
from offerhub.core.errors import Refusal


class CallsCommand(BaseCommand):
    """Each call is a method `_name(options)`; a refusal is told in its own words.

    `add_arguments` makes a parser for each with `add_subparsers(dest="call", required=True)`.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The examples of `help` stand on lines of their own."""
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['call']}")(options)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None


def duration(text: str) -> timedelta:
    """The length of time that an option names. Raises CommandError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no duration such as P7D or PT24H: {error}") from None


def names(text: str) -> list[str]:
    """What stands between the commas of an option."""
    return [name.strip() for name in text.split(",")]
