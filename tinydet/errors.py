"""Errors that a user can mend."""


class InputError(ValueError):
    """A user's input is wrong; the message names the file, the value and the mend.

    Tools print it as one line and exit with code 2, without a traceback.
    """
