"""Out of the framework: export to ONNX, and what networks take on a device.

Making files needs PyTorch; :mod:`tinydet.deploy.latency`, :mod:`tinydet.deploy.profile`
and :mod:`tinydet.deploy.quantise` run where neither it nor the mm packages are
installed.
"""
