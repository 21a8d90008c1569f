"""A detector of a few convolution weights as an ONNX file, and what it computes."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tinydet.inference import Metadata

CLASSES = ('ant', 'bee', 'cat')
SIDE = 32
# Default boxes are the cells of a 4 x 4 and of a 2 x 2 grid, twice as large.
CELLS = (8, 16)
LEVEL_SIZES = tuple((SIDE // cell) ** 2 for cell in CELLS)
METADATA = Metadata(
    task='detection',
    name='tiny',
    classes=CLASSES,
    input_size=SIDE,
    mean=(120.0, 110.0, 100.0),
    std=(60.0, 50.0, 40.0),
    nms=False,
    score_thr=0.02,
    iou_thr=0.45,
    nms_pre=1000,
    max_per_img=200,
    level_sizes=LEVEL_SIZES,
    macs=1000,
    parameters=100,
    precision='float32',
    revision='unknown',
    version='0.1.0',
)
# With suppression in the graph, whose number of boxes is fixed.
KEPT = 6


def write_detector(
    path: Path, nms: bool = False, dynamic: bool = False, **changes
) -> Path:
    """Write a detector.

    Args:
        path: Where to.
        nms: Give the best ``KEPT`` boxes above the threshold, suppressing none, as a
            graph with suppression gives them.
        dynamic: Take batches of any size.
        changes: To the metadata; of them the graph follows ``score_thr`` alone.
    """
    most = {'max_per_img': KEPT} if nms else {}
    metadata = Metadata(**{**vars(METADATA), 'nms': nms, **most, **changes})
    return save(path, _graph(metadata, dynamic), metadata.to_properties())


def save(path: Path, graph: onnx.GraphProto, properties: dict[str, str]) -> Path:
    """Write a graph with properties."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)])
    model.ir_version = 10
    helper.set_model_props(model, properties)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def weights() -> dict[str, np.ndarray]:
    """Convolutions of each level: 4 offsets and a score for each class and for none."""
    rng = np.random.default_rng(0)
    return {
        f'weight{cell}': (
            rng.normal(size=(4 + len(CLASSES) + 1, 3, cell, cell)) / cell
        ).astype(np.float32)
        for cell in CELLS
    }


