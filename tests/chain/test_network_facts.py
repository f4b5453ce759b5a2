"""What the product remembers of a sandbox ends with that sandbox."""

from pathlib import Path

from django.conf import settings

from offerhub.chain import network
from tests.network import free_port, running_network


def test_another_sandbox_at_the_same_address_is_asked_anew(tmp_path: Path) -> None:
    port, before, issuers = free_port(), settings.SANDBOX_URL, []
    settings.SANDBOX_URL = f"http://127.0.0.1:{port}"
    try:
        for seed in ("one", "two"):
            folder = tmp_path / seed
            folder.mkdir()
            with running_network(folder, "--seed", seed, port=port):
                network.forget()
                issuers.append(network.usdc().issuer)
                assert network.current().usdc_issuer == issuers[-1]
    finally:
        settings.SANDBOX_URL = before
        network.forget()
    assert issuers[0] != issuers[1]
