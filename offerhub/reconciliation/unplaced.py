"""What is said of a transaction that no record can take."""


class Unplaced(Exception):
    """No record can take it now; the text says what it is and what to do about it."""
