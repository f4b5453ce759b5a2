"""The forms with which staff make and change keys and people."""

from datetime import timedelta
from typing import Any

from django import forms

from offerhub.core import clock
from offerhub.core.durations import format_duration, parse_duration
from offerhub.marketplaces.models import Marketplace, RefundFees
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


class MarketplaceForm(forms.Form):
    """What a marketplace's new orders are made with."""

    name = forms.CharField(max_length=100)
    platform_fee_percent = forms.IntegerField(
        label="Marketplace's fee in percent",
        min_value=0,
        max_value=90,
        help_text="Of each amount that leaves a contract. Contracts that exist keep theirs.",
    )
    max_platform_fee_percent = forms.IntegerField(
        label="Highest fee of an order in percent",
        min_value=0,
        max_value=90,
        required=False,
        help_text="An order may bring a fee of its own up to this; empty: up to the one above.",
    )
    refund_fees_borne_by = forms.ChoiceField(
        label="Fees on refunds are borne by",
        choices=[
            (RefundFees.BUYER.value, "the buyer, who gets back what the contract pays"),
            (RefundFees.MARKETPLACE.value, "the marketplace, so that the buyer gets all back"),
        ],
        required=False,
        help_text="The marketplace pays the difference from its platform wallet. New orders only.",
    )
    after = forms.CharField(
        label="Released by itself after",
        required=False,
        max_length=20,
        help_text="Such as P7D for seven days or PT1H for an hour; empty: never. "
        "For orders that bring no release policy of their own.",
    )
    starts = forms.ChoiceField(
        label="Counted from",
        choices=[
            ("FUNDED", "funding"),
            ("SHIPPED", "shipment"),
            ("COMPLETED", "the seller's completion"),
        ],
    )

    def clean_after(self) -> str:
        """In the one form that is kept."""
        text: str = self.cleaned_data["after"].strip()
        if not text:
            return ""
        try:
            length = parse_duration(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if not timedelta(minutes=1) <= length <= timedelta(days=365):
            raise forms.ValidationError("From a minute to 365 days")
        return format_duration(length)

    def arguments(self) -> dict[str, Any]:
        """For `services.update_marketplace`."""
        data = self.cleaned_data
        policy = {"after": data["after"], "from": data["starts"]} if data["after"] else None
        return {
            "name": data["name"],
            "platform_fee_percent": data["platform_fee_percent"],
            "max_platform_fee_percent": data["max_platform_fee_percent"],
            "refund_fees_borne_by": data["refund_fees_borne_by"] or RefundFees.BUYER.value,
            "release_policy": policy,
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
