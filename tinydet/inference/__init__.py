"""Detection without the training stack: NumPy, ONNX Runtime, and OpenCV or Pillow."""

from tinydet.inference.detections import Detections
from tinydet.inference.detector import Detector, Timings
from tinydet.inference.metadata import Metadata

__all__ = ['Detections', 'Detector', 'Metadata', 'Timings']
