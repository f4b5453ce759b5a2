from django.db import migrations, models


class Migration(migrations.Migration):
    """Whoever closes a day says when: by the product's clock, which the default did not follow."""

    dependencies = [("ledger", "0003_keys_at_once")]
    operations = [
        migrations.AlterField(model_name="period", name="closed_at", field=models.DateTimeField()),
    ]
