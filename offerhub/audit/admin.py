"""The audit at the desk: to search, to verify, and to take its daily heads away."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from offerhub.audit import services
from offerhub.audit.models import StaffAction
from offerhub.core.admin import ReadOnlyAdmin
from offerhub.core.rights import asks


@admin.register(StaffAction)
class StaffActionAdmin(ReadOnlyAdmin):
    """Whoever may look at the desk may see who did what on it."""

    list_display = ("position", "at", "action", "username", "subject", "reason", "address")
    list_filter = ("action", "at", "username")
    search_fields = ("=subject", "=actor", "=username", "=request_id", "=address", "=marketplace")
    ordering = ("-position",)
    change_list_template = "audit/list.html"

    def get_urls(self) -> list[URLPattern]:
        """The chain's own pages before Django's."""
        view = self.admin_site.admin_view
        own = [
            path("chain/", view(asks(self.right, self.right)(self.chain)), name="audit_chain"),
            path("heads.txt", view(asks(self.right)(self.heads)), name="audit_heads"),
        ]
        return own + super().get_urls()

    @method_decorator([never_cache, csrf_protect])
    def chain(self, request: HttpRequest) -> HttpResponseBase:
        """The newest digest; posting reads the whole chain and says whether it holds."""
        found = services.verify() if request.method == "POST" else None
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Chain of the audit",
            "head": services.head(),
            "bad": found if isinstance(found, services.FirstBadRow) else None,
            "good": found if isinstance(found, services.Verified) else None,
        }
        return TemplateResponse(request, "audit/chain.html", context)

    @method_decorator(never_cache)
    def heads(self, request: HttpRequest) -> HttpResponse:
        """The last digest of each day, as text."""
        answer = HttpResponse(services.heads_text(), content_type="text/plain; charset=utf-8")
        answer.headers["Content-Disposition"] = 'attachment; filename="audit-heads.txt"'
        return answer
