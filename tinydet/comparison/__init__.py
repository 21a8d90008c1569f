"""Groups of runs that differ in their seed, and tests of what differs between them."""
