"""Checks of single arguments; what fails them is named with its range."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

from tinydet.errors import InputError


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number in a range; a bool is none.

    Raises:
        InputError: The message gives name, value and range.
    """
    if not _is(value, Integral) or value < least or (most is not None and value > most):
        allowed = f'of at least {least}' if most is None else f'from {least} to {most}'
        raise InputError(f'{name}={value!r} is not a whole number {allowed}')


def check_number(
    name: str, value: object, above: float, most: float = math.inf
) -> None:
    """Refuse what is no number above a bound, or is over another; a bool is none.

    Raises:
        InputError: The message gives name, value and range.
    """
    if not _is(value, Real) or not above < value <= most or math.isinf(value):
        limit = '' if math.isinf(most) else f' and at most {most:g}'
        raise InputError(f'{name}={value!r} is not a number above {above:g}{limit}')


def check_rate(name: str, value: object) -> None:
    """Refuse what is no probability below 1; a bool is none.

    Raises:
        InputError: The message gives name, value and range.
    """
    if not _is(value, Real) or not 0 <= value < 1:
        raise InputError(f'{name}={value!r} is outside [0, 1)')


def check_choice(what: str, value: object, choices: Iterable[str]) -> None:
    """Refuse what is none of some names.

    Args:
        what: The kind of thing, such as ``'activation'``.
        value: What was given.
        choices: The names.

    Raises:
        InputError: The message gives kind, value and names.
    """
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise InputError(
            f'there is no {what} {value!r}: choose one of {", ".join(choices)}'
        )


def check_list(name: str, value: object, of: str) -> None:
    """Refuse what is no list or tuple with something in it.

    Args:
        name: Of the argument.
        value: What was given.
        of: What it lists, with an example.

    Raises:
        InputError: The message gives name, value and example.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f'{name}={value!r} is not a list: give {of}')
    if not value:
        raise InputError(f'{name} is empty: give {of}')


def _is(value: object, kind: type) -> bool:
    """Whether a value is a number of a kind; for Python a bool is one too."""
    return isinstance(value, kind) and not isinstance(value, bool)
