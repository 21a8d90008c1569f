"""Images as arrays: read with OpenCV where it is installed, else with Pillow."""

from tinydet.images.files import ImageReadError
from tinydet.images.reading import read_image, read_rgb, resize

__all__ = ['ImageReadError', 'read_image', 'read_rgb', 'resize']
