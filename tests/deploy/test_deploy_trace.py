"""Modules as ONNX graphs."""

import numpy as np
import onnxruntime
import torch
from torch import nn

from tinydet.deploy.trace import trace


class Pair(nn.Module):
    """Gives the means and the doubled channels of images."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return x.mean((2, 3)), [self.drop(torch.cat([x, x], 1))]


def shapes(session):
    tensors = [*session.get_inputs(), *session.get_outputs()]
    return {tensor.name: tensor.shape for tensor in tensors}


def test_shapes_are_fixed_but_for_a_dynamic_batch():
    example = torch.zeros(1, 3, 4, 5)
    for dynamic, batch in ((False, 1), (True, 'batch')):
        model = trace(Pair(), example, 'x', ['mean', 'twice'], dynamic)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        assert shapes(session) == {
            'x': [batch, 3, 4, 5],
            'mean': [batch, 3],
            'twice': [batch, 6, 4, 5],
        }
    images = np.random.default_rng(0).random((7, 3, 4, 5), np.float32)
    mean, twice = session.run(['mean', 'twice'], {'x': images})
    np.testing.assert_allclose(mean, images.mean((2, 3)), rtol=1e-5)
    # In evaluation nothing is dropped.
    assert np.array_equal(twice, np.concatenate([images, images], 1))


def test_operators_are_standard_ones():
    model = trace(Pair(), torch.zeros(1, 3, 4, 5), 'x', ['mean', 'twice'])
    assert [(o.domain, o.version) for o in model.opset_import] == [('', 17)]
    assert not {node.domain for node in model.graph.node} - {''}
