"""The forms with which staff make and change keys and people."""

from datetime import timedelta
from typing import Any

from django import forms

from offerhub.core import clock
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.roles import Role
from offerhub.marketplaces.scopes import DESCRIPTIONS


class NewKeyForm(forms.Form):
    """A key has no scope unless it is given one."""

    marketplace = forms.ModelChoiceField(Marketplace.objects.order_by("name"))
    name = forms.CharField(max_length=100, help_text="Who calls with it, such as “web shop”.")
    days = forms.IntegerField(
        label="Expires after days", required=False, min_value=1, max_value=3650
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, f"{scope.value}: {text}") for scope, text in DESCRIPTIONS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def arguments(self) -> dict[str, Any]:
        """For `services.create_api_key`."""
        data = self.cleaned_data
        return {
            "marketplace_id": data["marketplace"].pk,
            "name": data["name"],
            "scopes": data["scopes"],
            "expires_at": clock.now() + timedelta(days=data["days"]) if data["days"] else None,
        }


class RotateForm(forms.Form):
    """How long the old key goes on working beside the new one."""

    hours = forms.IntegerField(
        label="The old key works for hours", initial=24, min_value=0, max_value=7 * 24
    )


class RolesForm(forms.Form):
    """What a person may do."""

    roles = forms.MultipleChoiceField(
        choices=[(role.value, role.value.replace("_", " ")) for role in Role],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    is_active = forms.BooleanField(label="May sign in", required=False)


class NewStaffForm(forms.Form):
    """A person of the back-office."""

    username = forms.CharField(max_length=150)
    email = forms.EmailField(required=False)
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )
    roles = forms.MultipleChoiceField(
        choices=[(role.value, role.value.replace("_", " ")) for role in Role],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
