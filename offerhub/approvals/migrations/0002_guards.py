from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """What the models cannot say: nothing proposed changes, and nobody decides alone."""

    dependencies = [("approvals", "0001_initial"), ("marketplaces", "0002_clock")]
    operations = [
        migrations.RunSQL([(SQL / "guards.sql").read_text()], migrations.RunSQL.noop),
    ]
