# SSDLite 512 on TinyNet-D, the paper's Table 5, for COCO.
_base_ = [
    '_base_/models/ssdlite.py',
    '_base_/datasets/coco.py',
    '_base_/schedules/adamw_cosine.py',
    '_base_/runtime.py',
]
# The first tap is the expansion output at stride 16, the second the last convolution;
# (4, 6) taps the stage outputs instead, which is lighter.
model = dict(backbone=dict(type='TinyNet', variant='d', out_indices=('expand5', 7)))
