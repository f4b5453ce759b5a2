"""The deterministic simulator: one thread, one seed, everything real but time. See README.md."""
