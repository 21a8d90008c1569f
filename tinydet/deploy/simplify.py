"""What a traced graph says in a way that runtimes are slower at."""

from collections.abc import Mapping, Sequence

import onnx
from onnx import TensorProto, helper

_HEIGHT_AND_WIDTH = {2, 3}
# ONNX Runtime's poolings add pixels one by one in float32. Of more pixels than this the
# error counts: in one step over the maps of a detector it moved boxes by 0.1 pixels.
_MOST_PIXELS = 128
# Sides of the squares that a large map is pooled by first, the best first.
_SIDES = range(8, 1, -1)


def simplify(model: onnx.ModelProto) -> None:
    """Rewrite a graph in place, so that it computes the same sooner.

    * A mean over height and width becomes GlobalAveragePool, behind poolings of parts
      where a map is large: as exact as the mean. ONNX Runtime has them for its blocked
      layout and for 8-bit integers, so the maps of a squeeze-and-excitation need no
      reordering before them.
    * Conversions of float32 to float32 are left out. ONNX Runtime runs those to the
      outputs.

    Args:
        model: Of opset 17, without subgraphs.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    # Shapes of the tensors that are float32; a size is 0 where it is not known.
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.value_info, *graph.input, *graph.output]
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    nodes = [
        step
        for node in model.graph.node
        for step in (_pooling(node, shapes) if _is_pooling(node, shapes) else [node])
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_conversions(model.graph, set(shapes))


def _is_pooling(node: onnx.NodeProto, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Whether a node is the mean of a map of known size over height and width."""
    shape = shapes.get(node.input[0], ()) if node.op_type == 'ReduceMean' else ()
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    # As traced, they may count from the end.
    axes = {axis % 4 for axis in settings.get('axes', ())}
    return (
        len(shape) == 4
        and all(shape[2:])
        and axes == _HEIGHT_AND_WIDTH
        and settings.get('keepdims', 1) == 1
    )


def _pooling(
    mean: onnx.NodeProto, shapes: Mapping[str, Sequence[int]]
) -> list[onnx.NodeProto]:
    """The steps of a mean over height and width."""
    (source,), (target,) = mean.input, mean.output
    *_, height, width = shapes[source]
    steps = []
    while height * width > _MOST_PIXELS:
        rows, columns = kernel = _part(height, width)
        height, width = height // rows, width // columns
        parts = f'{target}_{height}x{width}'
        steps.append(
            helper.make_node(
                'AveragePool',
                [source],
                [parts],
                f'{mean.name}/{height}x{width}',
                kernel_shape=kernel,
                strides=kernel,
            )
        )
        source = parts
    steps.append(helper.make_node('GlobalAveragePool', [source], [target], mean.name))
    return steps


def _part(height: int, width: int) -> tuple[int, int]:
    """A part that divides a map: a square if there is one, else a row."""
    squares = (side for side in _SIDES if height % side == width % side == 0)
    side = next(squares, None)
    if side is not None:
        return side, side
    return (1, width) if width > 1 else (height, 1)


def pool_at_once(graph: onnx.GraphProto) -> None:
    """Take the parts out of poolings again, in place.

    For 8-bit integers, which add up exactly, while the means of parts would be rounded.
    """
    parts = {
        node.output[0]: node for node in graph.node if node.op_type == 'AveragePool'
    }
    for node in list(graph.node):
        while node.op_type == 'GlobalAveragePool' and node.input[0] in parts:
            before = parts[node.input[0]]
            node.input[0] = before.input[0]
            graph.node.remove(before)


def _drop_conversions(graph: onnx.GraphProto, floats: set[str]) -> None:
    outputs = {value.name for value in graph.output}
    inner = {name for node in graph.node for name in node.output} - outputs
    for node in list(graph.node):
        if node.op_type != 'Cast' or not floats.issuperset([*node.input, *node.output]):
            continue
        (source,), (target,) = node.input, node.output
        if target not in outputs:
            old, new = target, source
        elif source in inner:
            # An output keeps its name.
            old, new = source, target
        else:
            continue
        graph.node.remove(node)
        _rename(graph, old, new)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [new if name == old else name for name in tensors]
