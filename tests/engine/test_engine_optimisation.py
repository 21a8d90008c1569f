import math

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from timm.optim import RMSpropTF
from timm.scheduler import StepLRScheduler
from torch import nn

import tinydet.engine  # noqa: F401  registers the schedule and the optimizer
from tinydet.errors import InputError

LR = 0.048


def rates(epoch_length: int, epochs: int, **settings) -> list[float]:
    """The learning rate of every iteration, as MMEngine's runner would set it."""
    optimizer = OptimWrapper(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR))
    schedule = PARAM_SCHEDULERS.build(
        dict(type='StaircaseLR', convert_to_iter_based=True, end=epochs, **settings),
        default_args=dict(optimizer=optimizer, epoch_length=epoch_length),
    )
    found = []
    for _ in range(epochs * epoch_length):
        found.append(optimizer.get_lr()['lr'][0])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize('epoch_length', [10, 7, 1251])
def test_the_closed_form_in_fractional_epochs(epoch_length):
    found = rates(epoch_length, 8, step=2.4, gamma=0.97, warmup=3)
    for i, rate in enumerate(found):
        # whole numbers, as 2.4 is not whole in floating point: i / n / (12 / 5)
        if i < 3 * epoch_length:
            expected = LR * i / (3 * epoch_length)
        else:
            expected = LR * 0.97 ** (5 * i // (12 * epoch_length))
        assert rate == pytest.approx(expected, rel=1e-12), i


def test_the_steps_are_not_those_of_whole_epochs():
    found = rates(10, 8, step=2.4, gamma=0.97, warmup=3)
    assert [i for i in range(31, 80) if found[i] < found[i - 1]] == [48, 72]
    # timm's scheduler, which the reference used by the epoch, agrees at whole epochs
    # but for the start of the warm-up, which is 1e-6 there.
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    timm = StepLRScheduler(
        optimizer,
        decay_t=2.4,
        decay_rate=0.97,
        warmup_t=3,
        warmup_lr_init=1e-6,
        warmup_prefix=False,
    )
    for epoch in range(8):
        timm.step(epoch)
        assert found[10 * epoch] == pytest.approx(
            optimizer.param_groups[0]['lr'], abs=1.1e-6
        )


def test_without_warmup_it_starts_at_the_top():
    assert rates(4, 2, step=1, gamma=0.5) == [LR] * 4 + [LR / 2] * 4


def test_a_resumed_schedule_goes_on():
    def build():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
        settings = dict(step=2.4, gamma=0.97, warmup=3, end=8)
        return optimizer, PARAM_SCHEDULERS.build(
            dict(type='StaircaseLR', convert_to_iter_based=True, **settings),
            default_args=dict(optimizer=optimizer, epoch_length=10),
        )

    optimizer, schedule = build()
    for _ in range(50):
        optimizer.step()
        schedule.step()
    resumed_optimizer, resumed = build()
    resumed_optimizer.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    for _ in range(25):
        schedule.step()
        resumed.step()
        assert resumed.get_last_value() == schedule.get_last_value()
    assert schedule.get_last_value() == [pytest.approx(LR * 0.97**3)]


def test_a_run_resumed_for_more_epochs_goes_on_by_its_own_settings():
    def build(epochs):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
        settings = dict(step=2.4, gamma=0.97, warmup=3, end=epochs)
        return optimizer, PARAM_SCHEDULERS.build(
            dict(type='StaircaseLR', convert_to_iter_based=True, **settings),
            default_args=dict(optimizer=optimizer, epoch_length=10),
        )

    optimizer, schedule = build(epochs=10)
    for _ in range(99):
        optimizer.step()
        schedule.step()
    longer_optimizer, longer = build(epochs=30)
    longer_optimizer.load_state_dict(optimizer.state_dict())
    longer.load_state_dict(schedule.state_dict())
    for _ in range(150):
        longer.step()
    assert longer.get_last_value() == [pytest.approx(LR * 0.97 ** (249 // 24))]


def test_a_warmup_that_takes_the_whole_run_is_refused():
    message = r'a warm-up of 3 epochs leaves none of max_epochs=3: shorten param_sched'
    with pytest.raises(InputError, match=message):
        rates(10, 3, step=2.4, gamma=0.97, warmup=3)


@pytest.mark.parametrize(
    'wrong', [dict(step=0), dict(gamma=1.5), dict(gamma=0), dict(warmup=-2)]
)
def test_a_value_outside_its_range(wrong):
    settings = {'step': 2.4, 'gamma': 0.97, 'warmup': 3, **wrong}
    with pytest.raises(InputError, match=next(iter(wrong))):
        rates(10, 8, **settings)


def test_rmsprop_is_tensorflow_s():
    """The trajectory of timm's optimizer, and a computation of it by hand."""
    torch.manual_seed(0)
    values = dict(lr=0.05, alpha=0.9, momentum=0.9, eps=1e-3, weight_decay=1e-2)
    start = torch.randn(5, 3, dtype=torch.double)
    gradients = torch.randn(12, 5, 3, dtype=torch.double)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(start.clone())

    ours, theirs = Model(), nn.Parameter(start.clone())
    wrapper = build_optim_wrapper(
        ours, dict(optimizer=dict(type='RMSpropTF', **values))
    )
    timm = RMSpropTF([theirs], **values)
    weight, square, momentum = start.clone(), torch.ones_like(start), 0
    for gradient in gradients:
        wrapper.zero_grad()
        wrapper.backward((ours.weight * gradient).sum())
        wrapper.step()
        theirs.grad = gradient.clone()
        timm.step()
        g = gradient + 1e-2 * weight
        square = square + 0.1 * (g**2 - square)
        # epsilon within the root, the learning rate within the momentum
        momentum = 0.9 * momentum + 0.05 * g / (square + 1e-3).sqrt()
        weight = weight - momentum
        assert torch.equal(ours.weight, theirs)
        assert torch.allclose(ours.weight, weight, rtol=0, atol=1e-12)
    assert not math.isclose(ours.weight[0, 0].item(), start[0, 0].item(), rel_tol=0.1)
