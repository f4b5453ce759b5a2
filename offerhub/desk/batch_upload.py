"""Uploading a list of withdrawals: looked at line by line, proposed, and decided by another."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from offerhub.approvals.models import Proposal
from offerhub.core.errors import Refusal
from offerhub.core.ids import has_prefix, new_id
from offerhub.core.money import parse_amount
from offerhub.desk.acting import Acting
from offerhub.desk.approvals import decide, deciding, find
from offerhub.desk.batches import UPLOAD
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.roles import Right
from payouts import sheets, uploads
from payouts.batches import MOST


class UploadForm(forms.Form):
    """A file at first; after the preview what was read of it, which is read again."""

    batch_id = forms.CharField(max_length=32, widget=forms.HiddenInput)
    marketplace = forms.ModelChoiceField(Marketplace.objects.order_by("name"))
    file = forms.FileField(
        required=False,
        label="CSV file",
        help_text=f"At most {MOST} lines. The first one names the columns: userId, amount, "
        "destination (or destinationId), memo, memoType, reference.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
    )
    content = forms.CharField(
        required=False, strip=False, max_length=sheets.MOST_BYTES, widget=forms.HiddenInput
    )
    name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_batch_id(self) -> str:
        """Made with the form, so that a second click is found."""
        name: str = self.cleaned_data["batch_id"]
        if not has_prefix(name, "wba"):
            raise forms.ValidationError("Open the form anew.")
        return name

    def text(self) -> tuple[str, str, str]:
        """The list, what its file is called, and how it was read. Raises InvalidRequest."""
        sent = self.cleaned_data["file"]
        if sent is None:
            return self.cleaned_data["content"], self.cleaned_data["name"], ""
        text, encoding = sheets.decode(sent.read(sheets.MOST_BYTES + 1))
        return text, str(sent.name)[-200:], encoding


@page("batches/new/", "batch_new", look=UPLOAD, act=UPLOAD)
def new(request: HttpRequest) -> HttpResponse:
    """First the file, then what is in it, then the proposal with a second press."""
    if request.method != "POST":
        return _draw(request, UploadForm(initial={"batch_id": new_id("wba")}))
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _draw(request, form, status=422)
    marketplace = form.cleaned_data["marketplace"]
    try:
        text, name, encoding = form.text()
        found = uploads.preview(marketplace_id=marketplace.pk, text=text)
    except Refusal as refusal:
        return _draw(request, form, refusal=refusal)
    looked = _looked_at(form, text, name, found)
    if request.POST.get("step") != "propose":
        return _draw(request, looked, preview=found, encoding=encoding, name=name)
    return _propose(request, form, looked, found)


def _propose(
    request: HttpRequest, form: UploadForm, looked: UploadForm, found: uploads.Preview
) -> HttpResponse:
    data = form.cleaned_data

    def change(acting: Acting) -> str:
        proposal = uploads.propose(
            marketplace_id=data["marketplace"].pk,
            batch_id=data["batch_id"],
            name=data["name"],
            shown=data["shown"],
            found=found,
            actor=acting.actor,
        )
        acting.after = {"proposal": proposal.id, "digest": proposal.digest}
        return f"{len(found.good)} withdrawals were proposed. Somebody else must approve them."

    return act(
        request,
        "batch.proposed",
        change,
        to=reverse("admin:approvals"),
        again=lambda refusal: _draw(request, looked, refusal=refusal, preview=found),
        subject=data["batch_id"],
        marketplace=data["marketplace"].pk,
    )


def _looked_at(form: UploadForm, text: str, name: str, found: uploads.Preview) -> UploadForm:
    """The form of the second press: the list as it was read, and what was shown of it."""
    data = form.cleaned_data
    kept = {"batch_id": data["batch_id"], "marketplace": data["marketplace"].pk}
    return UploadForm(initial={**kept, "content": text, "name": name, "shown": found.digest})


def _draw(request: HttpRequest, form: UploadForm, **more: Any) -> HttpResponse:
    return show(
        request,
        "desk/batch_new.html",
        title="Upload a list of withdrawals",
        crumbs=[Crumb("Batches", reverse("admin:batches"))],
        form=form,
        most=MOST,
        **more,
    )


# --- the second person ------------------------------------------------------------------------
@page(
    "approvals/batches/<str:proposal_id>/",
    "batch_approval",
    look=Right.VIEW,
    act=Right.APPROVE_WITHDRAWAL,
)
def decision(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Every line of what is agreed to; approve or reject."""
    proposal = find(proposal_id, uploads.KIND)
    if request.method == "POST":
        return decide(request, proposal, _show, uploads.approve, uploads.reject, "batch")
    return _show(request, proposal)


@page(
    "approvals/batches/<str:proposal_id>/take-back/",
    "batch_take_back",
    look=Right.VIEW,
    act=UPLOAD,
)
def take_back(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """By whoever proposed it."""
    proposal = find(proposal_id, uploads.KIND)
    back = reverse("admin:batch_approval", args=[proposal.pk])
    if request.method != "POST":
        return HttpResponseRedirect(back)

    def change(acting: Acting) -> str:
        uploads.take_back(proposal_id=proposal.pk, actor=acting.actor)
        acting.before, acting.after = {"status": "OPEN"}, {"status": "WITHDRAWN"}
        return "The proposal was taken back."

    return act(
        request,
        "batch.taken_back",
        change,
        to=reverse("admin:approvals"),
        again=lambda refusal: _show(request, proposal, refusal),
        subject=proposal.subject,
        marketplace=proposal.marketplace_id,
    )


def _show(request: HttpRequest, proposal: Proposal, refusal: Refusal | str = "") -> HttpResponse:
    items = proposal.payload["items"]
    return show(
        request,
        "desk/approval_batch.html",
        title="Batch of withdrawals",
        refusal=refusal,
        items=[{**item, "stroops": parse_amount(item["amount"])} for item in items],
        marketplace=Marketplace.objects.get(pk=proposal.marketplace_id),
        **deciding(request, proposal, Right.APPROVE_WITHDRAWAL),
    )
