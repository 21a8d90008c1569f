import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from toy_runner import ToyModel, make_runner

from tinydet.engine.averaging import AveragedWeightsHook
from tinydet.errors import InputError
from tinydet.weights import load_weights_only

DECAY = 0.6


class Steps(Hook):
    """Remembers the weight after every iteration and in every evaluation."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.trained, self.evaluated, self.averages = [], [], []

    def after_train_iter(self, runner, batch_idx, **_):
        self.trained.append(runner.model.error.item())
        self.averages.append(runner.model.count.item())

    def after_val_iter(self, runner, batch_idx, **_):
        self.evaluated.append((runner.model.error.item(), runner.model.count.item()))


class Counting(ToyModel):
    """With a buffer, as batch norms have."""

    def __init__(self):
        super().__init__()
        self.register_buffer('count', torch.zeros(()))

    def forward(self, inputs, data_samples, mode='loss'):
        if mode == 'loss':
            self.count += 1
        return super().forward(inputs, data_samples, mode)


def test_a_long_run_keeps_the_named_share():
    model = MODELS.build(
        dict(type='MomentumAnnealingEMA', model=torch.nn.Linear(1, 1), gamma=9),
        default_args=dict(momentum=1 - DECAY),
    )
    found, values = [], torch.linspace(0, 5, 40).sin().tolist()
    source = torch.nn.Linear(1, 1)
    for value in values:
        torch.nn.init.constant_(source.weight, value)
        model.update_parameters(source)
        found.append(model.module.weight.item())
    assert found == pytest.approx(
        [average(values[: n + 1]) for n in range(40)], abs=1e-6
    )
    # 0.6 from the 13th on: (1 + 12) / (10 + 12) is 0.59
    expected = DECAY * found[-2] + (1 - DECAY) * values[-1]
    assert found[-1] == pytest.approx(expected)


def train(folder, epochs, **settings):
    steps = Steps()
    hooks = [
        AveragedWeightsHook(DECAY),
        steps,
        dict(type='AtomicCheckpointHook'),
    ]
    runner = make_runner(folder, epochs, hooks, model=Counting(), **settings)
    runner.train()
    return runner, steps


def average(values):
    """By hand, as TensorFlow has it: at first less than 0.6 of the old stays."""
    result = values[0]
    for n, value in enumerate(values[1:]):
        kept = min(DECAY, (1 + n) / (10 + n))
        result = kept * result + (1 - kept) * value
    return result


def test_the_average_is_evaluated_and_saved(tmp_path):
    runner, steps = train(tmp_path, epochs=2)
    assert len(steps.trained) == 6
    expected = [
        (average(steps.trained[:n]), average(steps.averages[:n])) for n in (3, 6)
    ]
    # two batches an evaluation
    for found, wanted in zip(
        steps.evaluated, [e for e in expected for _ in range(2)], strict=True
    ):
        assert found == pytest.approx(wanted, rel=1e-6)
    assert abs(expected[1][0] - steps.trained[-1]) > 0.1
    # training went on with the weights themselves
    assert runner.model.error.item() == steps.trained[-1]

    newest = load_weights_only(tmp_path / 'work/epoch_2.pth')
    assert newest['state_dict']['error'].item() == pytest.approx(expected[1][0])
    assert newest['state_dict']['count'].item() == pytest.approx(expected[1][1])
    assert newest['ema_state_dict']['module.error'].item() == steps.trained[-1]
    best = load_weights_only(tmp_path / 'work/best.pth')
    epoch = best['meta']['epoch']
    assert best['state_dict']['error'].item() == pytest.approx(expected[epoch - 1][0])
    assert best['meta']['averaged']
    assert 'ema_state_dict' not in best


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(tmp_path):
    for name in ('whole', 'parts'):
        (tmp_path / name).mkdir()
    _, whole = train(tmp_path / 'whole', epochs=3)
    _, first = train(tmp_path / 'parts', epochs=2)
    checkpoint = str(tmp_path / 'parts/work/epoch_2.pth')
    _, rest = train(tmp_path / 'parts', epochs=3, resume=True, load_from=checkpoint)
    assert first.trained + rest.trained == pytest.approx(whole.trained)
    assert rest.evaluated[-1] == pytest.approx(whole.evaluated[-1])


@pytest.mark.parametrize('decay', [0.5, 1, 'much'])
def test_a_decay_outside_its_range(decay):
    with pytest.raises(InputError, match='decay'):
        AveragedWeightsHook(decay)
