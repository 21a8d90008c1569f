"""Budgets: which cost a network is to have, and how much of it."""

import re
from dataclasses import dataclass

from tinydet.errors import InputError
from tinydet.formula.cube import Net

# What a budget can be of: how a number of it is written, and how much of it that is.
UNITS = {
    'macs': {'k': 1e3, 'm': 1e6, 'g': 1e9, 'b': 1e9, '': 1},
    'params': {'k': 1e3, 'm': 1e6, 'g': 1e9, 'b': 1e9, '': 1},
    'latency': {'us': 1e-3, 'ms': 1, 's': 1e3, '': 1},
}
_NUMBER = re.compile(r'\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)\s*', re.I)


@dataclass(frozen=True)
class Budget:
    """A cost to come close to.

    Attributes:
        kind: ``'macs'``, ``'params'`` or ``'latency'``.
        value: Multiply-accumulates, parameters, or milliseconds.
    """

    kind: str
    value: float

    def __str__(self) -> str:
        return self.text(self.value)

    def of(self, net: Net) -> float:
        """What a network costs, of the kind of this budget; not of latency."""
        return getattr(net, self.kind)

    def text(self, value: float) -> str:
        """A cost of this kind, with its unit."""
        if self.kind == 'latency':
            return f'{value:.4g} ms'
        name = 'MACs' if self.kind == 'macs' else 'parameters'
        return f'{value / 1e6:.4g}M {name}'


def parse_budget(kind: str, text: str) -> Budget:
    """Read a budget as people write it: ``50M``, ``1.2G``, ``5ms``.

    Args:
        kind: ``'macs'``, ``'params'`` or ``'latency'``.
        text: The number; one of latency without a unit is in milliseconds.

    Raises:
        InputError: If it is no number above 0 with a unit of that kind.
    """
    match = _NUMBER.fullmatch(text)
    number, unit = match.groups() if match else ('0', '')
    scale = UNITS[kind].get(unit.lower(), 0)
    if not float(number) * scale > 0:
        example = '5ms' if kind == 'latency' else '50M'
        units = ', '.join(unit for unit in UNITS[kind] if unit)
        raise InputError(
            f'--{kind} {text!r} is no number above 0 with one of the units {units}: '
            f'give one such as {example}'
        )
    return Budget(kind, float(number) * scale)
