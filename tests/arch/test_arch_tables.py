"""The tables of other papers' networks, and those that the paper does not print."""

import numpy as np
import pytest

from tinydet.arch import ARCHS, TINYNETS, classifier_cost, scale

GHOSTNET_A = ARCHS['ghostnet_a']
RESNET_50 = ARCHS['resnet50']


def millions(arch, side=None):
    cost = classifier_cost(arch, side)
    return cost.params / 1e6, cost.macs / 1e6


def by_width(name, w):
    return scale(ARCHS[name], w, 1, ARCHS[name].scaling)


@pytest.mark.parametrize(
    ('arch', 'side', 'params', 'macs'),
    [
        # Table 3 of the paper; those that a library has are counted with the zoo.
        (by_width('mobilenet_v1', 0.5), 192, 1.3, 110),
        (by_width('mobilenet_v3_large', 1.25), 224, 7.5, 356),
        (by_width('mnasnet_a1', 0.35), 224, 1.7, 63),
        (ARCHS['proxylessnas_mobile'], 224, 4.1, 320),
        # Table 2, and the parameters that torchvision documents.
        (RESNET_50, 224, 25.557, 4100),
        # Table 6.
        (GHOSTNET_A, 240, 11.9, 591),
        (ARCHS['ghostnet_b'], None, 8.0, 300),
        (ARCHS['ghostnet_d'], None, 2.6, 52),
        (by_width('ghostnet_100', 0.5), 224, 2.6, 42),
        (ARCHS['ghostnet_100'], 224, 5.2, 141),
        (by_width('ghostnet_100', 1.5), 224, 9.1, 300),
    ],
    ids=lambda value: getattr(value, 'name', None),
)
def test_cost_is_the_paper_s(arch, side, params, macs):
    # 1.3M is 2.5% off for the rounding of the paper alone.
    assert millions(arch, side) == pytest.approx((params, macs), rel=0.03)


@pytest.mark.parametrize(
    ('name', 'side', 'macs'),
    [
        ('fbnet_b', 224, 295),
        ('ghostnet_c', 196, 141),
        ('resnet50_a', 192, 3600),
        ('resnet50_b', 188, 1800),
        ('resnet50_giant_a', 216, 3700),
        ('resnet50_giant_b', 184, 1800),
    ],
)
def test_flops_are_the_paper_s(name, side, macs):
    assert ARCHS[name].input == side
    assert millions(ARCHS[name])[1] == pytest.approx(macs, rel=0.03)


@pytest.mark.parametrize(
    ('name', 'baseline', 'd', 'macs'),
    [
        ('ghostnet_b', GHOSTNET_A, 1.1, 300),
        ('ghostnet_c', GHOSTNET_A, 0.84, 141),
        ('ghostnet_d', GHOSTNET_A, 0.64, 52),
        ('resnet50_a', RESNET_50, 1.2, 3600),
        ('resnet50_b', RESNET_50, 1.05, 1800),
    ],
)
def test_what_the_formula_made_lies_between_the_tinynets(name, baseline, d, macs):
    # c of the TinyNets: section 3.2.
    c = [0.06, 0.13, 0.25, 0.5, 0.9]
    points = [TINYNETS[variant] for variant in 'edcba']
    share = macs / millions(baseline)[1]
    resolution = np.interp(share, c, [point.input / 224 for point in points])
    depth = np.interp(share, c, [point.d for point in points])
    arch = ARCHS[name]
    assert arch.input / baseline.input == pytest.approx(resolution, abs=0.01)
    assert d == pytest.approx(depth, abs=0.015)
    blocks = [stage.repeats for stage in scale(baseline, 1, d, baseline.tiny).stages]
    assert [stage.repeats for stage in arch.stages] == blocks


def test_ghostnet_a_is_table_7_row_by_row():
    # Operator, expansion, output channels, stride, repeats; rows that differ in the
    # stride alone are one of ours.
    table = [
        (1, 28, 1, 1),
        (3, 44, 2, 1),
        (3, 44, 1, 1),
        (3, 72, 2, 1),
        (3, 72, 1, 2),
        (6, 140, 2, 1),
        (2.5, 140, 1, 3),
        (6, 196, 1, 3),
        (6, 280, 2, 1),
        (6, 280, 1, 5),
    ]
    blocks = [row[:3] for row in table for _ in range(row[3])]
    ours = [
        (stage.expansion, stage.channels, stage.stride if block == 0 else 1)
        for stage in GHOSTNET_A.stages
        for block in range(stage.repeats)
    ]
    assert ours == blocks
    assert {stage.squeeze for stage in GHOSTNET_A.stages} == {1 / 10}
    ends = (GHOSTNET_A.stem, GHOSTNET_A.head, GHOSTNET_A.hidden, GHOSTNET_A.input)
    assert ends == (28, 1680, 1400, 240)


def test_strides():
    assert {name: arch.stride for name, arch in ARCHS.items()} == dict.fromkeys(
        ARCHS, 32
    )
