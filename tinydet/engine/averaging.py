"""The averaged weights of a training run."""

from mmengine.dist import all_reduce_params
from mmengine.hooks import EMAHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.runner.checkpoint import weights_to_cpu

from tinydet.checks import check_number

# MMEngine's 9 / (9 + updates), of which the first copies, is 1 - (1 + n) / (10 + n).
_START = 9


@HOOKS.register_module()
class AveragedWeightsHook(EMAHook):
    """Evaluates and saves an exponential moving average of the weights.

    As TensorFlow's EfficientNet does: the statistics of batch norms are averaged as
    well, and after n iterations the average keeps ``min(decay, (1 + n) / (10 + n))`` of
    the one before, so that a short run is not an average of its first weights.
    Checkpoints hold the averaged weights under ``state_dict``, and those of the last
    iteration, to resume from, under ``ema_state_dict``; ``meta.averaged`` says so where
    only the former are kept.

    Args:
        decay: Share of the average that stays in each iteration, at most.

    Raises:
        InputError: If ``decay`` is not above 0.5 and below 1.
    """

    def __init__(self, decay: float = 0.9999) -> None:
        check_number('decay', decay, 0.5, 1 - 1e-9)
        super().__init__(
            'MomentumAnnealingEMA',
            momentum=1 - decay,
            gamma=_START,
            update_buffers=True,
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put the averaged weights first."""
        super().before_save_checkpoint(runner, checkpoint)
        # MMEngine has moved the weights that the average takes the place of.
        checkpoint['state_dict'] = weights_to_cpu(checkpoint['state_dict'])
        checkpoint['meta']['averaged'] = True

    def after_train_epoch(self, runner: Runner) -> None:
        """Give the processes the mean of their batch norms' averaged statistics."""
        all_reduce_params(self.ema_model.module.buffers(), op='mean')
