"""The search box: one hit opens its record, several are a list, none says what was understood."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from offerhub.desk.finding import Found, find
from offerhub.desk.pages import page, show
from offerhub.marketplaces.roles import Right


@page("search/", "search", look=Right.VIEW)
def search(request: HttpRequest) -> HttpResponse:
    """`?q=`: any of our ids, an address, a hash, `#ledger`, a reference or an e-mail."""
    asked = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = find(asked) if asked else Found("", [])
    if len(found.hits) == 1:
        return HttpResponseRedirect(found.hits[0].address)
    return show(request, "desk/search.html", title="Search", asked=asked, found=found)
