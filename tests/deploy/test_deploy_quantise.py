"""Networks in integers beside the same in floats."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from settled_nets import pictures, write_classifier, write_detector

from tinydet.deploy.export import exportable_classifier, exportable_detector
from tinydet.deploy.quantise import layers, quantise
from tinydet.deploy.verify import verify
from tinydet.engine.jobs import load_config

SIDE = 64
CALIBRATION = 8


@pytest.fixture(scope='module')
def classifier(tmp_path_factory):
    """A classifier for any batch, in floats and in integers."""
    config, checkpoint = write_classifier(tmp_path_factory.mktemp('net'), SIDE)
    network = exportable_classifier(load_config(config), str(checkpoint))
    model = network.to_onnx(dynamic_batch=True)
    return model, quantise(model, pictures(CALIBRATION, SIDE))


class Graph:
    """What a graph has, by name."""

    def __init__(self, model):
        self.graph = onnx.load_from_string(model).graph
        self.weights = {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in self.graph.initializer
        }
        self.made_by = {name: node for node in self.graph.node for name in node.output}
        self.read_by = {}
        for node in self.graph.node:
            for name in node.input:
                self.read_by.setdefault(name, []).append(node)

    def of(self, *operators):
        return [node for node in self.graph.node if node.op_type in operators]

    def behind(self, nodes):
        """Those that are reached from some."""
        found, new = [], list(nodes)
        while new:
            node = new.pop()
            readers = [r for name in node.output for r in self.read_by.get(name, [])]
            new += [reader for reader in readers if reader not in found]
            found += [reader for reader in readers if reader not in found]
        return found


def scores(model, images):
    return onnxruntime.InferenceSession(model).run(['scores'], {'images': images})[0]


def test_all_convolutions_but_the_first_are_of_integers(classifier):
    graph = Graph(classifier[1])
    first, *others = graph.of('Conv')
    assert first.input[1] in graph.weights
    assert len(others) == len(Graph(classifier[0]).of('Conv')) - 1 > 30
    for node in others:
        image, weight = (graph.made_by[name] for name in node.input[:2])
        assert image.op_type == weight.op_type == 'DequantizeLinear'
        values, scale, zero = (graph.weights[name] for name in weight.input)
        assert values.dtype == np.int8 and not zero.any()
        # A scale for each channel: each uses the range.
        assert scale.shape == (len(values),)
        assert (np.abs(values.astype(int)).reshape(len(values), -1).max(1) >= 126).all()
        source = graph.made_by[image.input[0]]
        assert source.op_type == 'QuantizeLinear'
        assert graph.weights[image.input[2]].dtype == np.uint8
        (reader,) = graph.read_by[node.output[0]]
        assert reader.op_type == 'QuantizeLinear'


def test_both_ends_are_of_floats(classifier):
    graph = Graph(classifier[1])
    convolutions = graph.of('Conv')
    quantised = graph.of('QuantizeLinear')
    # The first reads the normalised image, as before.
    normalised = graph.made_by[convolutions[0].input[0]]
    assert normalised.op_type == 'Div'
    assert convolutions[0] not in graph.behind(quantised)
    # Only the output of the last convolution is quantised.
    ends = graph.behind(convolutions[-1:])
    assert Counter(node.op_type for node in ends) == {
        'QuantizeLinear': 1,
        'DequantizeLinear': 1,
        'Sigmoid': 1,
        'Mul': 1,
        'GlobalAveragePool': 1,
        'Reshape': 1,
        'Gemm': 1,
        'Softmax': 1,
    }


def test_scores_are_close(classifier):
    model, quantised = classifier
    seen, unseen = np.split(pictures(24, SIDE), [CALIBRATION])
    for images, least in ((seen, 0.98), (unseen, 0.9)):
        expected, found = scores(model, images), scores(quantised, images)
        assert found.shape == expected.shape == (len(images), 3)
        assert 1e-3 < np.abs(found - expected).max() < 0.5
        assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > least
        # Of the classes that are sure, the best is the same.
        sure = np.diff(np.sort(expected))[:, -1] > 0.3
        assert sure.sum() > len(images) / 2
        best = expected[sure].argmax(1), found[sure].argmax(1)
        assert np.mean(best[0] == best[1]) > least


def test_file_is_small_and_takes_any_batch(classifier):
    model, quantised = classifier
    assert len(quantised) < 0.45 * len(model)
    onnx.checker.check_model(onnx.load_from_string(quantised), full_check=True)
    images = pictures(5, SIDE)
    together = scores(quantised, images)
    one_by_one = [scores(quantised, image[None])[0] for image in images]
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


def test_the_same_images_give_the_same_file(classifier):
    model, quantised = classifier
    assert quantise(model, list(pictures(CALIBRATION, SIDE))) == quantised


def test_a_detector_with_suppression(tmp_path, caplog, capfd):
    config, checkpoint = write_detector(tmp_path, 96, score_thr=0.8, max_per_img=30)
    network = exportable_detector(load_config(config), str(checkpoint), nms=True)
    images = pictures(CALIBRATION, 96)
    model = network.to_onnx(dynamic_batch=True)
    caplog.clear()
    capfd.readouterr()
    quantised = quantise(model, images)
    # Nothing is said of it.
    assert not caplog.records and capfd.readouterr() == ('', '')
    assert len(quantised) < 0.45 * len(model)
    graph = Graph(quantised)
    first, *others = graph.of('Conv')
    assert first.input[1] in graph.weights
    assert all(node.input[1] not in graph.weights for node in others)
    # A level's two predictions, as they come out of the network, and no more.
    behind = graph.behind(graph.of('Transpose')[1:])
    assert {'NonMaxSuppression', 'Exp', 'Softmax'} <= {n.op_type for n in behind}
    assert not {'QuantizeLinear', 'DequantizeLinear'} & {n.op_type for n in behind}
    agreements = [verify(quantised, network.graph, image) for image in images[:4]]
    expected = sum(agreement.expected for agreement in agreements)
    assert expected > 5 * len(agreements)
    assert sum(agreement.matched for agreement in agreements) > 0.8 * expected
    outputs = onnxruntime.InferenceSession(quantised).run(None, {'images': images})
    assert [len(output) for output in outputs] == [len(images)] * 4
    assert outputs[3].tolist()[:4] == [agreement.found for agreement in agreements]


def test_layers_are_those_between_convolutions():
    shape = [1, 1, 4, 4]
    steps = [
        ('Sub', ['x', 'mean'], 'normalised'),
        ('Conv', ['normalised', 'w'], 'stem'),
        ('Neg', ['mean'], 'aside'),
        ('Relu', ['stem'], 'active'),
        ('Conv', ['active', 'w'], 'left'),
        ('Exp', ['active'], 'right'),
        ('Add', ['right', 'aside'], 'shifted'),
        ('Conv', ['shifted', 'w'], 'last'),
        ('Neg', ['left'], 'y'),
        ('Mul', ['last', 'right'], 'z'),
    ]
    graph = helper.make_graph(
        [
            helper.make_node(operator, inputs, [output], name=f'to {output}')
            for operator, inputs, output in steps
        ],
        'g',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in 'yz'
        ],
        [
            helper.make_tensor('mean', TensorProto.FLOAT, [1], [1]),
            helper.make_tensor('w', TensorProto.FLOAT, [1, 1, 1, 1], [2]),
        ],
    )
    onnx.checker.check_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)])
    )
    assert layers(graph) == [
        'to stem',
        'to active',
        'to left',
        'to right',
        'to shifted',
        'to last',
    ]
