"""System checks: an installation that is set up dangerously refuses to start."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

SHORTEST_TOKEN = 20


@register()
def code_optional_only_on_the_sandbox(**_: Any) -> list[Error]:
    """Signing in without a one-time code is for the sandbox alone."""
    if settings.STAFF_CODE_OPTIONAL and settings.OFFERHUB_NETWORK != "sandbox":
        return [
            Error(
                "Staff may not sign in without a one-time code on a real network.",
                hint="Unset OFFERHUB_STAFF_CODE_OPTIONAL.",
                id="offerhub.E001",
            )
        ]
    return []


@register()
def no_debug_with_real_money(**_: Any) -> list[Error]:
    """Debug pages show settings and local variables."""
    if settings.DEBUG and settings.OFFERHUB_NETWORK != "sandbox":
        return [Error("DEBUG must be off on a real network.", id="offerhub.E002")]
    return []


@register()
def limit_lets_a_call_through(**_: Any) -> list[Error]:
    """Every call to a contract takes two requests: under a limit of one nothing ever goes."""
    if settings.PROVIDER_LIMIT < 0 or settings.PROVIDER_LIMIT == 1 or settings.PROVIDER_WINDOW <= 0:
        return [
            Error(
                "The limit of requests to the escrow provider lets no call through.",
                hint="OFFERHUB_PROVIDER_LIMIT is 0 (none) or from 2; the window is over 0 seconds.",
                id="offerhub.E003",
            )
        ]
    return []


@register()
def the_metrics_token_is_one(**_: Any) -> list[Error]:
    """Whoever guesses it reads how much business is done here."""
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        return [
            Error(
                "OFFERHUB_METRICS_TOKEN is too short.",
                hint=f"Take {SHORTEST_TOKEN} characters or more, by chance.",
                id="offerhub.E004",
            )
        ]
    return []
