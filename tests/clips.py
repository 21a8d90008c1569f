"""Small videos, and a camera that shows one."""

from pathlib import Path

import cv2
import numpy as np

SIZE = (48, 32)
FPS = 25.0


def frame_pixels(index: int) -> np.ndarray:
    """RGB pixels of a frame, whose red grows and whose blue falls over 40 frames."""
    step = 4 * (index % 40)
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    pixels[:] = 40 + step, 90, 200 - step
    return pixels


def write_clip(path: Path, frames: int = 40, codec: str = 'MJPG') -> Path:
    """Write a video of :func:`frame_pixels`."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), FPS, SIZE)
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.ascontiguousarray(frame_pixels(index)[:, :, ::-1]))
    writer.release()
    return path


def cut_off(path: Path, share: float) -> Path:
    """Keep the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def read_clip(path: Path) -> tuple[np.ndarray, float]:
    """All frames of a video, (N, H, W, 3) RGB, and how many there are in a second."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1][:, :, ::-1])
    return np.array(frames), capture.get(cv2.CAP_PROP_FPS)


def plug_in(monkeypatch, path: Path, number: int = 0) -> None:
    """Let a camera show a video, and all others be absent."""
    opened = cv2.VideoCapture

    def open_(source: str | int) -> cv2.VideoCapture:
        return opened(str(path) if source == number else source)

    monkeypatch.setattr(cv2, 'VideoCapture', open_)
