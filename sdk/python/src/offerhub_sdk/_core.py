"""How a call goes, without any network: what is sent, when again, and when it has ended.

A call is a generator. It yields a Send or a Pause, is given the answer (or has a NoAnswer thrown
into it), and returns the decoded body. The blocking and the asynchronous client only carry out what
it yields, so both keep the same promises.
"""

import json
import random
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from offerhub_sdk.errors import ApiError, NoAnswer, StillPending

FIRST_PAUSE, LONGEST_PAUSE, LONGEST_LOOK = 0.25, 8.0, 2.0
# States of an operation that the server is still working on by itself.
MOVING = frozenset({"PENDING", "SUBMITTED", "UNKNOWN"})


@dataclass(frozen=True)
class Send:
    """A request to be sent now."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    files: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Pause:
    """Seconds to let pass."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """What came back, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Call = Generator[Send | Pause, Answer | None, Any]


@dataclass(frozen=True)
class Policy:
    """How patient a client is, in seconds."""

    max_retries: int = 4
    timeout: float = 45.0
    pending_timeout: float = 300.0


def path(template: str, *parts: str) -> str:
    """A path with its ids; no id leads out of it."""
    return template.format(*(quote(part, safe="") for part in parts))


def read(policy: Policy, where: str, query: Mapping[str, Any] | None = None) -> Call:
    """A GET."""
    answer = yield from _send(policy, Send("GET", where, words(query)), repeatable=True)
    return _decoded(answer)


def change(policy: Policy, method: str, where: str, body: Any) -> Call:
    """A PATCH or DELETE: no key, so a PATCH is not sent twice when its answer is lost."""
    send = Send(method, where, headers=_json_headers(body), content=_encoded(body))
    answer = yield from _send(policy, send, repeatable=method == "DELETE")
    return _decoded(answer)


def post(
    policy: Policy,
    where: str,
    body: Any,
    *,
    idempotency_key: str | None,
    wait: bool,
    files: Mapping[str, Any] | None = None,
) -> Call:
    """A POST with a key. A 202 is followed by the same request: the server answers the present
    state and does nothing twice."""
    key = idempotency_key or str(uuid.uuid4())
    headers = {"Idempotency-Key": key} | ({} if wait else {"Prefer": "respond-async"})
    if files:
        send = Send("POST", where, headers=headers, files=files, form=body)
    else:
        send = Send("POST", where, headers=headers | _json_headers(body), content=_encoded(body))
    deadline, pause = time.monotonic() + policy.pending_timeout, FIRST_PAUSE
    while True:
        answer = yield from _send(policy, send, repeatable=True)
        state = _decoded(answer)
        if answer.status != 202 or not wait or _waits_for_somebody(state):
            return state
        if time.monotonic() + pause > deadline:
            raise StillPending(state, key, policy.pending_timeout)
        yield Pause(pause)
        pause = min(pause * 1.5, LONGEST_LOOK)


def _send(policy: Policy, send: Send, *, repeatable: bool) -> Generator[Any, Any, Answer]:
    pause, tries = FIRST_PAUSE, 0
    while True:
        wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 (so that clients do not march in step)
        try:
            answer: Answer = yield send
        except NoAnswer as lost:
            if tries >= policy.max_retries or not repeatable:
                text = f"{send.method} {send.path} got no answer: {lost}"
                raise NoAnswer(text, send.headers.get("Idempotency-Key")) from lost.__cause__
        else:
            if answer.status < 400:
                return answer
            retry_after = _header(answer, "retry-after")
            # 429, and 409 or 503 with Retry-After, did nothing.
            again = answer.status == 429 or bool(retry_after)
            again = again or (answer.status >= 500 and repeatable)
            if tries >= policy.max_retries or not again:
                raise refusal(answer)
            wait = max(wait, float(retry_after) if retry_after.isdigit() else 0.0)
        yield Pause(wait)
        tries, pause = tries + 1, min(pause * 2, LONGEST_PAUSE)


def refusal(answer: Answer) -> ApiError:
    """The error that an answer of 400 or more means."""
    try:
        problem = json.loads(answer.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"title": answer.body[:200].decode(errors="replace")}
    return ApiError(answer.status, problem)


def _header(answer: Answer, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name), "")


def _waits_for_somebody(state: Any) -> bool:
    """Whether a pending state moves on only when a person does something: signs, or approves."""
    if not isinstance(state, dict):
        return False
    parts = ("operation", "proposal", "approval")
    status = {name: (state.get(name) or {}).get("status") for name in parts}
    if status["operation"] == "AWAITING_SIGNATURE":
        return True
    asked = "OPEN" in (status["proposal"], status["approval"])
    return asked and status["operation"] not in MOVING


def words(query: Mapping[str, Any] | None) -> dict[str, str]:
    """A query as it is written into an address."""
    return {name: _word(value) for name, value in (query or {}).items() if value is not None}


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _json_headers(body: Any) -> dict[str, str]:
    return {} if body is None else {"Content-Type": "application/json"}


def _encoded(body: Any) -> bytes | None:
    return None if body is None else json.dumps(_exact(body)).encode()


def _exact(value: Any) -> Any:
    """Amounts as exact text. A float has lost its cents before it came here, so none is taken."""
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float: give amounts as str, int or Decimal")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return value


def _decoded(answer: Answer) -> Any:
    return json.loads(answer.body) if answer.body else None
