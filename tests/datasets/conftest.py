"""Small folders in the layouts of published data sets."""

import numpy as np
import pytest
import soundfile


@pytest.fixture
def write_folder(tmp_path):
    """Return a function that fills a folder with tables and with sounds of 10 ms."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 80)

    def write(tables, sounds):
        for name, text in tables.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name in sounds:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, noise, 8000)
        return tmp_path

    return write
