"""Tenants, keys and staff in the back-office.

Whatever is changed here goes through a service, on a page of its own: GET shows the form, POST does
it. A secret is shown once, in the answer that made it, and is never put into a session or message.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from offerhub.audit.acting import Acting, staff_action
from offerhub.audit.acting import actor_of as actor_of
from offerhub.core import clock
from offerhub.core.admin import ReadOnlyAdmin
from offerhub.core.errors import Refusal
from offerhub.core.sessions import ask_for_code
from offerhub.marketplaces import services, staff
from offerhub.marketplaces.forms import (
    MarketplaceForm,
    NewKeyForm,
    NewStaffForm,
    RolesForm,
    RotateForm,
)
from offerhub.marketplaces.models import ApiKey, Marketplace, StaffUser
from offerhub.marketplaces.roles import Right, asks, may

guarded = [never_cache, csrf_protect, sensitive_post_parameters()]


def sent(request: HttpRequest) -> Any:
    """What a form is filled with: nothing when the page is only looked at."""
    return request.POST if request.method == "POST" else None


class PagesAdmin(ReadOnlyAdmin):
    """Rows to look at, with pages that change them through services."""

    # The pages of one row: name in the address, and the label of the link.
    pages: Sequence[tuple[str, str]] = ()
    change_form_template = "marketplaces/row.html"
    acts: str = ""  # the right that its pages ask for
    adds: str | None = None  # the right to make one, where it is another; "" is nobody's

    def may_change(self, request: HttpRequest) -> bool:
        """Whether this person may use the pages."""
        return may(request, self.acts)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Making one is a page too."""
        right = self.acts if self.adds is None else self.adds
        return bool(right) and may(request, right)

    def get_urls(self) -> list[URLPattern]:
        """The pages of a row before Django's own."""
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(asks(self.acts, self.acts)(getattr(self, name))),
                name=f"marketplaces_{self.opts.model_name}_{name}",
            )
            for name, _ in self.pages
        ]
        return own + super().get_urls()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """A row, with the links to its pages for whoever may use them."""
        links = self.pages if self.may_change(request) else ()
        context = {**(extra_context or {}), "pages": links}
        return super().changeform_view(request, object_id, form_url, context)

    def asking(self, request: HttpRequest) -> HttpResponseBase | None:
        """What stands before making one, on Django's own route: the right, and the code again."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return ask_for_code(request) if request.method == "POST" else None

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """The row of a page, for whoever may change it."""
        if not self.may_change(request):
            raise PermissionDenied
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def ask(
        self,
        request: HttpRequest,
        form: forms.Form,
        title: str,
        act: Callable[[], HttpResponseBase],
        about: str = "",
    ) -> HttpResponseBase:
        """Show the form; on POST do what it asks for, and say why if that is refused."""
        if request.method == "POST" and form.is_valid():
            try:
                return act()
            except Refusal as refusal:
                form.add_error(None, refusal.detail)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "about": about,
            "form": form,
        }
        return TemplateResponse(request, "marketplaces/ask.html", context)

    def show_once(
        self, request: HttpRequest, title: str, about: str, secret: str
    ) -> HttpResponseBase:
        """The one page that a secret is ever on."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "about": about,
            "secret": secret,
        }
        return TemplateResponse(request, "marketplaces/shown_once.html", context)

    def back(self, object_id: Any) -> HttpResponseRedirect:
        """To the row."""
        name = f"admin:marketplaces_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[object_id]))


@admin.register(Marketplace)
class MarketplaceAdmin(PagesAdmin):
    list_display = ("id", "name", "platform_fee_percent", "created_at")
    search_fields = ("=id", "name")
    acts = Right.OPERATE
    adds = ""  # with its wallets, by a command
    pages = (("settings", "Settings"),)

    @method_decorator(guarded)
    def settings(self, request: HttpRequest, object_id: str) -> Any:
        """What its new orders are made with."""
        row = self.row(request, object_id)
        policy = row.release_policy or {"after": "", "from": "FUNDED"}
        kept = (
            *("name", "platform_fee_percent", "max_platform_fee_percent"),
            *("refund_fees_borne_by", "release_policy"),
        )
        before = {name: getattr(row, name) for name in kept}
        initial = {**before, "after": policy["after"], "starts": policy["from"]}
        form = MarketplaceForm(sent(request), initial=initial)

        def act() -> HttpResponseBase:
            named: Any = {"subject": row.pk, "marketplace": row.pk}
            with staff_action(request, "marketplace.updated", before=before, **named) as acting:
                acting.after = form.arguments()
                services.update_marketplace(
                    marketplace_id=row.pk, **acting.after, actor=acting.actor
                )
            return self.back(row.pk)

        return self.ask(request, form, f"Settings of {row}", act)


