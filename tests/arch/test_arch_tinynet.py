import pytest
import timm

from tinydet.arch import EFFICIENTNET_B0, TINYNETS, scale, tinynet
from tinydet.errors import InputError


@pytest.fixture(params=sorted(TINYNETS))
def variant(request):
    return request.param


def test_tables_are_the_networks_that_timm_builds(variant):
    arch = tinynet(variant)
    theirs = timm.create_model(f'tinynet_{variant}')

    assert arch.stem == theirs.conv_stem.out_channels
    assert arch.head == theirs.conv_head.out_channels
    assert [stage.repeats for stage in arch.stages] == [
        len(blocks) for blocks in theirs.blocks
    ]
    last_convs = [
        getattr(blocks[-1], 'conv_pwl', blocks[-1].conv_pw) for blocks in theirs.blocks
    ]
    assert [stage.channels for stage in arch.stages] == [
        conv.out_channels for conv in last_convs
    ]
    first_depthwise = [blocks[0].conv_dw for blocks in theirs.blocks]
    assert [(stage.kernel, stage.stride) for stage in arch.stages] == [
        (conv.kernel_size[0], conv.stride[0]) for conv in first_depthwise
    ]


def test_input_side_is_that_of_the_published_weights(variant):
    published = timm.get_pretrained_cfg(f'tinynet_{variant}').input_size
    assert published == (3, TINYNETS[variant].input, TINYNETS[variant].input)


def test_name_of_the_variant_is_in_messages(variant):
    assert tinynet(variant).name == f'tinynet_{variant}'


@pytest.mark.parametrize('unknown', ['f', 'A', ''])
def test_unknown_variant_names_the_choices(unknown):
    with pytest.raises(InputError, match=f'TinyNet {unknown!r}.*a, b, c, d, e'):
        tinynet(unknown)


def test_scaling_leaves_the_baseline_as_it_is():
    before = EFFICIENTNET_B0.stages
    scale(EFFICIENTNET_B0, 0.5, 0.5, EFFICIENTNET_B0.tiny)
    assert EFFICIENTNET_B0.stages == before
    assert scale(EFFICIENTNET_B0, 1, 1, EFFICIENTNET_B0.tiny).stages == before
