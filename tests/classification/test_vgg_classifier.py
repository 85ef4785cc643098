"""The classifier: scikit-learn's checks, its losses and targets, ragged clips and bad input."""

import pickle

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents import SLATSegmenter, VGGEventClassifier

TINY = {"channels": (4, 4), "embedding_dim": 8, "learning_rate": 1e-2, "random_state": 0}


def tiny(**parameters):
    return VGGEventClassifier(**(TINY | {"max_epochs": 30} | parameters))


@parametrize_with_checks([tiny(), tiny(loss="focal", pooling="max"), tiny(loss="cross_entropy")])
def test_scikit_learn_checks_with_small_parameters(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([VGGEventClassifier()])
def test_scikit_learn_checks_with_default_parameters(estimator, check):
    check(estimator)


def clips(n_clips=24, n_classes=3, n_frames=30, n_bands=9, seed=0):
    """Noise in which class k is loud in band 2 k + 1 for some frames."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_clips, n_frames, n_bands)).astype(np.float32)
    codes = np.arange(n_clips) % n_classes
    for clip, code in zip(X, codes):
        start = rng.integers(n_frames - 10)
        clip[start : start + 10, 2 * code + 1] += 4
    return X, codes


def ragged(X, seed=0):
    """Return the clips with 0 to 9 frames cut off, as a list."""
    rng = np.random.default_rng(seed)
    return [clip[: len(clip) - cut] for clip, cut in zip(X, rng.integers(0, 10, len(X)))]


@pytest.mark.parametrize("loss", ["bce", "focal", "cross_entropy"])
@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_learns_with_each_loss_and_pooling(loss, pooling, n_classes):
    X, y = clips(n_clips=60, n_classes=n_classes)
    new_X, new_y = clips(n_clips=300, n_classes=n_classes, seed=1)
    size = {"channels": (8, 8), "embedding_dim": 16}
    model = tiny(loss=loss, pooling=pooling, batch_size=16, **size).fit(X, y)
    assert model.score(new_X, new_y) > 0.9
    assert model.loss_curve_[-1] < model.loss_curve_[0] / 2


@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_it_learns_several_labels_per_clip(loss):
    X, a = clips(60)
    b = (a + np.arange(60) // 3) % 3
    X = X.copy()
    for clip, code in zip(X, b):
        clip[5:15, 2 * code + 1] += 4
    y = np.zeros((60, 3), dtype=int)
    y[np.arange(60), a] = y[np.arange(60), b] = 1
    model = tiny(loss=loss, batch_size=16).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.95
    assert model.predict_proba(X).shape == (60, 3)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)


def test_it_learns_from_bags_of_segments_with_the_labels_of_their_clips():
    X, y = clips(n_clips=60, n_frames=40)
    bags = SLATSegmenter(segment_frames=8, hop_frames=8).fit_transform(X)
    model = tiny(batch_size=64).fit(bags, y)
    assert model.score(bags, y) > 0.9
    assert model.predict_segments(bags).shape == (60, 5, 3)


@pytest.mark.parametrize(
    "names", [["dog", "cat", "rain"], [7, -2, 100], [True, False], ["b", "a"], [1.0, 2.0, 3.0]]
)
def test_predictions_are_the_users_labels(names):
    X, codes = clips(n_clips=60, n_classes=len(names))
    y = np.array(names)[codes]
    model = tiny(batch_size=16).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert (model.predict(X) == y).mean() > 0.9
    most_probable = model.classes_[model.predict_proba(X).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), most_probable)


@pytest.fixture(scope="module")
def fitted():
    """Return a fitted three-class model and its clips."""
    X, y = clips(n_frames=40)
    return tiny(batch_size=8).fit(X, y), X, y


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_clip_probabilities_pool_those_of_the_segments(pooling):
    X, y = clips(n_frames=40)
    model = tiny(max_epochs=3, pooling=pooling).fit(X, y)
    segments = model.predict_segments(X)
    assert segments.shape == (24, 9, 3)
    pooled = getattr(segments, pooling)(axis=1)
    expected = pooled / pooled.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-6)
    log_odds = np.log(pooled / (1 - pooled))
    np.testing.assert_allclose(model.decision_function(X), log_odds, rtol=1e-5, atol=1e-6)


def test_probabilities_of_two_classes_are_the_sigmoid_of_the_decision():
    X, y = clips(n_classes=2)
    model = tiny().fit(X, y)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities[:, 1], expit(model.decision_function(X)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert model.net_.module_.classes.out_channels == 1


def test_softmax_probabilities_of_segments_sum_to_1():
    X, y = clips()
    model = tiny(loss="cross_entropy").fit(X, y)
    np.testing.assert_allclose(model.predict_segments(X).sum(axis=2), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(model.decision_function(X)), model.predict_proba(X))


def test_ragged_clips_give_what_they_give_alone(fitted):
    model, X, _ = fitted
    clips_ = ragged(X)
    together = model.predict_segments(clips_)
    assert together.dtype == object
    for clip, segments in zip(clips_, together):
        alone = model.predict_segments(clip[None])[0]
        assert segments.shape == alone.shape == (-(-len(clip) // 4) - 1, 3)
        np.testing.assert_allclose(segments, alone, atol=1e-6)


def test_ragged_clips_can_be_learnt():
    X, y = clips(n_clips=60, n_frames=40)
    new_X, new_y = clips(n_frames=40, seed=1)
    model = tiny(batch_size=16).fit(ragged(X), y)
    assert model.score(ragged(new_X), new_y) > 0.9


def test_ragged_bags_give_one_row_per_segment():
    X, y = clips(n_frames=40)
    bags = SLATSegmenter(segment_frames=8, hop_frames=4).fit_transform(ragged(X))
    segments = tiny(max_epochs=2).fit(bags, y).predict_segments(bags)
    assert [s.shape for s in segments] == [(len(bag), 3) for bag in bags]


def test_bags_of_the_networks_own_segment_length_agree_with_the_segments_one_by_one(fitted):
    model, X, _ = fitted
    bags = SLATSegmenter(segment_frames=8, hop_frames=4).fit_transform(X)
    one_by_one = model.predict_segments(bags.reshape(-1, 8, 9))
    np.testing.assert_allclose(
        model.predict_segments(bags), one_by_one.reshape(24, 9, 3), atol=1e-6
    )


def test_segment_geometry_of_the_default_network():
    model = VGGEventClassifier(channels=(1,) * 6, embedding_dim=2, max_epochs=1)
    model.fit(np.zeros((2, 896, 3)) + [[[0]], [[1]]], [0, 1])
    assert (model.segment_frames_, model.segment_hop_frames_) == (128, 64)
    assert model.predict_segments(np.zeros((1, 896, 3))).shape == (1, 13, 2)
    assert model.predict_segments(np.zeros((1, 128, 3))).shape == (1, 1, 2)


def test_bands_are_standardised_with_the_training_data_only():
    X, y = clips()
    model = tiny(max_epochs=1).fit(X, y)
    module = model.net_.module_
    np.testing.assert_allclose(module.band_mean, X.mean(axis=(0, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(module.band_scale, X.std(axis=(0, 1)), rtol=1e-5)
    before = module.band_mean.clone()
    model.predict(X + 100)
    assert torch.equal(before, module.band_mean)


def test_a_band_that_does_not_vary_does_no_harm():
    X, y = clips(n_clips=60)
    X[:, :, 0] = -100.0
    assert tiny(batch_size=16).fit(X, y).score(X, y) > 0.9


def test_the_scale_of_the_input_does_not_matter():
    X, y = clips()
    small = tiny(max_epochs=5).fit(X.astype(np.float64), y).predict_proba(X)
    large = tiny(max_epochs=5).fit(1000.0 * X - 50, y).predict_proba(1000.0 * X - 50)
    np.testing.assert_allclose(small, large, rtol=1e-3)


def test_the_precision_of_the_network_is_that_of_the_data():
    X, y = clips()
    for dtype, expected in [(np.float32, torch.float32), (np.float64, torch.float64)]:
        model = tiny(max_epochs=1).fit(X.astype(dtype), y)
        assert next(model.net_.module_.parameters()).dtype == expected
        assert model.predict_proba(X).dtype == np.float64


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_same_seed_gives_the_same_bits(n_jobs):
    X, y = clips()
    model = tiny(max_epochs=3, batch_size=8, n_jobs=n_jobs)
    torch.manual_seed(1)
    first = model.fit(X, y).predict_proba(X)
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    second = clone(model).fit(X, y).predict_proba(X)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(
        first, clone(model).set_params(random_state=1).fit(X, y).predict_proba(X)
    )


def test_fitting_leaves_the_global_random_state_alone():
    X, y = clips()
    state = torch.get_rng_state()
    tiny(max_epochs=2).fit(X, y)
    assert torch.equal(state, torch.get_rng_state())


def test_partial_fit_goes_on_where_it_ended():
    X, y = clips(n_clips=60)
    whole = tiny(max_epochs=4, learning_rate_schedule="constant", batch_size=16).fit(X, y)
    steps = tiny(batch_size=16)
    for _ in range(4):
        steps.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(whole.predict_proba(X), steps.predict_proba(X))
    assert steps.n_iter_ == 4
    assert steps.loss_curve_ == whole.loss_curve_


def test_partial_fit_takes_data_without_some_of_the_classes():
    X, y = clips()
    model = tiny().partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    model.partial_fit(X[y == 2], y[y == 2])
    assert model.predict_proba(X).shape == (24, 3)


def test_a_pickled_model_predicts_the_same_and_trains_on():
    X, y = clips()
    model = tiny(max_epochs=2).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict_proba(X), copy.predict_proba(X))
    np.testing.assert_array_equal(
        model.partial_fit(X, y).predict_proba(X), copy.partial_fit(X, y).predict_proba(X)
    )


def test_integer_sample_weights_are_repeated_clips():
    X, y = clips(n_clips=12)
    X = X.astype(np.float64)
    counts = np.arange(12) % 4
    weighted = tiny(max_epochs=5).fit(X, y, sample_weight=counts)
    repeated = tiny(max_epochs=5).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-7)


SILENT = np.zeros(
    (60, 4, 3)
)  # clips that say nothing: a model can only learn how common labels are


@pytest.mark.parametrize(
    ("class_weight", "expected"), [(None, 0.1), ("balanced", 0.5), ({0: 1, 1: 3}, 0.3 / 1.2)]
)
def test_class_weights_count_as_clips(class_weight, expected):
    y = np.r_[np.zeros(54, int), np.ones(6, int)]
    model = tiny(max_epochs=150, learning_rate=0.1, class_weight=class_weight).fit(SILENT, y)
    np.testing.assert_allclose(model.predict_proba(SILENT)[:, 1], expected, atol=0.01)


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [
        (None, [0.1, 0.5, 0.9]),
        ("balanced", [0.5, 0.5, 0.5]),
        ([{0: 1, 1: 3}, {0: 1, 1: 1}, {0: 9, 1: 1}], [0.3 / 1.2, 0.5, 0.5]),
    ],
)
def test_class_weights_of_several_labels_are_set_per_column(class_weight, expected):
    y = (np.arange(60)[:, None] < [6, 30, 54]).astype(int)
    model = tiny(max_epochs=150, learning_rate=0.1, class_weight=class_weight).fit(SILENT, y)
    np.testing.assert_allclose(model.predict_proba(SILENT), [expected] * 60, atol=0.01)


def test_verbose_shows_the_epochs_and_their_loss(capsys):
    X, y = clips()
    tiny(max_epochs=3, verbose=1).fit(X, y)
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "loss=" in shown


def test_quiet_is_quiet(capsys):
    X, y = clips()
    tiny(max_epochs=2).fit(X, y).predict(X)
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_by_the_user_is_not_swallowed(monkeypatch):
    def interrupt(self, net, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "sk_audioevents.classification._callbacks.FiniteLoss.on_batch_end", interrupt
    )
    X, y = clips()
    with pytest.raises(KeyboardInterrupt):
        tiny().fit(X, y)


def test_a_loss_that_is_not_finite_is_an_error_that_says_when():
    X, y = clips()
    with pytest.raises(FloatingPointError, match=r"training loss is nan in epoch \d+, batch 1"):
        tiny(learning_rate=1e38).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "hinge"}, r"'loss' parameter of VGGEventClassifier must be a str among"),
        ({"pooling": "median"}, r"'pooling' parameter of VGGEventClassifier must be a str among"),
        ({"channels": ()}, r"'channels' parameter .* at least one int .* Got \(\) instead"),
        ({"channels": (4, 0)}, r"Got \(4, 0\) instead"),
        ({"max_epochs": 0}, r"'max_epochs' parameter of VGGEventClassifier must be an int"),
        ({"device": "gpu"}, r"'device' parameter .* Got 'gpu' instead"),
        ({"n_jobs": 0}, r"'n_jobs' parameter of VGGEventClassifier"),
        ({"class_weight": {5: 1.0}}, r"The classes, \[0, 1, 2\], are not in class_weight"),
    ],
)
def test_bad_parameters_raise_an_error_that_names_them(parameters, message):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(*clips())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none_is_an_error():
    with pytest.raises(ValueError, match="is 'cuda', and torch finds no CUDA device here"):
        tiny(device="cuda").fit(*clips())


X3, Y3 = clips(n_clips=3)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (["a.wav", "b.wav"], [0, 1], TypeError, "Got paths: put a LogMelTransformer before"),
        ([], [], ValueError, "Got an empty list: 0 sample"),
        (X3, [0, 1], ValueError, r"inconsistent numbers of samples: \[3, 2\]"),
        (X3, [1, 1, 1], ValueError, "must hold at least 2 classes. Got 1 class in 3 clips"),
        (X3, [0.5, 1.2, 3.3], ValueError, "Unknown label type: continuous"),
        (X3, None, ValueError, "requires y to be passed, but the target y is None"),
        (X3, [[0, 2], [1, 0], [3, 1]], ValueError, "Unknown label type: multiclass-multioutput"),
        (X3 * np.nan, Y3, ValueError, "contains NaN"),
        ([X3[0], X3[1], X3[2][:, :4]], Y3, ValueError, r"X\[2\] has shape \(30, 4\)"),
        ([X3[0], X3[1], X3[2][:0]], Y3, ValueError, r"X\[2\] has shape \(0, 9\)"),
    ],
)
def test_bad_input_raises_an_error_that_says_what_it_got(X, y, error, message):
    with pytest.raises(error, match=message):
        tiny().fit(X, y)


def test_cross_entropy_of_several_labels_is_an_error():
    with pytest.raises(ValueError, match="must be 'bce' or 'focal' for a multi-label y"):
        tiny(loss="cross_entropy").fit(X3, np.eye(3, dtype=int))


def test_a_class_weight_dict_for_several_labels_is_an_error():
    with pytest.raises(ValueError, match="list of one dict"):
        tiny(class_weight={0: 1, 1: 2}).fit(X3, np.eye(3, dtype=int))


def test_labels_that_partial_fit_was_not_told_of_are_an_error():
    X, y = clips()
    model = tiny().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"not among its classes: \[9\]"):
        model.partial_fit(X, np.where(y == 0, 9, y))


def test_another_number_of_bands_than_in_fit_is_an_error(fitted):
    model, X, _ = fitted
    with pytest.raises(ValueError, match="X has 8 features, but VGGEventClassifier is expecting 9"):
        model.predict(X[:, :, :8])
