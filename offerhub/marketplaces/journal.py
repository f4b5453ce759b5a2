"""What happened to tenants and their keys, for the audit trail.

Events belong to a marketplace and so live above this app, which therefore can not import them: the
recorder (`offerhub.events.services.record`) is handed in when the program starts.
"""

from typing import Any, Protocol

from offerhub.core.actor import Actor


class Subject(Protocol):
    """What an event is about."""

    id: Any
    version: int

    @property
    def marketplace_id(self) -> Any: ...


class Recorder(Protocol):
    """Writes one event in the open transaction and raises the subject's `version`."""

    def __call__(
        self, subject: Any, type: str, *, actor: Actor, payload: dict[str, Any] | None = None
    ) -> Any: ...


_recorder: Recorder | None = None


def use(recorder: Recorder) -> None:
    """Say who records; called once, at start-up."""
    global _recorder
    _recorder = recorder


def record(subject: Subject, type: str, *, actor: Actor, payload: dict[str, Any]) -> None:
    """Record an event; without a recorder nothing may happen that ought to be recorded."""
    if _recorder is None:
        raise RuntimeError("nobody records what happens to marketplaces")
    _recorder(subject, type, actor=actor, payload=payload)
