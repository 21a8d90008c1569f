"""Out of the framework: export to ONNX, and what networks take on a device.

Only :mod:`tinydet.deploy.export` imports PyTorch; the other modules run where neither
it nor the mm packages are installed.
"""