@admin.register(ApiKey)
class ApiKeyAdmin(PagesAdmin):
    list_display = ("prefix", "name", "marketplace", "state", "last_used_at", "created_at")
    list_filter = ("marketplace",)
    search_fields = ("=id", "=prefix", "name")
    list_select_related = ("marketplace",)
    right = acts = Right.OPERATE
    pages = (("rotate", "Rotate"), ("revoke", "Revoke"))

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """In words."""
        if key.revoked_at is not None:
            return "revoked"
        return "works" if key.is_usable(clock.now()) else "expired"

    @method_decorator(guarded)
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Make a key and show it once."""
        asking = self.asking(request)
        if asking is not None:
            return asking
        form = NewKeyForm(sent(request))

        def act() -> HttpResponseBase:
            with staff_action(request, "api_key.created") as acting:
                made = services.create_api_key(**form.arguments(), actor=acting.actor)
                acting.subject, acting.marketplace = made.key.pk, made.key.marketplace_id
                acting.after = _told(made.key)
            return self._shown(request, made)

        return self.ask(request, form, "New API key", act)

    @method_decorator(guarded)
    def rotate(self, request: HttpRequest, object_id: str) -> Any:
        """Make its successor and show it once."""
        key = self.row(request, object_id)
        form = RotateForm(sent(request))

        def act() -> HttpResponseBase:
            overlap = timedelta(hours=form.cleaned_data["hours"])
            with _on(request, "api_key.rotated", key) as acting:
                made = services.rotate_api_key(key_id=key.pk, overlap=overlap, actor=acting.actor)
                acting.after = {**_told(ApiKey.objects.get(pk=key.pk)), "newKeyId": made.key.pk}
            return self._shown(request, made)

        return self.ask(request, form, f"Rotate {key}", act)

    @method_decorator(guarded)
    def revoke(self, request: HttpRequest, object_id: str) -> Any:
        """End it."""
        key = self.row(request, object_id)

        def act() -> HttpResponseBase:
            with _on(request, "api_key.revoked", key) as acting:
                acting.after = _told(services.revoke_api_key(key_id=key.pk, actor=acting.actor))
            return self.back(key.pk)

        about = "Every call with this key is refused from now on. This cannot be undone."
        return self.ask(request, forms.Form(sent(request)), f"Revoke {key}", act, about)

    def _shown(self, request: HttpRequest, made: services.NewKey) -> HttpResponseBase:
        about = "Copy the key now. It is stored nowhere and cannot be shown again."
        return self.show_once(request, f"API key {made.key.name}", about, made.token)


@admin.register(StaffUser)
class StaffUserAdmin(PagesAdmin):
    """A right of no role: whoever changes people could give themselves any other."""

    right = acts = Right.MANAGE_STAFF
    list_display = ("username", "email", "roles", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("=public_id", "username", "=email")
    ordering = ("username",)
    pages = (("change_roles", "Roles and access"), ("replace_device", "New one-time code device"))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """These few: a password's hash is nobody's business."""
        names = ["username", "email", "is_active", "is_superuser", "date_joined", "last_login"]
        return [self._as_shown(name) for name in names]

    @admin.display(description="roles")
    def roles(self, user: StaffUser) -> str:
        """By name."""
        return ", ".join(sorted(group.name for group in user.groups.all()))

    @method_decorator(guarded)
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Make a person and show the secret of their device once."""
        asking = self.asking(request)
        if asking is not None:
            return asking
        form = NewStaffForm(sent(request))

        def act() -> HttpResponseBase:
            with staff_action(request, "staff.created") as acting:
                made = staff.create_staff(**form.cleaned_data)
                acting.subject, acting.after = made.user.public_id, _person(made.user)
            return self._shown(request, made)

        return self.ask(request, form, "New person", act)

    @method_decorator(guarded)
    def change_roles(self, request: HttpRequest, object_id: str) -> Any:
        """What they may do, and whether they may sign in."""
        user = self.row(request, object_id)
        roles = [group.name for group in user.groups.all()]
        form = RolesForm(sent(request), initial={"roles": roles, "is_active": user.is_active})

        def act() -> HttpResponseBase:
            with staff_action(request, "staff.roles_changed", subject=user.public_id) as acting:
                acting.before = _person(staff.lock(user.public_id))
                changed = staff.update_staff(public_id=user.public_id, **form.cleaned_data)
                acting.after = _person(changed)
            return self.back(user.pk)

        return self.ask(request, form, f"Roles of {user}", act)

    @method_decorator(guarded)
    def replace_device(self, request: HttpRequest, object_id: str) -> Any:
        """For somebody who lost theirs."""
        user = self.row(request, object_id)

        def act() -> HttpResponseBase:
            with staff_action(request, "staff.device_replaced", subject=user.public_id):
                made = staff.replace_device(public_id=user.public_id)
            return self._shown(request, made)

        about = "The codes of their present device stop working at once."
        form = forms.Form(sent(request))
        return self.ask(request, form, f"New device for {user}", act, about)

    def _shown(self, request: HttpRequest, made: staff.NewStaff) -> HttpResponseBase:
        about = "Enter this secret into the person's authenticator now. It is not shown again."
        return self.show_once(request, f"One-time codes of {made.user}", about, made.totp_secret)


def _on(request: HttpRequest, action: str, key: ApiKey) -> AbstractContextManager[Acting]:
    """An action on a key, which the audit shows as it was."""
    named = {"subject": key.pk, "marketplace": key.marketplace_id}
    return staff_action(request, action, before=_told(key), **named)


def _told(key: ApiKey) -> dict[str, Any]:
    """What the audit tells of a key: nothing that opens anything."""
    names = ("name", "prefix", "scopes", "expires_at", "revoked_at")
    return {name: getattr(key, name) for name in names}


def _person(user: StaffUser) -> dict[str, Any]:
    """What the audit tells of a person."""
    return {
        "username": user.username,
        "roles": sorted(user.groups.values_list("name", flat=True)),
        "isActive": user.is_active,
    }
