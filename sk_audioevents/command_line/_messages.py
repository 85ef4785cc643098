"""What a command says on stderr, beside its results on stdout."""

import sys


class Messages:
    """Progress, warnings and errors, one a line.

    Parameters
    ----------
    command : str
        Which command speaks.
    quiet : bool, default=False
        Whether progress is left out. Warnings and errors are not.
    """

    def __init__(self, command, quiet=False):
        self.quiet = quiet
        self._speaker = f"sk-audioevents {command}"

    @property
    def verbose(self):
        """The parameter `verbose` of estimators: whether they show progress bars."""
        return 0 if self.quiet else 1

    def tell(self, text):
        """Say what goes on."""
        if not self.quiet:
            self._write(text)

    def warn(self, text):
        """Say what the user should look at."""
        self._write(f"{self._speaker}: warning: {text}")

    def error(self, text):
        """Say why it does not go on."""
        self._write(f"{self._speaker}: error: {text}")

    def _write(self, text):
        # A file name may hold bytes that are no character.
        sys.stderr.write(text.encode(errors="backslashreplace").decode() + "\n")
        sys.stderr.flush()
