"""Drawing without a screen, and figures that no test leaves open."""

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def pyplot():
    """Return pyplot on a canvas without a screen; all figures are closed after the test."""
    import matplotlib.pyplot as plt

    plt.close("all")
    plt.switch_backend("Agg")
    yield plt
    plt.close("all")


@pytest.fixture
def draw():
    """Return a function that lays a figure out and draws it, so that warnings come up."""

    def draw_figure(display):
        display.figure_.canvas.draw()
        return display

    return draw_figure


def make_clips(n_clips, n_classes, seed=0):
    """Return an indicator in which each class occurs, and scores that are better than chance."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n_clips, n_classes)) < 0.3).astype(int)
    y_true[np.arange(n_classes) % n_clips, np.arange(n_classes)] = 1
    noise = rng.normal(size=y_true.shape)
    return y_true, 1 / (1 + np.exp(1 - 2 * y_true - noise))


@pytest.fixture(name="make_clips")
def make_clips_fixture():
    """Return the function that makes labels and scores."""
    return make_clips


def overlap(texts):
    """Tell whether the boxes of two texts overlap; the figure must have been drawn."""
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    return any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


@pytest.fixture(name="overlap")
def overlap_fixture():
    """Return the function that tells whether texts overlap."""
    return overlap
