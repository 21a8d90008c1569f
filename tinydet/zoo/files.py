"""What is generated from the zoo: the page, its plot and the metafiles."""

from dataclasses import dataclass
from pathlib import Path

from tinydet.progress import track
from tinydet.viz.zoo import Point, digest, draw_zoo, drawn_digest
from tinydet.zoo.compare import Comparison, compare
from tinydet.zoo.configs import CountedConfig, count_configs
from tinydet.zoo.metafile import metafiles
from tinydet.zoo.nets import NETS
from tinydet.zoo.page import page
from tinydet.zoo.points import points

PAGE, PLOT = 'docs/zoo.md', 'docs/zoo.png'


@dataclass(frozen=True)
class Zoo:
    """All networks and configs, counted.

    Attributes:
        comparisons: Of every network of the paper.
        configs: Every config of the repository.
    """

    comparisons: tuple[Comparison, ...]
    configs: tuple[CountedConfig, ...]

    @property
    def texts(self) -> dict[str, str]:
        """Text files by path from the root of the repository."""
        return {PAGE: page(self.comparisons, self.configs), **metafiles(self.configs)}

    @property
    def points(self) -> list[Point]:
        """What the plot shows."""
        return points(self.comparisons)


def count_zoo(root: Path) -> Zoo:
    """Count everything, which takes about 15 seconds.

    Args:
        root: The repository.
    """
    return Zoo(
        tuple(compare(net) for net in track(NETS, desc='networks')),
        tuple(count_configs(root)),
    )


def write_zoo(zoo: Zoo, root: Path) -> list[str]:
    """Write all files.

    Returns:
        Their paths from ``root``.
    """
    texts = zoo.texts
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    draw_zoo(zoo.points, root / PLOT)
    return [*texts, PLOT]


def stale_files(zoo: Zoo, root: Path) -> list[str]:
    """Files under ``root`` that are missing or not what :func:`write_zoo` writes.

    Of the plot the data is compared, not the pixels, which depend on the machine.
    """
    stale = [
        path
        for path, text in zoo.texts.items()
        if not (root / path).is_file() or (root / path).read_text() != text
    ]
    plot = root / PLOT
    if not plot.is_file() or drawn_digest(plot) != digest(zoo.points):
        stale.append(PLOT)
    return stale
