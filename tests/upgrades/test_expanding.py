"""Processes of two versions run on the same tables while one is replaced by the other."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import NOT_PROVIDED

from tests.upgrades.expanding import flat, narrowed, taken_away

# The last migration of each app before this rule: no version with what they took away was released.
# From here on it holds for each; an app that is not named is bound from its first on.
EXCUSED = {
    "api": "0003_call_log_and_maintenance",
    "approvals": "0002_guards",
    "audit": "0002_guards",
    "budget": "0002_functions",
    "deposits": "0003_product_clock",
    "disputes": "0003_product_clock",
    "events": "0004_log_and_webhooks",
    "ledger": "0005_closing",
    "marketplaces": "0006_fees",
    "orders": "0009_request_of_each_call",
    "payouts": "0008_request_of_each_call",
    "reconciliation": "0002_functions",
    "reports": "0001_initial",
    "subscriptions": "0001_initial",
    "suspense": "0003_request_of_each_call",
    "users": "0004_channels",
    "wallets": "0003_request_of_each_call",
}
OURS = {
    app.label
    for app in apps.get_app_configs()
    if app.name.split(".")[0] in {"offerhub", "ledger", "orders", "payouts", "disputes"}
}


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def plan(loader: MigrationLoader) -> list[tuple[str, str]]:
    """Our migrations in the order in which they are applied."""
    found: list[tuple[str, str]] = []
    for leaf in sorted(loader.graph.leaf_nodes()):
        found += [one for one in loader.graph.forwards_plan(leaf) if one not in found]
    return [one for one in found if one[0] in OURS]


@pytest.mark.django_db
def test_a_column_that_was_added_to_a_table_need_not_be_written_by_code_that_does_not_know_it(
    loader: MigrationLoader,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL"
            " OR is_identity = 'YES' OR is_generated = 'ALWAYS'"
            " FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        free = {(table, column): is_free for table, column, is_free in cursor.fetchall()}
    looked_at, needed = 0, []
    for app, name in plan(loader):
        migration = loader.graph.nodes[app, name]
        if migration.initial:  # two of these are one beginning, cut because keys go in circles
            continue
        operations = list(flat(migration.operations))
        made = {one.name_lower for one in operations if isinstance(one, migrations.CreateModel)}
        for one in operations:
            if not isinstance(one, migrations.AddField) or one.model_name_lower in made:
                continue
            table = apps.get_model(app, one.model_name)._meta
            column = table.get_field(one.name).column
            looked_at += 1
            if not free[table.db_table, column]:
                needed.append(f"{app} {name}: {table.db_table}.{column}")
    assert not needed, needed
    assert looked_at >= 21


def test_nothing_that_older_code_uses_is_taken_away(loader: MigrationLoader) -> None:
    """A trigger or constraint may refuse what old code writes: that no test of this kind sees."""
    taken = []
    for app, name in plan(loader):
        if name <= EXCUSED.get(app, ""):
            continue
        state = loader.project_state((app, name), at_end=False)
        for one in loader.graph.nodes[app, name].operations:
            for database_one in flat([one]):
                taken += [f"{app} {name}: {what}" for what in taken_away(database_one, app, state)]
            one.state_forwards(app, state)
    assert taken == []


def test_the_excused_migrations_are_there_and_numbered_in_their_order(
    loader: MigrationLoader,
) -> None:
    assert set(EXCUSED.items()) <= set(loader.graph.nodes)
    for app in OURS:
        names = [name for one, name in plan(loader) if one == app]
        assert names == sorted(names)


def before() -> ProjectState:
    state = ProjectState()
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("word", models.CharField(max_length=20, db_default="")),
        ("note", models.TextField(null=True)),
        ("price", models.DecimalField(max_digits=10, decimal_places=2)),
    ]
    state.add_model(ModelState("shop", "Thing", fields))
    return state


@pytest.mark.parametrize(
    ("operation", "taken"),
    [
        (migrations.RemoveField("Thing", "word"), 1),
        (migrations.DeleteModel("Thing"), 1),
        (migrations.RenameField("Thing", "word", "term"), 1),
        (migrations.RenameModel("Thing", "Item"), 1),
        (migrations.AlterModelTable("Thing", "items"), 1),
        (migrations.RunSQL("ALTER TABLE a RENAME b TO c; DROP  FUNCTION f(int)"), 2),
        (migrations.RunSQL([("ALTER TABLE a ALTER COLUMN b SET NOT NULL", [])]), 1),
        (migrations.SeparateDatabaseAndState([migrations.RunSQL("DROP TABLE a")], []), 1),
        # What expands, or only says something else to Django.
        (migrations.AddField("Thing", "more", models.TextField(null=True)), 0),
        (migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))]), 0),
        (migrations.RunSQL("CREATE TABLE a (); -- and DROP TABLE never"), 0),
        (migrations.SeparateDatabaseAndState([], [migrations.DeleteModel("Thing")]), 0),
    ],
)
def test_what_takes_something_from_older_code_is_seen(operation: Operation, taken: int) -> None:
    found = [what for one in flat([operation]) for what in taken_away(one, "shop", before())]
    assert len(found) == taken


@pytest.mark.parametrize(
    ("name", "field", "change"),
    [
        ("word", models.CharField(max_length=10, db_default=""), "becomes shorter"),
        ("word", models.CharField(max_length=20, db_default="", unique=True), "becomes unique"),
        ("word", models.CharField(max_length=20), "loses its default"),
        ("word", models.CharField(max_length=20, db_default="", db_column="w"), "another column"),
        ("word", models.IntegerField(db_default=0), "becomes a IntegerField"),
        ("note", models.TextField(default=""), "becomes NOT NULL"),
        ("note", models.CharField(max_length=9, null=True), "becomes a CharField"),
        ("price", models.DecimalField(max_digits=8, decimal_places=2), "holds less"),
        ("word", models.CharField(max_length=40, db_default="-", blank=True), ""),
        ("word", models.TextField(null=True), ""),
        ("note", models.TextField(null=True, help_text="more"), ""),
    ],
)
def test_a_column_that_takes_less_is_seen(
    name: str, field: "models.Field[Any, Any]", change: str
) -> None:
    found = taken_away(migrations.AlterField("Thing", name, field), "shop", before())
    assert [change] == [change for one in found if change in one] if change else not found
    assert field.db_default is NOT_PROVIDED or narrowed(field, field) == []
