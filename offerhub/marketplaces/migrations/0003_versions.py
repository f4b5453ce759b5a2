from django.db import migrations, models


class Migration(migrations.Migration):
    """Marketplaces and keys are subjects of events: each counts its own."""

    dependencies = [("marketplaces", "0002_clock")]
    operations = [
        migrations.AddField(
            model_name="apikey",
            name="version",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="marketplace",
            name="version",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
