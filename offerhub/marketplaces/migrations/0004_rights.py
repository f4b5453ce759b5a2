from django.db import migrations

NAMES = [
    ("view_desk", "May look at cases, orders and the ledger"),
    ("work_cases", "May note, assign and ask for information"),
    ("propose_resolution", "May propose a resolution"),
    ("approve_resolution", "May approve somebody else's resolution"),
    ("propose_adjustment", "May propose an adjustment of the books"),
    ("approve_adjustment", "May approve somebody else's adjustment"),
    ("approve_withdrawal", "May approve a withdrawal over the limit"),
    ("assign_deposit", "May assign or return a deposit in suspense"),
    ("export_reports", "May export, schedule reports and resolve differences"),
    ("operate", "May keep API keys and settings and retry operations"),
    ("manage_staff", "May make people and change their roles"),
]

RIGHTS = {
    "support": ["view_desk", "work_cases", "propose_resolution"],
    "senior_support": [
        "view_desk",
        "work_cases",
        "propose_resolution",
        "approve_resolution",
        "propose_adjustment",
        "approve_withdrawal",
    ],
    "finance": [
        "view_desk",
        "approve_resolution",
        "approve_adjustment",
        "approve_withdrawal",
        "assign_deposit",
        "export_reports",
    ],
    "read_only": ["view_desk"],
    "operations": ["view_desk", "work_cases", "assign_deposit", "operate"],
}


def give(apps, schema_editor):
    """Groups with exactly these permissions.

    Django makes permissions after all migrations, and finds these made; on a database that has
    them already they are found here.
    """
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="marketplaces", model="staffuser"
    )
    Permission = apps.get_model("auth", "Permission")
    Group = apps.get_model("auth", "Group")
    made = {
        codename: Permission.objects.update_or_create(
            content_type=content_type, codename=codename, defaults={"name": name}
        )[0]
        for codename, name in NAMES
    }
    for role, rights in RIGHTS.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([made[right] for right in rights])


def take(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="marketplaces", codename__in=[name for name, _ in NAMES]
    ).delete()


class Migration(migrations.Migration):
    """The rights of staff as permissions, and the roles as groups that have them."""

    dependencies = [
        ("marketplaces", "0003_versions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.AlterModelOptions(name="staffuser", options={"permissions": tuple(NAMES)}),
        migrations.RunPython(give, take),
    ]
