"""The networks that the classifier can train, by name."""

import copy

import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents import SLATSegmenter, VGGEventClassifier
from sk_audioevents.explain import explain_lrp
from sk_audioevents.networks import Kumar2018Network, PANNsNetwork, VGGNetwork
from sk_audioevents.networks._panns import PANNS_SHAPES

QUICK = {"embedding_dim": 8, "max_epochs": 2, "learning_rate": 1e-2, "random_state": 0}


@pytest.fixture
def narrow(monkeypatch):
    """Let PANNs have few channels."""
    for layout, shape in PANNS_SHAPES.items():
        few = (4,) * len(shape.channels)
        monkeypatch.setitem(PANNS_SHAPES, layout, shape._replace(channels=few))


# Adam makes a step even of a gradient that is rounding noise, so that weighted and repeated clips
# part after the first epoch. They part at once with dropout, which sees batches of other shapes.
@pytest.mark.slow
@parametrize_with_checks(
    [VGGEventClassifier(**QUICK | {"max_epochs": 1}, backbone="cnn6", dropout=False)]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("backbone", "network", "embedding_dim"),
    [
        ("vgg", VGGNetwork, 1024),
        ("kumar2018", Kumar2018Network, 1024),
        ("cnn6", PANNsNetwork, 512),
        ("cnn10", PANNsNetwork, 512),
        ("cnn14", PANNsNetwork, 2048),
    ],
)
def test_a_backbone_has_its_own_embedding_unless_another_is_asked_for(
    clips, narrow, backbone, network, embedding_dim
):
    X, y = clips(n_clips=3, n_frames=40)
    channels = {"channels": (4, 4)} if backbone == "vgg" else {}
    for size, expected in ((None, embedding_dim), (8, 8)):
        classifier = VGGEventClassifier(
            **QUICK | {"embedding_dim": size, "max_epochs": 1}, backbone=backbone, **channels
        ).fit(X, y)
        assert type(classifier.net_.module_) is network
        assert classifier.transform(X).shape == (3, expected)


@pytest.mark.parametrize("backbone", ["cnn6", "cnn10"])
def test_it_learns_from_scratch(clips, narrow, backbone):
    X, y = clips(n_clips=30, n_frames=64)
    quick = QUICK | {"max_epochs": 20, "batch_size": 10, "dropout": False}
    classifier = VGGEventClassifier(**quick, backbone=backbone).fit(X, y)
    assert classifier.loss_curve_[-1] < 0.7 * classifier.loss_curve_[0]
    assert classifier.score(X, y) > 0.6


@pytest.mark.parametrize("loss", ["bce", "focal", "cross_entropy"])
@pytest.mark.parametrize("temporal", [None, "bilstm"])
@pytest.mark.parametrize("segment_frames", [32, "clip"])
def test_loss_recurrent_layer_and_pooling_work_with_panns(
    clips, narrow, loss, temporal, segment_frames
):
    X, y = clips(n_clips=6, n_frames=80)
    for pooling in ("mean", "max", "attention", "linear_softmax", "auto"):
        classifier = VGGEventClassifier(
            **QUICK,
            backbone="cnn6",
            loss=loss,
            temporal=temporal,
            temporal_dim=3,
            pooling=pooling,
            segment_frames=segment_frames,
        ).fit(X, y)
        probabilities = classifier.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        n_segments = 1 if segment_frames == "clip" else 4
        assert classifier.predict_segments(X).shape == (6, n_segments, 3)


@pytest.mark.parametrize(
    ("segment_frames", "expected"), [(None, (96, 16)), (160, (160, 16)), ("clip", (None, None))]
)
def test_segments_of_panns_have_the_frames_asked_for(clips, narrow, segment_frames, expected):
    X, y = clips(n_clips=3)
    classifier = VGGEventClassifier(**QUICK, backbone="cnn10", segment_frames=segment_frames)
    classifier.fit(X, y)
    assert (classifier.segment_frames_, classifier.segment_hop_frames_) == expected
    assert classifier.context_frames_ == 30


