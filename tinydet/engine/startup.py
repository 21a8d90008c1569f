"""What a process does once, before it builds a model."""

import ctypes
import platform

# mallopt parameters of glibc's <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3

_KEEP_ALL = -1  # as an unsigned threshold: never trim
_MMAP_BYTES = 1 << 30  # above every activation of a training step here
_TOP_PAD_BYTES = 1 << 26


def keep_memory() -> bool:
    """Let glibc keep freed memory instead of returning it to the kernel.

    By default every large activation is mapped and unmapped anew, and the page faults
    take up to half of a training step on CPU. Below the mmap threshold blocks come from
    the heap, which then never shrinks: the process keeps its largest resident size.

    Returns:
        Whether the settings were taken; False on systems without glibc.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    libc = ctypes.CDLL(None)
    settings = (
        (_M_MMAP_THRESHOLD, _MMAP_BYTES),
        (_M_TRIM_THRESHOLD, _KEEP_ALL),
        (_M_TOP_PAD, _TOP_PAD_BYTES),
    )
    return all(libc.mallopt(name, value) == 1 for name, value in settings)
