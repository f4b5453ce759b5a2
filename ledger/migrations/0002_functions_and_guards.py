from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
FILES = ["tables.sql", "chart.sql", "post.sql", "guards.sql", "reads.sql", "jobs.sql", "roles.sql"]


class Migration(migrations.Migration):
    """What the models cannot say: storage, composite keys, the functions that post, the guards.

    All but tables.sql can be run again: a later migration that changes one runs its file anew.
    """

    dependencies = [("ledger", "0001_initial"), ("marketplaces", "0002_clock")]
    operations = [
        migrations.RunSQL([(SQL / name).read_text()], migrations.RunSQL.noop) for name in FILES
    ]
