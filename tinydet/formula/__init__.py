"""The tiny formula: from a budget to a network, and from trained networks to it."""
