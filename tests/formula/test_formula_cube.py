import pytest

from tinydet.arch import (
    ARCHS,
    EFFICIENTNET_B0,
    TINYNETS,
    DepthUnderflow,
    classifier_cost,
    ssdlite_cost,
    tinynet,
)
from tinydet.errors import InputError
from tinydet.formula.cube import classifier_cube, detector_cube, find_baseline


# Parameters and multiply-accumulates of timm's networks, which
# tests/arch/test_arch_cost.py counts.
@pytest.mark.parametrize(
    ('variant', 'params', 'macs'),
    [
        *(('a', 6.19, 339), ('b', 3.73, 202), ('c', 2.46, 100)),
        *(('d', 2.34, 52), ('e', 2.04, 24)),
    ],
)
def test_the_tinynets_are_on_the_cube_of_efficientnet_b0(variant, params, macs):
    place = TINYNETS[variant]
    cube = classifier_cube('efficientnet_b0')
    net = cube.net(place.input / 224, place.d, place.w)
    assert net.input == place.input
    assert net.r == place.input / 224
    assert (net.d, net.w) == (place.d, place.w)
    table = tinynet(variant)
    assert (net.arch.stem, net.arch.stages) == (table.stem, table.stages)
    assert (net.arch.head, net.arch.hidden) == (table.head, table.hidden)
    assert net.params / 1e6 == pytest.approx(params, abs=0.01)
    assert net.macs / 1e6 == pytest.approx(macs, rel=0.02)


def test_the_rule_for_the_ends_can_be_another():
    cube = classifier_cube('efficientnet_b0')
    ours, giant = cube.net(1, 1, 0.5), cube.net(1, 1, 0.5, EFFICIENTNET_B0.scaling)
    assert (ours.arch.stem, ours.arch.head) == (32, 1280)
    assert (giant.arch.stem, giant.arch.head) == (16, 640)
    assert giant.macs < ours.macs


@pytest.mark.parametrize('name', ['efficientnet_b0', 'resnet50', 'ghostnet_a'])
def test_the_baseline_of_a_classifier(name):
    net = classifier_cube(name).baseline
    cost = classifier_cost(ARCHS[name])
    assert (net.r, net.d, net.w, net.input) == (1, 1, 1, ARCHS[name].input)
    assert (net.params, net.macs) == (cost.params, cost.macs)
    assert net.arch.stages == ARCHS[name].stages


@pytest.mark.parametrize(
    ('r', 'side'),
    [
        *((1, 225), (0.5, 112), (0.501, 112), (0.509, 114), (1.2, 270)),
        *((0.01, 32), (0.142, 32), (2.8, 630)),
    ],
)
def test_sides_are_even_and_hold_the_stride(r, side):
    cube = classifier_cube('efficientnet_b0', side=225)
    assert cube.input(r) == side
    net = cube.net(r, 1, 0.5)
    assert net.input == side
    assert net.r == side / 225
    assert net.macs == classifier_cost(net.arch, side).macs


def test_classes_and_input_of_a_classifier():
    cube = classifier_cube('efficientnet_b0', classes=10, side=64)
    cost = classifier_cost(EFFICIENTNET_B0, 64, 10)
    assert (cube.baseline.params, cube.baseline.macs) == (cost.params, cost.macs)
    assert cube.net(0.75, 1, 1).input == 48


@pytest.mark.parametrize(
    ('name', 'taps'),
    [('efficientnet_b0', ('expand5', 7)), ('resnet50', (2, 3))],
)
def test_the_baseline_of_a_detector_is_the_paper_s(name, taps):
    net = detector_cube(name).baseline
    cost = ssdlite_cost(ARCHS[name], 512, 80, taps)
    assert net.input == 512
    assert (net.params, net.macs) == (cost.params, cost.macs)


def test_classes_input_and_outputs_of_a_detector():
    cube = detector_cube('efficientnet_b0', classes=3, side=320, outputs=(4, 6))
    cost = ssdlite_cost(EFFICIENTNET_B0, 320, 3, (4, 6))
    assert (cube.baseline.params, cube.baseline.macs) == (cost.params, cost.macs)
    half = cube.net(0.5, 0.6, 0.7)
    assert half.input == 160
    assert half.macs == ssdlite_cost(half.arch, 160, 3, (4, 6)).macs


@pytest.mark.parametrize('make', [classifier_cube, detector_cube, find_baseline])
def test_an_unknown_baseline(make):
    with pytest.raises(InputError, match="no baseline 'vgg16': .*efficientnet_b0.*a"):
        make('vgg16')


def test_places_where_no_network_is():
    cube = classifier_cube('efficientnet_b0')
    with pytest.raises(DepthUnderflow, match='depth underflow: d=0.2 '):
        cube.net(1, 0.2, 1)
    with pytest.raises(InputError, match='w=0.01 makes every stage'):
        cube.net(1, 1, 0.01)
