"""The back-office's own admin site: signing in with a one-time code, and a bar on the sandbox."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest
from django_otp.forms import OTPAuthenticationFormMixin


class SignInForm(OTPAuthenticationFormMixin, AdminAuthenticationForm):  # type: ignore[misc]
    """Username, password and the six digits of the person's authenticator.

    On the sandbox alone the code may be left empty. The session is marked as verified by
    `django_otp` when the code was right; wrong codes slow further ones down.
    """

    otp_token = forms.CharField(
        label="One-time code",
        required=False,
        max_length=6,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "pattern": "[0-9]{6}"}
        ),
    )
    otp_error_messages = {
        **OTPAuthenticationFormMixin.otp_error_messages,
        "token_required": "Enter the six digits that your authenticator shows now.",
        "invalid_token": "That code is not right. Wait for the next one and try again.",
    }

    def clean(self) -> dict[str, Any]:
        """The password first, then the code of the person that it belongs to."""
        self.cleaned_data = super().clean() or {}
        if self.cleaned_data.get("otp_token") or not settings.STAFF_CODE_OPTIONAL:
            self.clean_otp(self.get_user())
        return self.cleaned_data


class OfferhubAdminSite(AdminSite):
    """Django's admin under our name."""

    site_header = "Offerhub desk"
    site_title = "Offerhub desk"
    index_title = "Home"
    login_form = SignInForm
    login_template = "admin/sign_in.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff whose one-time code was right in this session."""
        verified = settings.STAFF_CODE_OPTIONAL or cast(Any, request.user).is_verified()
        return super().has_permission(request) and bool(verified)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page knows the network, so that nobody takes play money for real."""
        return {
            **super().each_context(request),
            "network": settings.OFFERHUB_NETWORK,
            "code_optional": settings.STAFF_CODE_OPTIONAL,
        }
