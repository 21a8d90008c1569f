"""Class activation maps against their definition, and whether they find an object."""

import numpy as np
import pytest
import torch
from timm_nets import randomise
from torch.nn.functional import cross_entropy

from tinydet.errors import InputError
from tinydet.models import Classifier
from tinydet.models.activation_map import activation_map
from tinydet.models.parts import build_part
from tinydet.viz.cam import strength

SIDE = 64


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def classifier(backbone: dict, classes: int = 5, **head) -> Classifier:
    model = build_part(
        dict(
            type='Classifier',
            backbone=backbone,
            head=dict(num_classes=classes, **head),
            data_preprocessor=dict(
                mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 70.0], to_rgb=True
            ),
        )
    )
    randomise(model)
    return model.eval()


def picture(side: int = SIDE) -> torch.Tensor:
    return torch.randint(256, (3, side, side), dtype=torch.uint8)


def normalised(image: torch.Tensor) -> torch.Tensor:
    mean, std = torch.tensor([[120.0, 110.0, 100.0], [60.0, 50.0, 70.0]])
    return ((image.flip(0) - mean[:, None, None]) / std[:, None, None])[None]


@torch.no_grad()
@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='TinyNet', variant='e'),
        dict(type='TinyNet', variant='e', out_indices=(2, 5)),
        dict(type='EfficientNetMinus', phi=4),
        dict(type='ConvNet', arch='resnet50', w=0.25),
        dict(type='mmpretrain.ResNet', depth=18),
        dict(type='mmpretrain.TIMMBackbone', model_name='mnasnet_050'),
    ],
    ids=str,
)
def test_pooling_and_linear_is_the_map_of_zhou(backbone):
    model = classifier(backbone)
    image = picture(96)
    found = activation_map(model, image)

    features = model.backbone(normalised(image))[-1]
    scores = model(normalised(image))[0]
    assert found.label == scores.argmax()
    assert found.probability == pytest.approx(float(scores.softmax(0).max()), rel=1e-5)
    expected = torch.einsum('chw,c->hw', features[0], model.head.fc.weight[found.label])
    scale = float(expected.abs().max())
    torch.testing.assert_close(found.evidence, expected, rtol=1e-5, atol=1e-5 * scale)
    # what the map distributes over the image is the class's score
    torch.testing.assert_close(
        found.evidence.mean() + model.head.fc.bias[found.label],
        scores.max(),
        rtol=1e-4,
        atol=1e-5 * scale,
    )
    assert all(parameter.grad is None for parameter in model.parameters())


@torch.no_grad()
@pytest.mark.parametrize('arch', ['ghostnet_100', 'mobilenet_v3_small'])
def test_a_hidden_layer_makes_it_grad_cam(arch):
    model = classifier(dict(type='ConvNet', arch=arch, w=0.35), dropout=0.2)
    image = picture()
    found = activation_map(model, image)

    features = model.backbone(normalised(image))[-1].double()
    head = model.head.double()
    pooled = features.mean((2, 3))
    step = 1e-6
    # central differences of the score at a pooled channel, which a shift of the
    # whole channel moves as much
    shifts = step * torch.eye(pooled.shape[1], dtype=torch.double)
    scores = [head((pooled + sign * shifts,))[:, found.label] for sign in (1, -1)]
    weights = (scores[0] - scores[1]) / (2 * step)
    expected = torch.einsum('chw,c->hw', features[0], weights)
    assert found.label == head((pooled,)).argmax()
    torch.testing.assert_close(
        found.evidence.double(),
        expected,
        rtol=1e-4,
        atol=1e-4 * float(expected.abs().max()),
    )


def scene(rng: np.random.Generator, label: int) -> tuple[torch.Tensor, np.ndarray]:
    """A disc on noise, of the colour of its class, and where it is."""
    image = rng.integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
    radius = 12
    x, y = rng.integers(radius, SIDE - radius, 2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disc = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
    image[:, disc] = np.array([[220, 60, 60], [60, 60, 220]][label])[:, None]
    return torch.from_numpy(image), disc


@pytest.mark.parametrize('head', [{}, dict(hidden=32, activation='relu')], ids=str)
def test_the_maximum_lies_on_the_object(head):
    rng = np.random.default_rng(0)
    backbone = dict(type='ConvNet', arch='mobilenet_v2', w=0.5, out_indices=(2,))
    model = build_part(
        dict(
            type='Classifier',
            backbone=backbone,
            head=dict(num_classes=2, **head),
            data_preprocessor=dict(mean=[127.0] * 3, std=[64.0] * 3),
        )
    )
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(40):
        labels = rng.integers(0, 2, 16)
        images = torch.stack([scene(rng, label)[0] for label in labels])
        scores = model(model.data_preprocessor({'inputs': images})['inputs'])
        optimizer.zero_grad()
        cross_entropy(scores, torch.from_numpy(labels)).backward()
        optimizer.step()

    model.eval()
    recognised, met, by_chance = [], [], []
    for number in range(40):
        image, disc = scene(rng, number % 2)
        found = activation_map(model, image)
        recognised.append(found.label == number % 2)
        met.append(disc.flat[strength(found.evidence.numpy(), SIDE).argmax()])
        by_chance.append(disc.mean())
    assert np.mean(by_chance) < 0.12
    assert np.mean(recognised) > 0.9
    assert np.mean(met) > 0.8


def test_features_that_are_no_map_are_refused():
    model = classifier(
        dict(
            type='mmpretrain.TIMMBackbone',
            model_name='vit_tiny_patch16_224',
            img_size=SIDE,
            depth=1,
        )
    )
    with pytest.raises(InputError, match=r'TIMMBackbone .* \(1, 17, 192\).* no map'):
        activation_map(model, picture())
