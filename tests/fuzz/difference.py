"""A difference between books and chain, which no call of the API makes.

`python -m tests.fuzz.difference mkt_… C…` prints its id.
"""

import sys

import django


def plant(marketplace_id: str, contract: str) -> str:
    """A row as a comparison leaves it; the next one finds that it has gone."""
    from offerhub.reconciliation.models import Difference

    values = {"kind": "contract", "asset": "USDC", "type": "AMOUNT", "books": 1, "chain": 2}
    made = Difference.objects.create(
        marketplace_id=marketplace_id, owner=contract, ledger=1, **values
    )
    return str(made.pk)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(plant(*sys.argv[1:]) + "\n")
