from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """A withdrawal is carried by one payment at a time, and nothing before it is agreed to."""

    dependencies = [("payouts", "0006_batches")]
    operations = [
        migrations.RunSQL([(SQL / "batches.sql").read_text()], migrations.RunSQL.noop),
    ]
