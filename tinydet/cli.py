"""What every command line tool shares: exit codes and error lines."""

import sys
from collections.abc import Callable

from tinydet.errors import InputError

EXIT_INPUT_ERROR = 2


def run(main: Callable[[], None]) -> int:
    """Run a tool's ``main`` and turn the user's mistakes into an exit code.

    Args:
        main: The tool; it parses ``sys.argv`` itself.

    Returns:
        0 when ``main`` returned, 2 after an :class:`InputError` (one line on standard
        error), 130 after Ctrl-C.
    """
    try:
        main()
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        return EXIT_INPUT_ERROR
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130
    return 0
