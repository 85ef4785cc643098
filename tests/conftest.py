"""Fixtures: real recordings where they can be had, and small shapes with unequal axes."""

import os
from pathlib import Path

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
