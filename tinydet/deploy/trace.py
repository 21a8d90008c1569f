"""PyTorch modules as ONNX graphs."""

import io
import warnings
from collections.abc import Sequence

import onnx
import torch
from torch import Tensor, nn

from tinydet.deploy.simplify import simplify

_OPSET = 17
_BATCH = 'batch'


def trace(
    module: nn.Module,
    example: Tensor,
    name: str,
    outputs: Sequence[str],
    dynamic_batch: bool = False,
) -> onnx.ModelProto:
    """Export what a module computes in evaluation.

    Args:
        module: Takes one tensor; is put into evaluation mode.
        example: An input of the shape to export, with a batch of 1.
        name: Of the input.
        outputs: Names for the tensors that it returns, nested ones flattened. All have
            the batch in front.
        dynamic_batch: Whether the batch may have any size.

    Returns:
        A model of standard operators with fixed shapes, but for such a batch.
    """
    module.eval()
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # What depends on the size of the input is for the size of the example.
        warnings.simplefilter('ignore', torch.jit.TracerWarning)
        # The exporter by tracing needs no package but onnx, and is seven times as fast
        # as its successor.
        warnings.simplefilter('ignore', DeprecationWarning)
        torch.onnx.export(
            module,
            (example,),
            file,
            input_names=[name],
            output_names=list(outputs),
            opset_version=_OPSET,
            dynamo=False,
            dynamic_axes={tensor: {0: _BATCH} for tensor in (name, *outputs)}
            if dynamic_batch
            else None,
        )
        shapes = [tensor.shape for tensor in _flat(module(example))]
    model = onnx.load_from_string(file.getvalue())
    # The exporter loses them behind a suppression.
    for output, shape in zip(model.graph.output, shapes, strict=True):
        sizes = output.type.tensor_type.shape.dim
        for size, length in zip(
            sizes[dynamic_batch:], shape[dynamic_batch:], strict=True
        ):
            size.dim_value = length
    simplify(model)
    return model


def _flat(outputs: Tensor | Sequence) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    return [tensor for output in outputs for tensor in _flat(output)]
