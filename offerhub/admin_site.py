"""The back-office's own admin site: signing in with a one-time code, and a bar on the sandbox."""

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.db.models import Model
from django.http import HttpRequest
from django_otp import devices_for_user
from django_otp.forms import OTPAuthenticationFormMixin

from offerhub.audit import doors
from offerhub.core.admin import ReadOnlyAdmin
from offerhub.core.rights import may
from offerhub.desk.menu import menu
from offerhub.marketplaces.roles import Right

NAMES = {"ApiKey": "API keys", "StaffUser": "Staff"}


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

    def _chosen_device(self, user: Any) -> Any:
        """A person has one device, so nobody is asked to choose."""
        return next(iter(devices_for_user(user, for_verify=True)), None)

    def _update_form(self, user: Any) -> None:
        """The library would send the password back within the page."""

    def clean(self) -> dict[str, Any]:
        """The password first, then the code of the person that it belongs to."""
        self.cleaned_data = super().clean() or {}
        if self.cleaned_data.get("otp_token") or not settings.STAFF_CODE_OPTIONAL:
            self.clean_otp(self.get_user())
        return self.cleaned_data


class OfferhubAdminSite(AdminSite):
    """Django's admin under our name, with our own pages only."""

    site_header = "Offerhub desk"
    site_title = "Offerhub desk"
    index_title = "Home"
    login_form = SignInForm
    login_template = "admin/sign_in.html"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,
    ) -> None:
        """Take read-only pages, and leave out those that libraries bring for their own tables.

        Those would change groups, show the secrets of one-time codes, and delete the log of
        sign-ins, all past our services.
        """
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff whose one-time code was right in this session."""
        verified = settings.STAFF_CODE_OPTIONAL or cast(Any, request.user).is_verified()
        return super().has_permission(request) and bool(verified)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Django does it, and the audit says how it ended."""
        return doors.signing_in(request, partial(super().login, request, extra_context))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The same."""
        return doors.signing_out(request, partial(super().logout, request, extra_context))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The same."""
        return doors.changing_password(
            request, partial(super().password_change, request, extra_context)
        )

    def get_urls(self) -> list[Any]:
        """The desk's own pages, then the records."""
        from offerhub.desk.urls import desk_urls  # its pages need the site

        return desk_urls(self) + super().get_urls()

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Home, for whoever may look; who has no role yet is told so."""
        from offerhub.desk.home import home

        if may(request, Right.VIEW):
            return home(request)
        return super().index(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The menu, where staff are not called users, who are buyers and sellers here."""
        apps: list[Any] = super().get_app_list(request, app_label)
        for row in (row for app in apps for row in app["models"]):
            row["name"] = NAMES.get(row["object_name"], row["name"])
        return apps

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page knows the network, so that nobody takes play money for real."""
        return {
            **super().each_context(request),
            **menu(self, request),
            "network": settings.OFFERHUB_NETWORK,
            "code_optional": settings.STAFF_CODE_OPTIONAL,
        }
