from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Foreign keys are checked when a row is written, not at commit; every look-up is by key."""

    dependencies = [("ledger", "0002_functions_and_guards")]
    operations = [
        migrations.RunSQL([(SQL / name).read_text()], migrations.RunSQL.noop)
        for name in ("keys.sql", "post.sql")
    ]
