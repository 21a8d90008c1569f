"""TinyDet: tiny object detectors from the tiny formula of Han et al. (NeurIPS 2020).

Importing this package is cheap: it loads no framework. Import ``tinydet.models``,
``tinydet.datasets``, ``tinydet.engine`` or ``tinydet.evaluation`` to register their
modules in MMEngine's root registries; configs do it through ``custom_imports``.
"""

from tinydet import mmcv_ops

__version__ = '0.1.0'

mmcv_ops.install()
