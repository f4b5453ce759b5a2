from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """What the model cannot say: the audit only grows, and only at its end."""

    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunSQL([(SQL / "guards.sql").read_text()], migrations.RunSQL.noop),
    ]