def test_a_segment_of_a_bag_is_a_clip_to_panns(clips, narrow):
    X, y = clips(n_clips=4, n_frames=64)
    bags = SLATSegmenter(segment_frames=32, hop_frames=16).fit_transform(X)
    classifier = VGGEventClassifier(**QUICK, backbone="cnn6", segment_frames="clip").fit(bags, y)
    assert classifier.predict_segments(bags).shape == (4, 3, 3)
    as_clips = classifier.predict_segments(bags.reshape(12, 32, 9))
    np.testing.assert_allclose(
        classifier.predict_segments(bags).reshape(12, 1, 3), as_clips, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("segment_frames", [None, "clip"])
@pytest.mark.parametrize("backbone", ["cnn6", "cnn14"])
def test_long_recordings_are_predicted_in_chunks_without_seams(
    clips, narrow, monkeypatch, backbone, segment_frames
):
    X, y = clips(n_clips=6, n_frames=100)
    classifier = VGGEventClassifier(**QUICK, backbone=backbone, segment_frames=segment_frames)
    classifier.fit(X, y)
    recording = np.random.default_rng(1).normal(size=(1, 2011, 9)).astype(np.float32)
    whole = classifier.predict_segments(recording), classifier.transform(recording)
    for frames_per_batch in (1, 100, 777):
        name = "sk_audioevents.classification._batches.VALUES_PER_BATCH"
        monkeypatch.setattr(name, 9 * frames_per_batch)
        parts = classifier.predict_segments(recording), classifier.transform(recording)
        for ours, expected in zip(parts, whole):
            np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_training_with_dropout_gives_the_same_bits_each_time(clips, narrow):
    X, y = clips()

    def scores(**parameters):
        classifier = VGGEventClassifier(**QUICK | parameters, backbone="cnn6").fit(X, y)
        return classifier.decision_function(X)

    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = scores()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    np.testing.assert_array_equal(scores(), first)
    assert not np.array_equal(scores(dropout=False), first)


def test_what_is_dropped_differs_from_epoch_to_epoch_and_lives_on_in_a_copy(clips, narrow):
    X, y = clips()
    settings = QUICK | {"max_epochs": 4, "learning_rate_schedule": "constant"}
    whole = VGGEventClassifier(**settings, backbone="cnn6").fit(X, y)
    half = VGGEventClassifier(**settings | {"max_epochs": 2}, backbone="cnn6", warm_start=True)
    half = copy.deepcopy(half.fit(X, y)).fit(X, y)
    np.testing.assert_array_equal(half.decision_function(X), whole.decision_function(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"backbone": "cnn12"}, "'backbone' parameter of VGGEventClassifier must be a str among"),
        ({"backbone": "cnn6", "channels": (4, 4)}, "'channels' .* nothing to backbone='cnn6'"),
        (
            {"backbone": "cnn6", "pool_sizes": [(2, 2)] * 6},
            "'pool_sizes' .* nothing to backbone='cnn6', and must be None",
        ),
        ({"backbone": "kumar2018", "channels": (4,)}, "'channels' .* backbone='kumar2018'"),
        (
            {"backbone": "kumar2018", "segment_frames": 128},
            "'segment_frames' .* nothing to backbone='kumar2018'",
        ),
        ({"segment_frames": 128}, "'segment_frames' .* nothing to backbone='vgg'"),
        ({"backbone": "cnn14", "segment_frames": 48}, "must be None, 'clip' or a multiple of 32"),
        (
            {"backbone": "cnn6", "segment_frames": "whole"},
            "'segment_frames' parameter of .* among {'clip'}",
        ),
        ({"backbone": "cnn6", "segment_frames": 0}, "'segment_frames' parameter of"),
        ({"embedding_dim": 0}, "'embedding_dim' parameter of VGGEventClassifier must be"),
        ({"dropout": 0.5}, "'dropout' parameter of VGGEventClassifier must be an instance of"),
    ],
)
def test_parameters_must_go_with_the_backbone(clips, parameters, message):
    with pytest.raises(ValueError, match=message):
        VGGEventClassifier(**QUICK | parameters).fit(*clips())


@pytest.mark.parametrize("backbone", ["kumar2018", "cnn6"])
def test_relevance_is_not_propagated_through_networks_that_it_does_not_know(
    clips, narrow, backbone
):
    X, y = clips(n_clips=3)
    classifier = VGGEventClassifier(**QUICK, backbone=backbone).fit(X, y)
    for explain in (classifier.explain_lrp, lambda X: explain_lrp(classifier, X)):
        with pytest.raises(TypeError, match="must be a VGGNetwork or a WaveformNetwork"):
            explain(X)
