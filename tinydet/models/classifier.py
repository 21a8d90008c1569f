"""Image classifiers: any backbone, pooling, a linear classifier."""

import torch
from mmengine.registry import MODELS
from mmpretrain.models import ImageClassifier, LinearClsHead
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tinydet.arch import table_of
from tinydet.checks import check_choice, check_number, check_rate, check_whole
from tinydet.models.blocks import ACTIVATIONS
from tinydet.models.parts import build_part, run_once
from tinydet.weights import strict_pretrained

# Of the image that finds the channels, in pixels; more than the stride of any backbone.
_SIDE = 64


@MODELS.register_module()
class ClassifierHead(LinearClsHead):
    """Dropout and a linear layer, behind a hidden layer where a network has one.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the pooled features.
        hidden: Width of the layer between pooling and classifier, as in MobileNetV3
            (Howard et al., ICCV 2019, section 5.1); 0 for none.
        activation: That of the hidden layer, a key of
            ``tinydet.models.blocks.ACTIVATIONS``.
        dropout: Probability of dropping an input of the last layer in training.
        loss: Config of the loss.
        **kwargs: See mmpretrain's ``LinearClsHead``.

    Raises:
        InputError: If an argument is outside its range; the message names the range.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        hidden: int = 0,
        activation: str = 'relu6',
        dropout: float = 0.0,
        # Of mmpretrain whatever the scope; mmdet has another of that name.
        loss: dict = dict(type='mmpretrain.CrossEntropyLoss', loss_weight=1.0),  # noqa: B006
        **kwargs,
    ) -> None:
        check_whole('num_classes', num_classes, 1)
        check_whole('hidden', hidden, 0)
        check_choice('activation', activation, ACTIVATIONS)
        check_rate('dropout', dropout)
        super().__init__(num_classes, hidden or in_channels, loss=loss, **kwargs)
        self.in_channels = in_channels
        if hidden:
            self.hidden = nn.Linear(in_channels, hidden)
            self.act = ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """From pooled (N, ``in_channels``) features to the input of the last layer."""
        x = super().pre_logits(feats)
        if hasattr(self, 'hidden'):
            x = self.act(self.hidden(x))
        return self.dropout(x)


@MODELS.register_module()
class Classifier(ImageClassifier):
    """A classifier that fits its head to the backbone.

    The channels of the features are found by running the backbone once on a small
    image, so a config swaps the backbone in one line. Weights are kept in
    channels_last, in which depthwise convolutions are several times faster on CPU.

    Args:
        backbone: Config of a backbone; its last output is classified.
        head: Config of the head, such as ``dict(num_classes=1000)``, without
            ``in_channels``. The type is :class:`ClassifierHead` unless it says; a
            network with a hidden layer in its classifier gives the width and activation
            of that.
        neck: Config; global average pooling unless it says.
        train_cfg: Batch augmentation, see mmpretrain's ``ImageClassifier``.
        data_preprocessor: Config of the preprocessor; mmpretrain's
            ``ClsDataPreprocessor`` unless it says.
        bn_momentum: Share of a batch in the running statistics of every batch norm:
            0.01 is what TensorFlow and the paper call 0.99 (section 4.1). None leaves
            them as the parts have them; PyTorch's is 0.1.
        init_cfg: MMEngine's. ``dict(type='Pretrained', checkpoint=...)`` loads backbone
            and classifier as :func:`tinydet.weights.load_pretrained` does.

    Raises:
        InputError: If a part cannot be built, or ``bn_momentum`` is outside (0, 1].
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        neck: dict | None = None,
        train_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        bn_momentum: float | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        backbone = build_part(backbone, 'backbone')
        neck = build_part(
            {'type': 'mmpretrain.GlobalAveragePooling', **(neck or {})}, 'neck'
        )
        features = run_once(neck, run_once(backbone, torch.zeros(1, 3, _SIDE, _SIDE)))
        super().__init__(
            backbone,
            neck,
            build_part(
                {
                    'type': 'ClassifierHead',
                    'in_channels': features[-1].shape[1],
                    **_hidden_layer(backbone),
                    **head,
                },
                'head',
            ),
            train_cfg=train_cfg,
            data_preprocessor={
                'type': 'mmpretrain.ClsDataPreprocessor',
                **(data_preprocessor or {}),
            },
            init_cfg=strict_pretrained(init_cfg),
        )
        if bn_momentum is not None:
            check_number('bn_momentum', bn_momentum, 0, 1)
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.momentum = bn_momentum
        self.to(memory_format=torch.channels_last)


def _hidden_layer(backbone: nn.Module) -> dict:
    """Settings of the head that the architecture of a backbone asks for."""
    arch = table_of(backbone)
    if arch is None or not arch.hidden:
        return {}
    return {'hidden': arch.hidden, 'activation': arch.activation}
