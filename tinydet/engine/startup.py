"""What a process does once, before it builds a model."""

import ctypes
import platform

# mallopt parameters of glibc's <malloc.h> and what they are set to: never trim the
# heap, grow it in large steps, and never map a block of its own. The last one rather
# than a high M_MMAP_THRESHOLD, which older releases refuse above 32 MiB.
_SETTINGS = {
    -1: -1,  # M_TRIM_THRESHOLD
    -2: 1 << 26,  # M_TOP_PAD, in bytes
    -4: 0,  # M_MMAP_MAX
}


def keep_memory() -> bool:
    """Let glibc keep freed memory instead of returning it to the kernel.

    By default every large activation is mapped and unmapped anew, and the page faults
    take up to half of a training step on CPU. With these settings the process keeps
    its largest resident size.

    Returns:
        Whether the settings were taken; False on systems without glibc.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    libc = ctypes.CDLL(None)
    return all(libc.mallopt(name, value) == 1 for name, value in _SETTINGS.items())
