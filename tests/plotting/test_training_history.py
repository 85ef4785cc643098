"""The course of a training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_audioevents import VGGEventClassifier
from sk_audioevents.plotting import TrainingHistoryDisplay


@pytest.fixture
def history():
    epoch = np.arange(1, 9)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "valid_loss": (epoch - 5.0) ** 2 / 10 + 0.2,
            "learning_rate": 1e-3 * (1 - epoch / 10),
            "seconds": 0.1,
            "mean_average_precision": 1 - 1 / epoch,
            "lwlrap": 1 - 0.5 / epoch,
        }
    )


def test_each_column_but_the_seconds_is_a_line(history, draw):
    display = draw(TrainingHistoryDisplay(history).plot())
    assert set(display.lines_) == set(history.columns) - {"epoch", "seconds"}
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), history["epoch"])
        np.testing.assert_array_equal(line.get_ydata(), history[name])


def test_losses_metrics_and_learning_rate_have_panels_of_their_own(history):
    display = TrainingHistoryDisplay(history).plot()
    labels = [ax.get_ylabel() for ax in display.axes_]
    assert labels == ["loss", "metric", "learning\nrate"]
    assert display.axes_[-1].get_xlabel() == "epoch"
    assert display.lines_["lwlrap"].axes is display.axes_[1]
    assert display.lines_["valid_loss"].axes is display.axes_[0]


def test_the_epoch_with_the_lowest_validation_loss_is_marked(history):
    display = TrainingHistoryDisplay(history).plot()
    marked = display.axes_[0].lines[-1]
    assert (marked.get_xdata(), marked.get_ydata()) == ([5], [0.2])
    assert marked.get_label() == "lowest: 0.2, epoch 5"


def test_a_history_of_the_training_loss_alone_has_one_panel(history, draw):
    display = draw(TrainingHistoryDisplay(history[["epoch", "train_loss"]][:1]).plot())
    assert len(display.axes_) == 1
    assert list(display.lines_) == ["train_loss"]


def test_lines_of_a_panel_differ_without_colour(history):
    display = TrainingHistoryDisplay(history).plot()
    losses = [display.lines_[name] for name in ("train_loss", "valid_loss")]
    assert len({line.get_linestyle() for line in losses}) == 2


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 20, 8)).astype(np.float32), np.arange(6) % 2


@pytest.mark.parametrize("kind", ["classifier", "pipeline", "search"])
def test_the_history_is_found_in_whatever_ends_in_a_classifier(clips, kind):
    classifier = VGGEventClassifier(
        channels=(2,), embedding_dim=2, max_epochs=2, early_stopping=kind == "classifier"
    )
    classifier.set_params(validation_fraction=0.5, random_state=0)
    estimator = {
        "classifier": classifier,
        "pipeline": make_pipeline(FunctionTransformer(), classifier),
        "search": GridSearchCV(classifier, {"learning_rate": [1e-3]}, cv=2),
    }[kind].fit(*clips)
    display = TrainingHistoryDisplay.from_estimator(estimator)
    fitted = {"classifier": lambda: estimator, "pipeline": lambda: estimator[-1]}
    fitted = fitted.get(kind, lambda: estimator.best_estimator_)()
    np.testing.assert_array_equal(
        display.lines_["train_loss"].get_ydata(), fitted.history_["train_loss"]
    )
    assert ("valid_loss" in display.lines_) == (kind == "classifier")


def test_an_estimator_that_has_learnt_nothing_is_refused():
    pipeline = make_pipeline(FunctionTransformer(), VGGEventClassifier())
    with pytest.raises(TypeError, match=r"must have history_, .* Got Pipeline: is it fitted\?"):
        TrainingHistoryDisplay.from_estimator(pipeline)


def test_what_is_no_history_is_refused(history):
    with pytest.raises(
        ValueError, match=r"must be a DataFrame with a row for each epoch.*Got list"
    ):
        TrainingHistoryDisplay([1.0, 0.5]).plot()
    with pytest.raises(ValueError, match=r"Missing: train_loss"):
        TrainingHistoryDisplay(history.drop(columns="train_loss")).plot()
