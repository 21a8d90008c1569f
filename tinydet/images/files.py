"""Image files: whole, or cut off."""

import io

try:
    from PIL import Image, UnidentifiedImageError
except ImportError:
    Image = None

JPEG_START = b'\xff\xd8\xff'
_JPEG_SCAN = b'\xff\xda'
_JPEG_END = b'\xff\xd9'
PNG_START = b'\x89PNG\r\n\x1a\n'
PNG_END = b'\x00\x00\x00\x00IEND\xaeB`\x82'


class ImageReadError(OSError):
    """An image file cannot be read or does not have the size that is annotated."""


def other_pixels(kind: object) -> str:
    """Why an image of other pixels than those of photographs is refused."""
    return f'pixels of {kind}, not of 8 or 16 bits'


def read_bytes(path: str) -> bytes:
    """Read an image file, and see that it is whole.

    Raises:
        ImageReadError: The file is missing or cut off.
    """
    try:
        with open(path, 'rb') as file:
            data = file.read()
        # OpenCV fills up the missing part of a cut-off image.
        if looks_cut_off(data[:16], data[-16:]):
            _refuse_cut_off(data)
    except OSError as error:
        raise ImageReadError(f'{path}: {error.strerror or error}') from None
    return data


def looks_cut_off(head: bytes, tail: bytes) -> bool:
    """Whether a JPEG or PNG file lacks its end mark.

    It may still be whole, with other bytes appended; only decoding tells.

    Args:
        head: The file's first bytes, 8 or more.
        tail: Its last bytes, 12 or more.

    Returns:
        True where the end mark is not the last thing in the file; False for formats
        that have none.
    """
    if head.startswith(JPEG_START):
        return not tail.endswith(_JPEG_END)
    if head.startswith(PNG_START):
        return not tail.endswith(PNG_END)
    return False


def _refuse_cut_off(data: bytes) -> None:
    """Raise OSError for a JPEG or PNG file of which a part is missing."""
    if Image is not None:
        try:
            Image.open(io.BytesIO(data)).load()
        # Its message names the bytes in memory.
        except UnidentifiedImageError:
            raise OSError('cannot be decoded') from None
        except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise OSError(str(error)) from None
    # Without Pillow, the end mark must be somewhere behind the start of the pixels.
    elif data.startswith(JPEG_START):
        if data.rfind(_JPEG_END) <= data.rfind(_JPEG_SCAN):
            raise OSError('image file is truncated')
    elif PNG_END not in data:
        raise OSError('image file is truncated')
