"""System checks of the books."""
