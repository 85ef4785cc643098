"""Where displays draw, and what they say where they cannot."""

import inspect
import subprocess
import sys

import pandas as pd
import pytest

import sk_audioevents.plotting
from sk_audioevents.plotting import TrainingHistoryDisplay
from sk_audioevents.plotting._panels import check_axes, check_count, import_pyplot, stack_panels


def test_importing_plotting_imports_neither_matplotlib_nor_torch():
    code = "import sys, sk_audioevents.plotting; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert not {"matplotlib", "torch", "skorch"} & set(result.stdout.split())


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(
        ImportError, match=r'X.plot needs matplotlib: pip install "sk_audio.*\[exam'
    ):
        import_pyplot("X.plot")


def ways_to_draw():
    """Return all class methods of the displays that draw."""
    displays = [getattr(sk_audioevents.plotting, name) for name in sk_audioevents.plotting.__all__]
    return [
        getattr(display, name)
        for display in displays
        for name in vars(display)
        if name.startswith("from_")
    ]


@pytest.mark.parametrize("draw", ways_to_draw(), ids=lambda draw: draw.__qualname__)
def test_every_way_to_draw_asks_for_matplotlib_before_anything_else(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    parameters = inspect.signature(draw).parameters.values()
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    with pytest.raises(ImportError, match=f"{draw.__qualname__} needs matplotlib"):
        draw(*[None] * len(required))


def test_axes_of_the_wrong_type_are_refused(pyplot):
    figure, axes = pyplot.subplots(2)
    with pytest.raises(TypeError, match=r"'ax' parameter of X must be matplotlib Axes. Got Figure"):
        check_axes(figure, "X", (3, 3))
    with pytest.raises(TypeError, match="Got ndarray instead: is it a figure, or an array of axes"):
        check_axes(axes, "X", (3, 3))


def test_panels_fill_the_axes_from_the_top_and_share_time(pyplot):
    _, ax = pyplot.subplots()
    panels = stack_panels(ax, [2, 1, 1])
    pyplot.gcf().canvas.draw()
    places = [panel.get_window_extent() for panel in panels]
    whole = ax.get_window_extent()
    assert places[0].y1 == pytest.approx(whole.y1)
    assert places[-1].y0 == pytest.approx(whole.y0)
    assert places[0].height == pytest.approx(2 * places[1].height)
    assert places[0].y0 > places[1].y1
    panels[2].set_xlim(3, 7)
    assert panels[0].get_xlim() == (3, 7)


@pytest.mark.parametrize("value", [0, 1.5, True, "many"])
def test_numbers_that_are_too_small_or_no_ints_are_refused(value):
    with pytest.raises(ValueError, match=r"'n' parameter of X must be an int from 1 on. Got"):
        check_count(value, "n", 1, "X")


def test_drawing_changes_no_settings_and_leaves_given_figures_alone(pyplot):
    before = dict(pyplot.rcParams)
    _, ax = pyplot.subplots()
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [2.0, 1.0]})
    display = TrainingHistoryDisplay(history).plot(ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(pyplot.get_fignums()) == 1
    assert dict(pyplot.rcParams) == before
