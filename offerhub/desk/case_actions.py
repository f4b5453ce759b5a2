"""What staff do on the page of a case. Each is a POST to one service; a refusal changes nothing and
shows the page again, with the sentence and what was written."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from disputes import following, resolution, services
from disputes.models import Dispute
from disputes.states import Party
from offerhub.core.actor import Actor
from offerhub.core.errors import NotFound, Refusal
from offerhub.desk import case as pages
from offerhub.desk.acting import staff_action
from offerhub.desk.case_forms import (
    AskForm,
    CaseForm,
    MessageForm,
    NoteForm,
    ProposalForm,
    VerdictForm,
)
from offerhub.desk.pages import page
from offerhub.marketplaces.models import StaffUser
from offerhub.marketplaces.roles import Right

View = Callable[..., HttpResponse]


def _action(name: str, right: str) -> Callable[[View], View]:
    """A page that only takes POST, for those with the right."""

    def wrap(view: View) -> View:
        route = f"cases/<str:dispute_id>/{name.replace('_', '-')}/"
        return page(route, f"case_{name}", look=Right.VIEW, act=right)(require_POST(view))

    return wrap


def _do(
    request: HttpRequest,
    dispute_id: str,
    name: str,
    form: forms.Form,
    change: Callable[[Actor, dict[str, Any]], Any],
    reason: str = "",
) -> HttpResponse:
    """Run the change with its line in the audit, or show the page with what was refused."""
    dispute = pages.get_case(dispute_id)
    action = f"dispute.{name}"
    if not form.is_valid():
        return _again(request, dispute, name, form, _complaints(form))
    try:
        with staff_action(
            request, action, subject=dispute_id, reason=reason, marketplace=dispute.marketplace_id
        ) as act:
            act.before = _state(dispute_id)
            change(act.actor, form.cleaned_data)
            act.after = _state(dispute_id)
    except Refusal as refusal:
        return _again(request, pages.get_case(dispute_id), name, form, refusal.detail)
    return HttpResponseRedirect(reverse("admin:case", args=[dispute_id]))


def _again(
    request: HttpRequest, dispute: Dispute, name: str, form: forms.Form, why: str
) -> HttpResponse:
    """With the texts as they were written, and the version of now."""
    form.data = QueryDict(mutable=True)
    form.data.update({**request.POST.dict(), "version": str(dispute.version)})
    return pages.drawn(request, dispute, refusal=why, forms={name: form}, status=409)


def _complaints(form: forms.Form) -> str:
    return " ".join(
        f"{'' if field == '__all__' else field.capitalize() + ': '}{error}"
        for field, errors in form.errors.items()
        for error in errors
    )


def _state(dispute_id: str) -> dict[str, Any]:
    row = Dispute.objects.select_related("assignee").get(pk=dispute_id)
    return {
        "status": row.status,
        "version": row.version,
        "assignee": row.assignee.public_id if row.assignee else None,
        "decision": row.decision or None,
        "proposal": row.proposal_id or None,
    }


@_action("assign", Right.WORK_CASES)
def assign(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Take the case (`to=me`), give it to a colleague (their public id), or release it (empty)."""
    wanted = request.POST.get("to", "")

    def change(actor: Actor, data: dict[str, Any]) -> None:
        services.assign(
            dispute_id=dispute_id,
            to=_colleague(request, wanted),
            actor=actor,
            expected_version=data["version"],
        )

    return _do(request, dispute_id, "assign", CaseForm(request.POST), change)


def _colleague(request: HttpRequest, wanted: str) -> StaffUser | None:
    if not wanted:
        return None
    public_id = request.user.public_id if wanted == "me" else wanted  # type: ignore[union-attr]
    found = StaffUser.objects.filter(public_id=public_id, is_active=True, is_staff=True).first()
    if found is None:
        raise NotFound("There is no such colleague")
    return found


@_action("note", Right.WORK_CASES)
def note(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """A word among staff."""

    def change(actor: Actor, data: dict[str, Any]) -> None:
        author = StaffUser.objects.get(username=request.user.get_username())
        services.write_note(dispute_id=dispute_id, author=author, text=data["text"])

    return _do(request, dispute_id, "note", NoteForm(request.POST), change)


@_action("message", Right.WORK_CASES)
def message(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """A line to both parties."""
    marketplace = pages.get_case(dispute_id).marketplace_id

    def change(actor: Actor, data: dict[str, Any]) -> None:
        services.write_message(
            marketplace_id=marketplace,
            dispute_id=dispute_id,
            sender=Party.STAFF,
            text=data["text"],
            actor=actor,
        )

    return _do(request, dispute_id, "message", MessageForm(request.POST), change)


@_action("ask", Right.WORK_CASES)
def ask(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Ask a party for more; the clocks stand."""

    def change(actor: Actor, data: dict[str, Any]) -> None:
        services.ask_party(
            dispute_id=dispute_id,
            party=Party(data["party"]),
            text=data["text"],
            actor=actor,
            expected_version=data["version"],
        )

    return _do(request, dispute_id, "ask", AskForm(request.POST), change)


@_action("propose", Right.PROPOSE_RESOLUTION)
def propose(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Propose how the money is divided; settled at once when nobody else must agree."""
    form = ProposalForm(pages.get_case(dispute_id), request.POST)

    def change(actor: Actor, data: dict[str, Any]) -> None:
        resolution.propose(
            dispute_id=dispute_id,
            marketplace_id=None,
            shares=data["shares"],
            text=data["text"],
            reason_code=data["reason"],
            note=data["note"],
            actor=actor,
            expected_version=data["version"],
        )

    return _do(request, dispute_id, "proposal", form, change, request.POST.get("reason", ""))


@_action("verdict", Right.APPROVE_RESOLUTION)
def verdict(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """A second person agrees or does not, to exactly the proposal that the page showed."""
    approves = request.POST.get("verdict") == "approve"

    def change(actor: Actor, data: dict[str, Any]) -> None:
        decide = resolution.approve if approves else resolution.reject
        decide(
            proposal_id=pages.get_case(dispute_id).proposal_id,
            digest=data["digest"],
            actor=actor,
            note=data["note"],
            expected_version=data["version"],
        )

    name = "approve" if approves else "reject"
    form = VerdictForm(request.POST)
    return _do(request, dispute_id, name, form, change, request.POST.get("note", ""))


@_action("take_back", Right.PROPOSE_RESOLUTION)
def take_back(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Who proposed takes it back."""

    def change(actor: Actor, data: dict[str, Any]) -> None:
        resolution.take_back(proposal_id=pages.get_case(dispute_id).proposal_id, actor=actor)

    return _do(request, dispute_id, "take_back", CaseForm(request.POST), change)


@_action("retry", Right.PROPOSE_RESOLUTION)
def retry(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """After a freeze or settlement that failed: ask the contract again, or decide anew."""
    service = following.review_again if request.POST.get("how") == "reopen" else following.retry

    def change(actor: Actor, data: dict[str, Any]) -> None:
        service(dispute_id=dispute_id, actor=actor, expected_version=data["version"])

    return _do(request, dispute_id, "retry", CaseForm(request.POST), change)
