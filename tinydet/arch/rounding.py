"""Rounding of channels."""


def round_channels(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of ``divisor``, at least one and never below 90%."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
