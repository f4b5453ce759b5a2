from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Days are closed up to one, without gaps, and keep their signed totals."""

    dependencies = [("ledger", "0004_period_closed_at")]
    operations = [
        migrations.CreateModel(
            name="Closing",
            fields=[
                (
                    "period",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="closing",
                        serialize=False,
                        to="ledger.period",
                    ),
                ),
                ("document", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=64)),
                ("public_key", models.CharField(max_length=64)),
                ("signature", models.CharField(max_length=128)),
                ("signed_at", models.DateTimeField()),
            ],
        ),
        *(
            migrations.RunSQL([(SQL / name).read_text()], migrations.RunSQL.noop)
            for name in ("post.sql", "guards.sql", "closing.sql", "roles.sql")
        ),
    ]
