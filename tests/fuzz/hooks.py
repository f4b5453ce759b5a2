"""What schemathesis loads beside its own checks (`hooks` in its configuration).

Two checks of ours, the few refusals of good data that no JSON Schema can foresee, and a count of
every request, which is written to the file `FUZZ_COUNTS` when the run ends.
"""

import atexit
import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

# What a 400 may say of data that the document takes, by its code (or what it is about): rules about
# what is there at the moment, about two fields together, about how a number was written, or about
# what a text means. Whatever else is refused with 400 is to be seen in the document.
BEYOND_A_SCHEMA: dict[str, str] = {
    "invalid_cursor": "one that this list answered",
    "out_of_range": "a length of time within limits",
    "number_out_of_range": "metadata, at any depth",
    "A text holds a NUL character": "metadata, at any depth",
    "invalid_amount": "a number with an exponent, which is read as it is written",
    "invalid_address": "a Stellar address, which has a checksum",
    "invalid_memo": "as its type says",
    "memo_too_long": "28 bytes, however many characters",
    "memo_not_allowed": "the memo comes with the id of an address",
    "one_of_two": "an address or the id of one",
    "required": "the other of two, when one is there",
    "invalid_time": "a day or time of this century or the next",
    "unknown_type": "types of events, with commas between",
    "unknown_zone": "a time zone",
    "unknown_address": "a wallet or contract of yours",
    "unknown_account": "a filter of a report",
    "unknown_user": "a filter of a report",
    "unsupported_filter": "which filters a type of report has",
    "scheme_refused": "where webhooks may go",
    "url_malformed": "where webhooks may go",
    "host_malformed": "where webhooks may go",
    "port_refused": "where webhooks may go",
}
ANONYMOUS = os.environ.get("FUZZ_ANONYMOUS") == "1"
PROBLEM = "application/problem+json"

_lock = threading.Lock()
_counts: Counter[tuple[str, str, int]] = Counter()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count it: by phase, operation and status."""
    phase = case.meta.phase.name.value if case.meta else "probe"
    with _lock:
        _counts[phase, case.operation.label, response.status_code] += 1


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Keep what is a finding."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    problem = json.loads(response.content)
    if problem["code"] == "malformed":
        if case.operation.body and not isinstance(case.body, dict):
            return False  # a placeholder, where the right text would have been too long to make
        return problem["detail"] not in BEYOND_A_SCHEMA
    codes = {error["code"] for error in problem.get("errors", [])} or {problem["code"]}
    return not codes <= BEYOND_A_SCHEMA.keys()


@schemathesis.check
def nobody_is_let_in(ctx: Any, response: Any, case: Any) -> None:
    """Without a key every route that wants one answers 401, whatever else is wrong."""
    secured = case.operation.definition.raw.get("security")
    if ANONYMOUS and secured and response.status_code not in (401, 405):
        raise AssertionError(f"answered {response.status_code} to a caller without a key")


@schemathesis.check
def refusals_are_problems(ctx: Any, response: Any, case: Any) -> None:
    """Each refusal is a problem document about itself; each answer names its request."""
    request_id = response.headers.get("x-request-id")
    if not request_id:
        raise AssertionError("the answer has no X-Request-Id")
    if response.status_code < 400:
        return
    (media_type,) = response.headers["content-type"]
    if media_type != PROBLEM:
        raise AssertionError(f"a refusal is {media_type}")
    problem = json.loads(response.content)
    if problem["status"] != response.status_code or problem["requestId"] != request_id[0]:
        raise AssertionError("a problem document is about another answer")


@atexit.register
def _write() -> None:
    rows = [[*key, count] for key, count in sorted(_counts.items())]
    Path(os.environ["FUZZ_COUNTS"]).write_text(json.dumps(rows))
