"""Fixtures: real recordings where they can be had, and small shapes with unequal axes."""

import os
from pathlib import Path

import numpy as np
import pytest

# scikit-learn checks array API input only if this is set before scipy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture(scope="session")
def esc10_folder():
    """Return the folder of the ESC-10 recordings; the test is skipped where there is none."""
    folder = Path(os.environ.get("SK_AUDIOEVENTS_DATA", "")) / "esc10"
    if "SK_AUDIOEVENTS_DATA" not in os.environ or not folder.is_dir():
        pytest.skip(
            "needs the environment variable SK_AUDIOEVENTS_DATA: the folder that holds esc10/"
        )
    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled_kernel():
    """Compile the kernel, so that no test meets it half-way: small jobs do without it before."""
    from sk_audioevents import LogMelTransformer

    for precision in ("single", "double"):
        extract = LogMelTransformer(precision=precision)._make_extractor(n_clips=10**9)
        extract(np.ones(1, dtype=np.float32))
