"""The page on which an adjustment of the books is proposed: written, previewed, and then sent."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from ledger import adjustments
from ledger.adjustments import Change, Reason
from ledger.models import Account
from offerhub.core.errors import FieldError, InvalidRequest, Refusal
from offerhub.core.ids import has_prefix, new_id
from offerhub.core.money import parse_amount
from offerhub.desk.acting import Acting
from offerhub.desk.approvals import find, show_adjustment
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right

DIRECTIONS = (("grow", "grows by"), ("shrink", "shrinks by"))


class AdjustmentForm(forms.Form):
    """One or two accounts, by how much each grows or shrinks, and why."""

    adjustment_id = forms.CharField(max_length=32, widget=forms.HiddenInput)
    account = forms.CharField(max_length=32, label="Account", help_text="Its id: acc_…")
    direction = forms.ChoiceField(choices=DIRECTIONS)
    amount = forms.CharField(max_length=30, help_text="In the account's asset, such as 12.50")
    other_account = forms.CharField(max_length=32, required=False, label="Second account")
    other_direction = forms.ChoiceField(choices=DIRECTIONS, required=False)
    other_amount = forms.CharField(max_length=30, required=False, label="Its amount")
    reason = forms.ChoiceField(
        choices=[(reason.value, reason.value.replace("_", " ").capitalize()) for reason in Reason]
    )
    text = forms.CharField(
        min_length=10, max_length=500, widget=forms.Textarea(attrs={"rows": 3}), label="What for"
    )

    def clean_adjustment_id(self) -> str:
        """Made with the form, so that a second click is found."""
        name: str = self.cleaned_data["adjustment_id"]
        if not has_prefix(name, "adj"):
            raise forms.ValidationError("Open the form anew.")
        return name

    def changes(self) -> list[Change]:
        """What the service takes; raises InvalidRequest."""
        data = self.cleaned_data
        found = [_change(data["account"], data["direction"], data["amount"])]
        if data["other_account"]:
            found.append(
                _change(data["other_account"], data["other_direction"], data["other_amount"])
            )
        return found


def _change(account: str, direction: str, text: str) -> Change:
    amount = parse_amount(text.strip())
    return Change(account.strip(), amount if direction == "grow" else -amount)


@page(
    "approvals/new-adjustment/",
    "adjustment_new",
    look=Right.PROPOSE_ADJUSTMENT,
    act=Right.PROPOSE_ADJUSTMENT,
)
def new(request: HttpRequest) -> HttpResponse:
    """First shown, then previewed, then proposed with a second press."""
    if request.method != "POST":
        initial = {"adjustment_id": new_id("adj"), "account": request.GET.get("account", "")}
        return _draw(request, AdjustmentForm(initial=initial))
    form = AdjustmentForm(request.POST)
    if not form.is_valid():
        return _draw(request, form, status=422)
    if request.POST.get("step") != "propose":
        try:
            return _draw(request, form, lines=_preview(form))
        except Refusal as refusal:
            return _draw(request, form, refusal=refusal)

    def change(acting: Acting) -> str:
        data = form.cleaned_data
        proposal = adjustments.propose(
            marketplace_id=_marketplace(form),
            adjustment_id=data["adjustment_id"],
            changes=form.changes(),
            reason=data["reason"],
            text=data["text"],
            actor=acting.actor,
        )
        acting.subject, acting.marketplace = proposal.subject, proposal.marketplace_id
        acting.reason = data["text"]
        acting.after = {"proposal": proposal.id, **proposal.payload}
        return "The adjustment was proposed. Somebody else must approve it."

    return act(
        request,
        "adjustment.proposed",
        change,
        to=reverse("admin:approvals"),
        again=lambda refusal: _draw(request, form, refusal=refusal),
    )


@page(
    "approvals/adjustments/<str:proposal_id>/take-back/",
    "adjustment_take_back",
    look=Right.VIEW,
    act=Right.PROPOSE_ADJUSTMENT,
)
def take_back(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """By whoever proposed it."""
    proposal = find(proposal_id, adjustments.KIND)
    back = reverse("admin:adjustment", args=[proposal.pk])
    if request.method != "POST":
        return HttpResponseRedirect(back)

    def change(acting: Acting) -> str:
        adjustments.take_back(proposal_id=proposal.pk, actor=acting.actor)
        acting.before, acting.after = {"status": "OPEN"}, {"status": "WITHDRAWN"}
        return "The proposal was taken back."

    return act(
        request,
        "adjustment.taken_back",
        change,
        to=reverse("admin:approvals"),
        again=lambda refusal: show_adjustment(request, proposal, refusal),
        subject=proposal.subject,
        marketplace=proposal.marketplace_id,
    )


def _marketplace(form: AdjustmentForm) -> str:
    """The first account's; the service refuses a second account of another one."""
    account = Account.objects.filter(pk=form.cleaned_data["account"].strip()).first()
    if account is None:
        complaint = FieldError("account", "invalid_account", "is not the id of an account")
        raise InvalidRequest(errors=[complaint])
    return str(account.marketplace_id)


def _preview(form: AdjustmentForm) -> list[adjustments.PreviewLine]:
    tenant = _marketplace(form)
    legs = adjustments.legs_for(tenant, form.changes())
    return adjustments.preview(marketplace_id=tenant, legs=legs, reason=form.cleaned_data["reason"])


def _draw(request: HttpRequest, form: AdjustmentForm, **more: Any) -> HttpResponse:
    return show(
        request,
        "desk/adjustment_new.html",
        title="Adjust the books",
        crumbs=[Crumb("Approvals", reverse("admin:approvals"))],
        form=form,
        **more,
    )
