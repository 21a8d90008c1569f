"""A generated COCO-format detection data set to try everything on.

Objects are told by their contour alone: colour, texture, size, rotation, shading and
occlusion vary at random, and textured shapes of no class lie among them. What an image
holds depends on (seed, split, index) only, so a set is the same however many threads
draw it, and a longer set starts with the images of a shorter one.
"""

from tinydet.data.demo.dataset import make_demo
from tinydet.data.demo.scene import Scene, draw_scene
from tinydet.data.demo.shapes import CLASSES

__all__ = ['CLASSES', 'Scene', 'draw_scene', 'make_demo']
