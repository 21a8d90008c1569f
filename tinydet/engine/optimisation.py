"""Optimizer and learning rate of the EfficientNets, which the TinyNets share."""

import math

from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.registry import OPTIMIZERS, PARAM_SCHEDULERS
from timm.optim import RMSpropTF
from torch.optim import Optimizer

from tinydet.checks import check_number
from tinydet.errors import InputError

OPTIMIZERS.register_module(module=RMSpropTF)

# Of the state of MMEngine's schedulers.
_PLACE = ('last_step', '_global_step', '_last_value')


@PARAM_SCHEDULERS.register_module()
class StaircaseLR(LRSchedulerMixin, _ParamScheduler):
    """A linear warm-up, then a staircase whose steps need not be whole epochs.

    After e epochs, a fraction, the learning rate is the optimizer's times e / warmup
    while e < warmup, then times gamma ** floor(e / step): the staircase starts at 0 and
    not behind the warm-up, as in TensorFlow's EfficientNet.

    Args:
        optimizer: The optimizer, or MMEngine's wrapper of it.
        step: Length of a step, in iterations; in epochs in a config, together with
            ``convert_to_iter_based=True``.
        gamma: What each step multiplies by.
        warmup: Length of the warm-up, in the same unit; 0 for none.
        **kwargs: See MMEngine's schedulers.

    Raises:
        InputError: If an argument is outside its range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        step: float,
        gamma: float,
        warmup: float = 0,
        **kwargs,
    ) -> None:
        check_number('step', step, 0)
        check_number('gamma', gamma, 0, 1)
        check_number('warmup', warmup, -1)
        self.step_length = step
        self.gamma = gamma
        self.warmup = warmup
        super().__init__(optimizer, **kwargs)

    @classmethod
    def build_iter_from_epoch(
        cls,
        *args,
        step: float,
        warmup: float = 0,
        end: int,
        epoch_length: int,
        **kwargs,
    ) -> 'StaircaseLR':
        """Build it from lengths in epochs of ``epoch_length`` iterations.

        Raises:
            InputError: If the warm-up takes the whole training, of ``end`` epochs.
        """
        if warmup >= end:
            raise InputError(
                f'a warm-up of {warmup} epochs leaves none of max_epochs={end}: '
                'shorten param_scheduler.warmup and param_scheduler.step in proportion'
            )
        return cls(
            *args,
            step=step * epoch_length,
            warmup=warmup * epoch_length,
            end=end * epoch_length,
            by_epoch=False,
            **kwargs,
        )

    def state_dict(self) -> dict:
        """What a resumed run goes on from: the place, not the settings.

        A run that is resumed for more epochs goes on by its own config.
        """
        state = super().state_dict()
        return {name: state[name] for name in _PLACE}

    def _get_value(self) -> list[float]:
        done = self.last_step
        if done < self.warmup:
            factor = done / self.warmup
        else:
            # 2.4 epochs of whole iterations are seldom whole in floating point.
            factor = self.gamma ** math.floor(done / self.step_length + 1e-9)
        return [base * factor for base in self.base_values]
