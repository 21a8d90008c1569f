"""The points of the zoo's plot."""

from collections.abc import Iterable

from tinydet.viz.zoo import Point
from tinydet.zoo.compare import Comparison
from tinydet.zoo.paper import IMAGENET


def points(comparisons: Iterable[Comparison]) -> list[Point]:
    """Published top-1 on ImageNet-1000 and counted MACs, family by family.

    A network has a point for every recipe, and one label.
    """
    found = {}
    for item in comparisons:
        for row in item.net.rows:
            if row.data == IMAGENET:
                found[item.net.label, row.recipe] = Point(
                    item.net.family,
                    row.recipe,
                    '' if row.recipe else _short(item.net.label, item.net.family),
                    item.cost.macs,
                    row.top1,
                )
    families = list(dict.fromkeys(point.family for point in found.values()))
    return sorted(
        found.values(), key=lambda point: (families.index(point.family), point.recipe)
    )


def _short(label: str, family: str) -> str:
    """What a label says beyond its family."""
    short = label
    for word in family.split(',')[0].split():
        short = short.removeprefix(word).lstrip(' -')
    base, _, power = short.partition('^')
    return rf'$\mathrm{{{base}}}^{{{power}}}$' if power else short.replace('x', '×')
