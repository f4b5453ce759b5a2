"""The forms of a case page. What they hold is checked again by the services."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from disputes.models import Dispute, Reason
from disputes.shares import CENT
from disputes.states import PARTIES
from offerhub.core.errors import FieldError, InvalidRequest
from offerhub.core.money import format_amount, parse_amount
from orders.plans import Share

PARTY = [(party.value, party.label) for party in PARTIES]


class CaseForm(forms.Form):
    """Every form says which version of the case it was drawn from."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"{type(self).__name__.lower()}_%s"
        super().__init__(*args, **kwargs)


class MessageForm(CaseForm):
    """To both parties."""

    text = forms.CharField(
        max_length=4000, label="Message to both parties", widget=forms.Textarea(attrs={"rows": 3})
    )


class AskForm(CaseForm):
    """To a party, who must answer; the clocks stand meanwhile."""

    party = forms.ChoiceField(choices=PARTY, label="Ask")
    text = forms.CharField(
        max_length=4000, label="What is missing", widget=forms.Textarea(attrs={"rows": 3})
    )


class NoteForm(CaseForm):
    """For staff alone."""

    text = forms.CharField(
        max_length=4000, label="Internal note", widget=forms.Textarea(attrs={"rows": 3})
    )


class VerdictForm(CaseForm):
    """Of a second person, on exactly the proposal that the page showed."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    note = forms.CharField(
        max_length=2000, required=False, label="Note", widget=forms.Textarea(attrs={"rows": 3})
    )


class ProposalForm(CaseForm):
    """The seller's part of each disputed milestone; the buyer's is always what is left."""

    reason = forms.ChoiceField(label="Reason shown to both parties")
    text = forms.CharField(
        max_length=2000,
        label="Text shown to both parties",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    note = forms.CharField(
        max_length=2000,
        required=False,
        label="Internal note",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, dispute: Dispute, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dispute = dispute
        reasons = Reason.objects.filter(use=Reason.Use.DECISION, is_active=True)
        choices = [("", "Choose a reason"), *((one.code, one.label) for one in reasons)]
        self.fields["reason"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """With `shares`, read from the amounts of the milestones."""
        cleaned = super().clean() or {}
        try:
            cleaned["shares"] = read_shares(self.dispute, self.data)
        except InvalidRequest as refusal:
            raise forms.ValidationError(refusal.detail) from None
        return cleaned


def field_of(milestone_id: str) -> str:
    """The name of the field with the seller's part."""
    return f"seller_{milestone_id}"


def read_shares(dispute: Dispute, data: Mapping[str, Any]) -> list[Share]:
    """The shares that a form or an address names. Raises InvalidRequest naming the milestone."""
    shares = []
    for row in dispute.milestones.all():
        milestone = row.milestone
        name, text = milestone.ref, str(data.get(field_of(milestone.pk), "")).strip()
        seller = 0 if _is_zero(text) else parse_amount(text, places=2, field=name)
        if seller > milestone.amount:
            raise _too_much(name, milestone.amount)
        shares.append(Share(milestone.pk, seller, milestone.amount - seller))
    return shares


def _is_zero(text: str) -> bool:
    try:
        return Decimal(text).is_zero() and not text.startswith("-")
    except InvalidOperation:
        return False


def _too_much(name: str, amount: int) -> InvalidRequest:
    message = f"has {format_amount(amount)} USDC, and the seller can not get more"
    return InvalidRequest(errors=[FieldError(name, "too_much", message)])


def starting_points(dispute: Dispute, numerator: int, denominator: int) -> dict[str, str]:
    """A part of each milestone for the seller, rounded down to the cent, as the fields take it."""
    return {
        field_of(row.milestone_id): format_amount(
            row.milestone.amount * numerator // denominator // CENT * CENT
        )
        for row in dispute.milestones.all()
    }
