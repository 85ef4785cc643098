"""Read the recordings whose paths come in, one a line, and say what came of each, as JSON.

Run by test_mutations.py in a process of its own, since a decoder that crashes takes its process
along.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

from sk_audioevents.audio import inspect_files, load_audio


def read(path):
    """Return what reading a file gives; the samples themselves are left in a file beside it."""
    try:
        waveform, sample_rate = load_audio(path)
    except Exception as error:  # of any type: the test tells which are wrong
        answer = {"error": type(error).__name__, "message": str(error)}
    else:
        np.save(path + ".npy", waveform)
        answer = {"sample_rate": sample_rate}
    answer["inspected"] = inspect_files([path])["problem"][0]
    answer["peak_memory"] = peak_memory()
    return answer


def peak_memory():
    """Return the most memory that this process has held, in MiB (Linux only)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(read(line.rstrip("\n"))), flush=True)  # noqa: T201
