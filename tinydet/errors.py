"""Errors that a user can mend, and how their messages list names."""

from collections.abc import Sequence

# How many names a message lists.
LISTED = 8


class InputError(ValueError):
    """A user's input is wrong; the message names the file, the value and the mend.

    Tools print it as one line and exit with code 2, without a traceback.
    """


def some(names: Sequence[str]) -> str:
    """Join names for a message; of many the first, and how many there are."""
    if len(names) <= LISTED:
        return ', '.join(names)
    return f'{", ".join(names[:LISTED])}, ... ({len(names)} in all)'