def default_boxes() -> np.ndarray:
    """(A, 4) xyxy pixels."""
    rows = []
    for cell in CELLS:
        for y in range(cell // 2, SIDE, cell):
            for x in range(cell // 2, SIDE, cell):
                rows.append((x - cell, y - cell, x + cell, y + cell))
    return np.array(rows, np.float32)


def raw_outputs(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the graph without suppression gives, in NumPy.

    Args:
        image: (SIDE, SIDE, 3), uint8, RGB.

    Returns:
        Boxes (A, 4), xyxy pixels, and scores (A, classes).
    """
    normalised = (image - np.array(METADATA.mean)) / np.array(METADATA.std)
    rows = []
    for cell, weight in zip(CELLS, weights().values(), strict=True):
        for y in range(0, SIDE, cell):
            for x in range(0, SIDE, cell):
                patch = normalised[y : y + cell, x : x + cell].transpose(2, 0, 1)
                rows.append((weight * patch).sum(axis=(1, 2, 3)))
    raw = np.array(rows)
    powers = np.exp(raw[:, 4:])
    scores = powers / powers.sum(axis=1, keepdims=True)
    boxes = (default_boxes() + np.tanh(raw[:, :4])).clip(0, SIDE)
    return boxes.astype(np.float32), scores[:, :-1].astype(np.float32)


def _graph(metadata: Metadata, dynamic: bool) -> onnx.GraphProto:
    batch = 'batch' if dynamic else 1
    mean, std = (np.array(v, np.float32) for v in (METADATA.mean, METADATA.std))
    rows, columns = len(default_boxes()), 4 + len(CLASSES) + 1
    constants = {
        'mean': mean,
        'std': std,
        **weights(),
        'default_boxes': default_boxes(),
        'flat': np.array([0, columns, -1]),
        'zero': np.array([0]),
        'four': np.array([4]),
        'end': np.array([columns]),
        'channels': np.array([1]),
        'columns': np.array([2]),
        'low': np.array(0, np.float32),
        'high': np.array(SIDE, np.float32),
    }
    node = helper.make_node
    nodes = [
        node('Cast', ['images'], ['float'], to=TensorProto.FLOAT),
        node('Sub', ['float', 'mean'], ['centred']),
        node('Div', ['centred', 'std'], ['normalised']),
        node('Transpose', ['normalised'], ['planes'], perm=[0, 3, 1, 2]),
    ]
    for cell in CELLS:
        nodes += [
            node(
                'Conv', ['planes', f'weight{cell}'], [f'map{cell}'], strides=[cell] * 2
            ),
            node('Reshape', [f'map{cell}', 'flat'], [f'flat{cell}']),
        ]
    nodes += [
        node('Concat', [f'flat{cell}' for cell in CELLS], ['levels'], axis=2),
        node('Transpose', ['levels'], ['raw'], perm=[0, 2, 1]),
        node('Slice', ['raw', 'zero', 'four', 'columns'], ['offsets']),
        node('Slice', ['raw', 'four', 'end', 'columns'], ['logits']),
        node('Tanh', ['offsets'], ['shifts']),
        node('Add', ['default_boxes', 'shifts'], ['unclipped']),
        node('Clip', ['unclipped', 'low', 'high'], ['all_boxes']),
        node('Softmax', ['logits'], ['with_background'], axis=2),
        node('Slice', ['with_background', 'zero', 'kinds', 'columns'], ['all_scores']),
    ]
    constants['kinds'] = np.array([len(CLASSES)])
    if metadata.nms:
        nodes += [
            node('ReduceMax', ['all_scores'], ['best'], axes=[2], keepdims=0),
            node('ArgMax', ['all_scores'], ['kind'], axis=2, keepdims=0),
            node('TopK', ['best', 'kept'], ['top', 'rows'], axis=1),
            node('Greater', ['top', 'score_thr'], ['real']),
            node('Cast', ['real'], ['ones'], to=TensorProto.INT64),
            node('ReduceSum', ['ones', 'channels'], ['count'], keepdims=0),
            node('Where', ['real', 'top', 'low'], ['scores']),
            node('GatherElements', ['kind', 'rows'], ['kinds_of_top'], axis=1),
            node('Where', ['real', 'kinds_of_top', 'none'], ['labels']),
            node('Unsqueeze', ['rows', 'columns'], ['row']),
            node('Concat', ['row'] * 4, ['corners'], axis=2),
            node('GatherElements', ['all_boxes', 'corners'], ['top_boxes'], axis=1),
            node('Unsqueeze', ['real', 'columns'], ['real_box']),
            node('Where', ['real_box', 'top_boxes', 'low'], ['boxes']),
        ]
        constants |= {
            'kept': np.array([KEPT]),
            'score_thr': np.array(metadata.score_thr, np.float32),
            'none': np.array(-1),
        }
        outputs = {
            'boxes': (TensorProto.FLOAT, [KEPT, 4]),
            'scores': (TensorProto.FLOAT, [KEPT]),
            'labels': (TensorProto.INT64, [KEPT]),
            'count': (TensorProto.INT64, []),
        }
    else:
        nodes += [
            node('Identity', ['all_boxes'], ['boxes']),
            node('Identity', ['all_scores'], ['scores']),
        ]
        outputs = {
            'boxes': (TensorProto.FLOAT, [rows, 4]),
            'scores': (TensorProto.FLOAT, [rows, len(CLASSES)]),
        }
    info = helper.make_tensor_value_info
    return helper.make_graph(
        nodes,
        'tiny',
        [info('images', TensorProto.UINT8, [batch, SIDE, SIDE, 3])],
        [info(name, kind, [batch, *dims]) for name, (kind, dims) in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
