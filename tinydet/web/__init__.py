"""The web page: boxes, timings and class scores of exported detectors."""
