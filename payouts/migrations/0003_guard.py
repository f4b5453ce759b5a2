from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """No payment before the approval that a withdrawal waits for."""

    dependencies = [("payouts", "0002_approval"), ("approvals", "0002_guards")]
    operations = [
        migrations.RunSQL([(SQL / "guards.sql").read_text()], migrations.RunSQL.noop),
    ]
