"""What MMEngine builds; importing this package registers it in the root registries."""

from tinydet.models.anchors import SSDLiteAnchorGenerator
from tinydet.models.backbone import ConvNet, EfficientNetMinus, TinyNet
from tinydet.models.classifier import Classifier, ClassifierHead
from tinydet.models.detector import SSDLite
from tinydet.models.head import SSDLiteHead
from tinydet.models.neck import SSDLiteNeck
from tinydet.models.overlaps import TieBreakingOverlaps

__all__ = [
    'Classifier',
    'ClassifierHead',
    'ConvNet',
    'EfficientNetMinus',
    'SSDLite',
    'SSDLiteAnchorGenerator',
    'SSDLiteHead',
    'SSDLiteNeck',
    'TieBreakingOverlaps',
    'TinyNet',
]
