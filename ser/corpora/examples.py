"""Examples: of many names a message repeats a few, and says how many more there are."""

from collections.abc import Sequence

EXAMPLES = 3  # that a message repeats
WORDS = 20  # of words that params are to give a meaning


def few(names: Sequence[str], most: int = EXAMPLES) -> str:
    """List names, of many the first ones.

    Example:
        >>> few(["anna", "bo", "carl"]), few(["anna", "bo", "carl"], 1)
        ('anna, bo, carl', 'anna and 2 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
