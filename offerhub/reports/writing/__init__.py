"""Writing files: each format from the same query, with constant memory."""
