from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Reads in SQL. The file can be run again: a later migration that changes one does."""

    dependencies = [
        ("reconciliation", "0001_initial"),
        ("ledger", "0004_period_closed_at"),
        ("deposits", "0003_product_clock"),
    ]
    operations = [
        migrations.RunSQL((SQL / "reads.sql").read_text(), migrations.RunSQL.noop),
    ]
