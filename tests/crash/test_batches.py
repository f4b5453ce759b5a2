"""A worker that dies while it checks a batch: every item is asked for once."""

from django.db.models.functions import Now

from payouts.models import Batch, Withdrawal
from tests.crash.scene import Scene
from tests.crash.workers import Killed


def test_a_batch_whose_checker_dies_after_every_item_is_asked_for_once(
    scene: Scene, worker: Killed
) -> None:
    batch = scene.ask_for_a_batch("5", "1000", "7", "9")
    for dead in range(1, 5):
        assert worker("payouts.batch", batch.id, point="after_batch_item") == 137
        states = batch.items.order_by("position").values_list("state", flat=True)
        expected = ["READY", "REFUSED", "READY", "READY"][:dead] + ["CHECKING"] * (4 - dead)
        assert list(states) == expected
        Batch.objects.filter(pk=batch.pk).update(look_at=Now())  # its lease has run out
    scene.world.settle()
    assert Batch.objects.get(pk=batch.pk).status == "FINISHED"
    assert Withdrawal.objects.filter(batch=batch, status="COMPLETED").count() == 3
    assert scene.world.network.held(scene.destination) == "21.0000000"
    assert scene.balances()[0] == ("79.00", "0.00", "0.00", "0.00")
    assert scene.world.differences() == []
