"""What the detectors of a comparison cost."""

from pathlib import Path

import onnx

from tinydet.comparison.detectors import Model
from tinydet.inference import Metadata


def read_onnx(model: Model) -> bytes:
    """The content of a model's ONNX file; of a config, of the file that it would make.

    Without suppression in the second case.

    Raises:
        InputError: If the config cannot be exported.
    """
    if model.checkpoint is None:
        return Path(model.path).read_bytes()
    # Here, since ONNX files are compared without PyTorch.
    from tinydet.deploy.export import export_detector
    from tinydet.engine.jobs import load_config

    cfg = load_config(model.path)
    return export_detector(cfg, model.checkpoint, nms=False, dynamic_batch=False)


def read_metadata(content: bytes, path: str) -> Metadata:
    """What an ONNX file says about itself.

    Args:
        content: Of the file.
        path: For messages.
    """
    properties = onnx.load_from_string(content).metadata_props
    return Metadata.from_properties({p.key: p.value for p in properties}, path)
