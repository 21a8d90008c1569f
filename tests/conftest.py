"""Shared by all tests."""

# Before any test module imports mmcv: isort puts third-party imports first.
import tinydet  # noqa: F401
