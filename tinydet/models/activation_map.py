"""Class activation maps: which parts of an image speak for a class."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tinydet.errors import InputError
from tinydet.models.classifier import Classifier


@dataclass(frozen=True)
class ActivationMap:
    """What a classifier says of an image, and from where.

    Attributes:
        evidence: For the class at each position of the last feature map, negative
            where it speaks against it, (h, w).
        label: The predicted class.
        probability: Its probability, from 0 to 1.
    """

    evidence: Tensor
    label: int
    probability: float


def activation_map(model: Classifier, image: Tensor) -> ActivationMap:
    """Compute the class activation map of the predicted class.

    The map is the sum over the channels of the last feature map, each weighted with
    the gradient of the class's score summed over the positions. With pooling and a
    linear layer that gradient is the layer's weight, and the map that of Zhou et al.
    ("Learning Deep Features for Discriminative Localization", CVPR 2016, section 2).
    With a hidden layer between them it is Grad-CAM's (Selvaraju et al., ICCV 2017,
    section 3), but for the mean there, a constant factor, and before the negative
    parts are cut.

    Args:
        model: In evaluation mode.
        image: (3, H, W), uint8, BGR, of the model's input size.

    Raises:
        InputError: If the last output of the backbone is no feature map.
    """
    inputs = model.data_preprocessor({'inputs': image[None]})['inputs']
    with torch.no_grad():
        *others, features = model.extract_feat(inputs, stage='backbone')
    if features.ndim != 4:
        raise InputError(
            f'{type(model.backbone).__name__} ends with features of shape '
            f'{tuple(features.shape)}, which are no map (N, C, H, W): give the config '
            'of a convolutional network'
        )
    features.requires_grad_()
    with torch.enable_grad():
        scores = model.head(model.neck((*others, features)))[0]
        score, label = scores.max(0)
    (gradient,) = torch.autograd.grad(score, features)
    weights = gradient.sum((2, 3))
    return ActivationMap(
        evidence=torch.einsum('nchw,nc->hw', features.detach(), weights),
        label=int(label),
        probability=float(scores.detach().softmax(0)[label]),
    )
