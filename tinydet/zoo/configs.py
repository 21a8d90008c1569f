"""What the configs of this repository cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from tinydet.engine.jobs import load_config
from tinydet.models.complexity import Complexity, count_model


@dataclass(frozen=True)
class CountedConfig:
    """A config of a whole model.

    Attributes:
        path: From the root of the repository, with slashes.
        cfg: The config.
        cost: Of its model.
    """

    path: str
    cfg: Config
    cost: Complexity

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem

    @property
    def is_detector(self) -> bool:
        """Whether it is a detector, and not a classifier."""
        return 'bbox_head' in self.cfg.model


def count_configs(root: Path) -> Iterator[CountedConfig]:
    """Count every config of a repository but the parts in ``_base_``.

    Args:
        root: The repository.
    """
    for path in sorted(root.glob('configs/**/*.py')):
        if '_base_' not in path.parts:
            cfg = load_config(path)
            yield CountedConfig(
                path.relative_to(root).as_posix(), cfg, count_model(cfg)
            )
