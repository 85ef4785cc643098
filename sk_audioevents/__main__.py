"""``python -m sk_audioevents`` is the command ``sk-audioevents``."""

import sys

from sk_audioevents.command_line import main

if __name__ == "__main__":
    sys.exit(main())
