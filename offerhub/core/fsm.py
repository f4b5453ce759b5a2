"""State machines: one table of edges feeds the model's transitions and the database's guard.

The table is the authority. `django_fsm` names the edges in code; a trigger refuses every other
edge, whoever writes. A test compares the two.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pgtrigger
from django.db import models
from django_fsm import FSMField

Edges = Mapping[str, Sequence[str]]


def guard(name: str, field: str, edges: Edges) -> pgtrigger.FSM:
    """A trigger that lets `field` change only along `edges` ({from: [to, …]})."""
    pairs = [(source, target) for source, targets in edges.items() for target in targets]
    return pgtrigger.FSM(name=name, field=field, transitions=pairs)


def edges_of(model: type[models.Model], field: str) -> set[tuple[str, str]]:
    """The edges that the model's transition methods declare, for the test that compares."""
    state_field: Any = model._meta.get_field(field)
    assert isinstance(state_field, FSMField)
    return {
        (transition.source, transition.target)
        for transition in state_field.get_all_transitions(model)
    }
