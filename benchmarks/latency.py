"""Networks and detectors before and after what is done for their latency.

"traced" is the graph as PyTorch exports it, with Sigmoid and Mul apart, as releases of
ONNX Runtime ran it that do not fuse the two; "ONNX Runtime" is what tools/export.py
writes, run as tools/latency.py and Detector run it; "OpenVINO" is the same file there,
in float32 and as it chooses, which is bfloat16 on processors with AMX. Everything takes
turns in one process, on one thread. The detectors go to their raw predictions for 80
classes, beside torchvision's ssdlite320_mobilenet_v3_large.
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from unittest import mock

import torch
from torch import nn
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from tinydet.arch import Arch
from tinydet.arch.efficientnet import EFFICIENTNET_B0
from tinydet.arch.giant import efficientnet_minus
from tinydet.arch.tinynet import tinynet
from tinydet.checks import check_number
from tinydet.cli import run
from tinydet.deploy.latency import Latency, measure_runs
from tinydet.deploy.runtimes import Run, openvino_run, session, session_run
from tinydet.deploy.untrained import classifier_onnx, detector_onnx, to_onnx
from tinydet.files import make_room, write_json

CLASSES = 1000
OBJECTS = 80
# The lighter taps: the stage outputs of strides 16 and 32.
TAPS = (4, 6)
REFERENCE = 'torchvision SSDLite320-MobileNetV3-Large'
RUNTIMES = ('traced', 'ONNX Runtime', 'OpenVINO float32', 'OpenVINO')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=4.0, help='for each network')
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    check_number('--seconds', args.seconds, 0)
    make_room(args.json)
    found = {}
    for title, networks in (('classifiers', CLASSIFIERS), ('detectors', DETECTORS)):
        runs = {
            (name, runtime): network_run
            for name, export in networks.items()
            for runtime, network_run in runs_of(export).items()
        }
        latencies = measure_runs(runs, args.seconds)
        print_table(title, list(networks), latencies)
        for (name, runtime), latency in latencies.items():
            found.setdefault(name, {})[runtime] = asdict(latency)
    if args.json:
        write_json(args.json, found)


def classifier(arch: Arch) -> Callable[[], bytes]:
    return lambda: classifier_onnx(arch, arch.input, CLASSES)


def detector(arch: Arch, side: int) -> Callable[[], bytes]:
    return lambda: detector_onnx(arch, side, OBJECTS, TAPS)


class RawPredictions(nn.Module):
    """torchvision's SSDLite up to what its head predicts, as ours is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.model = ssdlite320_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=OBJECTS + 1
        )

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        features = list(self.model.backbone(image).values())
        head = self.model.head
        return [
            predict(feature)
            for part in (head.classification_head, head.regression_head)
            for predict, feature in zip(part.module_list, features, strict=True)
        ]


def runs_of(export: Callable[[], bytes]) -> dict[str, Run]:
    """What runs a network in each way."""
    with mock.patch('tinydet.deploy.trace.simplify'):
        traced = export()
    model = export()
    return dict(
        zip(
            RUNTIMES,
            (
                session_run(session(traced, without=['QuickGeluFusion'])),
                session_run(session(model)),
                openvino_run(model, 'f32'),
                openvino_run(model),
            ),
            strict=True,
        )
    )


def print_table(
    title: str, names: list[str], found: dict[tuple[str, str], Latency]
) -> None:
    """Medians in milliseconds with the 10th and 90th percentiles."""
    width = max(map(len, names))
    print(f'{title:<{width}}', *(f'{runtime:>25}' for runtime in RUNTIMES))
    for name in names:
        cells = []
        for runtime in RUNTIMES:
            latency = found[name, runtime]
            ratio = latency.median_ms / found[names[0], runtime].median_ms
            cells.append(
                f'{latency.median_ms:6.2f} ({latency.p10_ms:5.2f}-'
                f'{latency.p90_ms:5.2f}) {ratio:4.2f}'
            )
        print(f'{name:<{width}}', *(f'{cell:>25}' for cell in cells))
    print()


CLASSIFIERS = {
    'EfficientNet-B0': classifier(EFFICIENTNET_B0),
    **{f'TinyNet-{v.upper()}': classifier(tinynet(v)) for v in 'abcde'},
    'EfficientNet-B^-4': classifier(efficientnet_minus(4)),
}
_D = tinynet('d')
_D_HARD = replace(_D, activation='hard_swish')
DETECTORS = {
    REFERENCE: lambda: to_onnx(RawPredictions(), 320, ()),
    **{
        f'SSDLite{side}-TinyNet-D{name}': detector(arch, side)
        for side in (512, 320)
        for name, arch in (('', _D), (' hard swish', _D_HARD))
    },
}

if __name__ == '__main__':
    raise SystemExit(run(main))
