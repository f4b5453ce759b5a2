"""The forms that make webhook endpoints, change them and give them new secrets."""

from typing import Any

from django import forms

from offerhub.events import catalog, endpoints
from offerhub.marketplaces.models import Marketplace

TOLD = ("url", "types", "description")
EVERY, CHOSEN = "every", "chosen"


class EndpointForm(forms.Form):
    """What endpoints are made of. The API's own rules judge it; this only reads."""

    url = forms.CharField(
        label="URL",
        max_length=500,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "spellcheck": "false", "placeholder": "https://…"}
        ),
        help_text="Events are posted to it. It begins with https:// and leads to a public address.",
    )
    description = forms.CharField(required=False, max_length=200, help_text="For people")
    hears = forms.ChoiceField(choices=[(EVERY, ""), (CHOSEN, "")])
    types = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.label_suffix = ""
        types: Any = self.fields["types"]
        areas = [f"{area}.*" for area in catalog.areas()]
        types.choices = [(name, name) for name in (*areas, *catalog.catalogue())]

    def clean(self) -> dict[str, Any]:
        """Nobody who chooses hears everything because nothing is ticked."""
        data: dict[str, Any] = self.cleaned_data
        if data.get("hears") == EVERY:
            data["types"] = []
        elif not data.get("types") and "types" not in self.errors:
            self.add_error("types", "Tick at least one, or choose every event.")
        return data

    def told(self) -> dict[str, Any]:
        """What the API would be sent."""
        return {name: self.cleaned_data[name] for name in TOLD}

    def areas(self) -> list[dict[str, Any]]:
        """The types by area, for the template, with what is ticked."""
        ticked = set(self["types"].value() or [])
        by_area: dict[str, list[tuple[catalog.EventType, bool]]] = {}
        for name, kind in catalog.catalogue().items():
            by_area.setdefault(kind.area, []).append((kind, name in ticked))
        return [
            {
                "whole": f"{area}.*",
                "ticked": f"{area}.*" in ticked,
                "types": types,
                "count": sum(is_ticked for _, is_ticked in types),
            }
            for area, types in by_area.items()
        ]


class NewEndpointForm(EndpointForm):
    """One more, of which marketplace."""

    id = forms.RegexField(r"^whk_[0-9a-z]{26}$", widget=forms.HiddenInput)
    marketplace = forms.ModelChoiceField(Marketplace.objects.order_by("name"))
    field_order = ("marketplace", "url", "description")


class ChangedEndpointForm(EndpointForm):
    """One that exists."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class VersionForm(forms.Form):
    """Nothing but what was looked at."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class SecretForm(VersionForm):
    """How long the old secret goes on signing beside the new one."""

    overlap = forms.IntegerField(
        label="The old secret signs as well for hours",
        label_suffix="",
        initial=int(endpoints.OVERLAP.total_seconds() // 3600),
        min_value=0,
        max_value=int(endpoints.LONGEST_OVERLAP.total_seconds() // 3600),
        help_text="Every delivery then carries two signatures. 0: the old one ends at once.",
    )
