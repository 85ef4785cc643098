"""The entry point: from arguments to an exit code."""

import os
import sys
import warnings
from contextlib import contextmanager
from importlib import import_module

from sk_audioevents.command_line._messages import Messages
from sk_audioevents.command_line._parser import make_parser

FINE, SOME_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv=None):
    """Run the command ``sk-audioevents``.

    Parameters
    ----------
    argv : list of str, default=None
        The arguments after the name of the command. None takes those of the process.

    Returns
    -------
    exit_code : int
        0 if all went well, 1 if some recordings could not be read, 2 if nothing could be done, and
        130 if it was interrupted.

    Raises
    ------
    SystemExit
        With 2 if the arguments are wrong, with 0 after ``--help`` and ``--version``.

    Examples
    --------
    >>> from sk_audioevents.command_line import main
    >>> main(["info", "no_such_model.safetensors"])
    2
    """
    options = make_parser().parse_args(argv)
    messages = Messages(options.command, quiet=getattr(options, "quiet", False))
    with _readable_warnings(messages):
        try:
            # Here, because most commands import torch, for which --help does not wait.
            command = import_module(f"sk_audioevents.command_line._{options.command}")
            n_failed = command.run(options, messages)
            sys.stdout.flush()
        except KeyboardInterrupt:
            messages.error("interrupted")
            return INTERRUPTED
        except BrokenPipeError:  # whoever reads the results has seen enough, such as `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FINE
        except Exception as error:
            if options.debug:
                raise
            messages.error(_sentence(error))
            return BAD_INPUT
    return SOME_FAILED if n_failed else FINE


def _sentence(error):
    """Return what an error says, in one paragraph."""
    text = " ".join(str(error).split()) or type(error).__name__
    expected = isinstance(error, (ValueError, TypeError, OSError, ImportError))
    return text if expected else f"{type(error).__name__}: {text} (--debug shows where)"


@contextmanager
def _readable_warnings(messages):
    """Show warnings as messages, without the line of code that they come from."""

    def show(message, category, filename, lineno, file=None, line=None):  # noqa: ARG001
        messages.warn(" ".join(str(message).split()))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
