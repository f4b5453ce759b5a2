"""System checks: an installation that is set up dangerously refuses to start."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register


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
