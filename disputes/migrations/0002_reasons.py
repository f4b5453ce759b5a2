"""The reason codes and texts that a fresh installation begins with; staff may add their own."""

from django.db import migrations

OPENING = [
    ("not_delivered", "Not delivered"),
    ("not_as_described", "Not as described"),
    ("defective", "Damaged or defective"),
    ("quality", "Work not of the agreed quality"),
    ("late", "Too late"),
    ("not_accepted", "Done, but not accepted or paid"),
    ("cancelled", "Cancelled before its end"),
    ("fraud", "Fraud or abuse"),
    ("other", "Something else"),
]
DECISION = [
    (
        "delivered",
        "Delivered as agreed",
        "Delivered as agreed",
        (
            "We looked at what both of you sent us about order {order}. The work was delivered as "
            "agreed, so {seller_amount} USDC go to the seller."
        ),
    ),
    (
        "not_delivered_refund",
        "Not delivered",
        "Not delivered: back to the buyer",
        (
            "We looked at what both of you sent us about order {order}. We found no proof of delivery, "
            "so {buyer_amount} USDC go back to the buyer."
        ),
    ),
    (
        "defective_refund",
        "Damaged or not as described",
        "Not as described: back to the buyer",
        (
            "What was delivered for order {order} is not what was agreed, so {buyer_amount} USDC go "
            "back to the buyer."
        ),
    ),
    (
        "partly_delivered",
        "Partly delivered",
        "Partly delivered: divided",
        (
            "The work of {milestones} was partly delivered. Of {amount} USDC the seller receives "
            "{seller_amount} for the part that was accepted, and {buyer_amount} go back to the buyer."
        ),
    ),
    (
        "pro_rata",
        "Divided by time used",
        "Cancelled: divided by time",
        (
            "Order {order} ends before its time. The amount is divided by the time that was used: "
            "{seller_amount} USDC to the seller, {buyer_amount} USDC back to the buyer."
        ),
    ),
    (
        "agreement",
        "Both parties agreed",
        "As you agreed",
        (
            "You agreed on how to divide {amount} USDC: {seller_amount} to the seller and "
            "{buyer_amount} to the buyer."
        ),
    ),
    (
        "no_answer",
        "The other party did not answer",
        "No answer",
        (
            "We asked the other party for their view of order {order} and received no answer in time. "
            "We decided on what we have: {seller_amount} USDC to the seller, {buyer_amount} USDC to "
            "the buyer."
        ),
    ),
]


def add(apps, schema_editor):
    Reason = apps.get_model("disputes", "Reason")
    Template = apps.get_model("disputes", "Template")
    for position, (code, label) in enumerate(OPENING):
        Reason.objects.create(code=code, use="OPENING", label=label, position=position)
    for position, (code, label, title, text) in enumerate(DECISION):
        reason = Reason.objects.create(code=code, use="DECISION", label=label, position=position)
        Template.objects.create(reason=reason, title=title, text=text)


def remove(apps, schema_editor):
    apps.get_model("disputes", "Template").objects.all().delete()
    apps.get_model("disputes", "Reason").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("disputes", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
