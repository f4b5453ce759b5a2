"""What a marketplace allows its withdrawals: limits, the address book, and the switch."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.core.errors import InvalidRequest, Refusal
from offerhub.core.money import format_amount, parse_amount
from offerhub.desk.acting import Acting
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.roles import Right, may
from payouts.addresses import policy_of
from payouts.policies import AMOUNTS, Rules, rules_of, set_rules, told_of


class LimitField(forms.CharField):
    """An amount of USDC as text; empty is no limit. Stroops inside."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label, required=False, max_length=30, help_text="In USDC; empty: no limit"
        )

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value)).strip()
        try:
            return parse_amount(text) if text else 0
        except InvalidRequest as refusal:
            raise forms.ValidationError(refusal.errors[0].message) from None


class RulesForm(forms.Form):
    """All rules of a marketplace's withdrawals."""

    most = LimitField("Most of one withdrawal")
    most_user_day = LimitField("Most of one user in 24 hours")
    most_day = LimitField("Most of the marketplace in 24 hours")
    address_book_only = forms.BooleanField(
        required=False, label="Pay to addresses of the user's address book only"
    )
    cooling_hours = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=30 * 24,
        label="Hours that a new address waits",
        help_text="Empty: as the installation says",
    )
    paused = forms.BooleanField(
        required=False,
        label="Withdrawals are paused",
        help_text="Nothing new is taken, and what is not signed yet waits.",
    )


@page(
    "marketplace/<str:marketplace_id>/payouts/",
    "payout_rules",
    look=Right.VIEW,
    act=Right.OPERATE,
)
def payout_rules(request: HttpRequest, marketplace_id: str) -> HttpResponse:
    """GET shows them, POST sets them."""
    rows = Marketplace.objects.select_related("payout_policy").filter(pk=marketplace_id)
    marketplace = rows.first()
    if marketplace is None:
        raise Http404
    before = rules_of(policy_of(marketplace))
    if request.method != "POST":
        return _draw(request, marketplace, RulesForm(initial=_initial(before)))
    form = RulesForm(request.POST)
    if not form.is_valid():
        return _draw(request, marketplace, form, status=422)
    rules = Rules(**form.cleaned_data)

    def change(acting: Acting) -> str:
        acting.before, acting.after = told_of(before), told_of(rules)
        set_rules(marketplace_id=marketplace.pk, rules=rules, actor=acting.actor)
        return "The rules hold from now on."

    return act(
        request,
        "payout_policy.updated",
        change,
        to=reverse("admin:payout_rules", args=[marketplace.pk]),
        again=lambda refusal: _draw(request, marketplace, form, refusal=refusal),
        subject=marketplace.pk,
        marketplace=marketplace.pk,
    )


def _initial(rules: Rules) -> dict[str, Any]:
    amounts = {
        name: format_amount(value) if (value := getattr(rules, name)) else "" for name in AMOUNTS
    }
    return {**vars(rules), **amounts}


def _draw(
    request: HttpRequest,
    marketplace: Marketplace,
    form: RulesForm,
    refusal: Refusal | str = "",
    status: int = 200,
) -> HttpResponse:
    return show(
        request,
        "desk/payout_rules.html",
        title=f"Withdrawals of {marketplace.name}",
        crumbs=[Crumb("Batches", reverse("admin:batches"))],
        refusal=refusal,
        status=status,
        form=form,
        cooling=settings.ADDRESS_COOLING_HOURS,
        may_change=may(request, Right.OPERATE),
    )
