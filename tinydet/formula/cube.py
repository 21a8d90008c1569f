"""The networks that a baseline can be twisted into, and what they cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from tinydet.arch import (
    SSDLITE_EXTRA_CHANNELS,
    Arch,
    Cost,
    Scaling,
    classifier_cost,
    detector_outputs,
    find_arch,
    narrowest,
    scale,
    shallowest_depth,
    ssdlite_cost,
)

# The sides of the TinyNets' inputs are even.
INPUT_STEP = 2
# What the configs of this project are for, unless they say otherwise.
IMAGENET_CLASSES, COCO_CLASSES, DETECTOR_SIDE = 1000, 80, 512


@dataclass(frozen=True)
class Net:
    """A network on the cube.

    Attributes:
        r: Its input's side over the baseline's.
        d: Depth multiplier.
        w: Width multiplier.
        input: Side of its square input, in pixels.
        params: Parameters, of the classifier or detector that the cube is of.
        macs: Its multiply-accumulates.
        arch: The table of its backbone.
    """

    r: float
    d: float
    w: float
    input: int
    params: int
    macs: int
    arch: Arch


@dataclass(frozen=True)
class Cube:
    """A baseline and how its cost is counted.

    Attributes:
        arch: The baseline's table.
        side: Of its square input, in pixels: r = 1.
        count: The cost of a table at an input side.
    """

    arch: Arch
    side: int
    count: Callable[[Arch, int], Cost]

    @cached_property
    def baseline(self) -> Net:
        """The network at r = d = w = 1."""
        return self.net(1, 1, 1)

    def net(self, r: float, d: float, w: float, scaling: Scaling | None = None) -> Net:
        """The network at a place.

        Args:
            r: Resolution multiplier; the input's side is rounded to an even number,
                and is no smaller than the baseline's stride.
            d: Depth multiplier.
            w: Width multiplier.
            scaling: What the width does to the ends of the network; None for the rule
                of the tiny formula.

        Raises:
            InputError: If there is no such network.
        """
        side = self.input(r)
        arch = scale(self.arch, w, d, scaling or self.arch.tiny)
        cost = self.count(arch, side)
        return Net(side / self.side, d, w, side, cost.params, cost.macs, arch)

    def narrowest(self, r: float, d: float) -> Net:
        """The least network at a resolution and a depth.

        Args:
            r: Resolution multiplier.
            d: Depth multiplier; one block a stage is the least.
        """
        depth = max(d, shallowest_depth(self.arch))
        return self.net(r, depth, narrowest(self.arch))

    def input(self, r: float) -> int:
        """The side of the input at a resolution multiplier, in pixels."""
        even = INPUT_STEP * round(r * self.side / INPUT_STEP)
        # r = 1 is the baseline itself, whose side may be odd.
        return max(self.arch.stride, self.side if r == 1 else even)


def classifier_cube(
    baseline: str, classes: int = IMAGENET_CLASSES, side: int | None = None
) -> Cube:
    """The cube of a classifier.

    Args:
        baseline: A name in ``tinydet.arch.ARCHS``.
        classes: Number of classes.
        side: Of the baseline's input, in pixels; its table's by default.

    Raises:
        InputError: If there is no such baseline.
    """
    arch = find_baseline(baseline)
    return Cube(arch, side or arch.input, partial(classifier_cost, classes=classes))


def detector_cube(
    baseline: str,
    classes: int = COCO_CLASSES,
    side: int = DETECTOR_SIDE,
    outputs: Sequence[int | str] | None = None,
    extra_channels: Sequence[int] = SSDLITE_EXTRA_CHANNELS,
) -> Cube:
    """The cube of an SSDLite detector, backbone, neck and head.

    Args:
        baseline: Of the backbone, a name in ``tinydet.arch.ARCHS``.
        classes: Number of classes without the background.
        side: Of the baseline's input, in pixels.
        outputs: ``out_indices`` of the backbone; those of SSDLite's paper by default.
        extra_channels: Output channels of the neck's layers.

    Raises:
        InputError: If there is no such baseline.
    """
    arch = find_baseline(baseline)
    outputs = outputs or detector_outputs(arch)
    count = partial(
        ssdlite_cost, classes=classes, outputs=outputs, extra_channels=extra_channels
    )
    return Cube(arch, side, count)


def find_baseline(name: str) -> Arch:
    """The table of a baseline.

    Raises:
        InputError: If there is none of that name.
    """
    return find_arch(name, 'baseline')
