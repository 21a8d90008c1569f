"""A web page to try detectors on: tools/app.py MODEL.onnx [MORE.onnx ...]

Drop an image there or use the camera, choose one or two of the models, and see boxes,
times and class scores side by side. Models are those that tools/export.py wrote. The
page needs no network, and neither PyTorch nor OpenMMLab.
"""

import argparse
from pathlib import Path

from tinydet.cli import run
from tinydet.inference.onnx_model import RUNTIMES
from tinydet.web.start import check_address, load_detectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('models', nargs='+', type=Path, metavar='MODEL.onnx')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen at; 0.0.0.0 lets other machines in, whose browsers '
        'then allow no camera (default: %(default)s)',
    )
    parser.add_argument('--port', type=int, default=7860, help='default: %(default)s')
    parser.add_argument(
        '--runtime',
        choices=RUNTIMES,
        default='onnxruntime',
        help='what runs the models (default: %(default)s)',
    )
    args = parser.parse_args()
    check_address(args.host, args.port)
    detectors = load_detectors(args.models, args.runtime)
    # Here, since Gradio may be missing and takes seconds.
    from tinydet.web.app import build_page, serve

    serve(build_page(detectors), args.host, args.port)


if __name__ == '__main__':
    raise SystemExit(run(main))
