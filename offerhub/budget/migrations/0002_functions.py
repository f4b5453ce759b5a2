from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
REMOVE = """
DROP FUNCTION offerhub_use_later;
DROP FUNCTION offerhub_take_requests;
DROP FUNCTION offerhub_take_turn;
DROP FUNCTION offerhub_budget_kept;
DROP FUNCTION offerhub_budget_used;
DELETE FROM budget_bucket;
"""
BEGIN = "INSERT INTO budget_bucket VALUES (1, '{}', NULL, NULL, '{0,0,0,0}', '{0,0,0,0}')"


class Migration(migrations.Migration):
    """The bucket itself, and the only statements that take from it."""

    dependencies = [("budget", "0001_initial")]
    operations = [
        migrations.RunSQL([(SQL / "functions.sql").read_text(), BEGIN], REMOVE),
    ]
