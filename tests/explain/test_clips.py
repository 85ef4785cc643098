"""What may be explained, in which containers, and that nothing is changed by it."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sk_audioevents import VGGEventClassifier, WaveformEventClassifier
from sk_audioevents.explain import _clips, explain_lrp, grad_cam, gradient_times_input


def total(maps):
    """Return the sums of maps (..., n_frames, n_bands), in double precision."""
    return maps.astype(np.float64).sum(axis=(-2, -1))


def test_an_array_gives_an_array_and_a_list_an_object_array(trained):
    model, frames = trained()
    uniform = explain_lrp(model, frames)
    assert uniform.relevance.shape == frames.shape
    ragged = explain_lrp(model, list(frames))
    assert ragged.relevance.dtype == object
    np.testing.assert_array_equal(np.stack(ragged.relevance), uniform.relevance)


def test_several_classes_are_an_axis_after_the_clips(trained):
    model, frames = trained(labels=("bell", "dog", "rain"))
    several = explain_lrp(model, frames, target=[["rain", "bell"]])
    assert several.relevance.shape == (len(frames), 2, *frames.shape[1:])
    assert several.target.tolist() == [["rain", "bell"]] * len(frames)
    for column, label in enumerate(["rain", "bell"]):
        alone = explain_lrp(model, frames, target=label)
        np.testing.assert_array_equal(alone.relevance, several.relevance[:, column])
        np.testing.assert_array_equal(alone.score, several.score[:, column])
        assert alone.segment_scores[0].tolist() == several.segment_scores[0][column].tolist()


def test_without_a_target_it_is_the_most_probable_class(trained):
    model, frames = trained()
    frames = frames[::-1] + np.random.default_rng(0).normal(0, 2, frames.shape)
    assert explain_lrp(model, frames).target.tolist() == model.predict(frames).tolist()


@pytest.mark.parametrize("temporal", [None, "bilstm"])
def test_a_clip_is_explained_as_it_is_alone(trained, temporal, monkeypatch):
    model, frames = trained("mean", temporal, dtype=np.float64)
    lengths = [45, 1, 17, 45, 7, 16, 17]
    clips = [clip[:n] for clip, n in zip(frames, lengths)]
    together = explain_lrp(model, clips)
    monkeypatch.setattr(_clips, "VALUES_PER_BATCH", 1)
    for clip, relevance in zip(clips, together.relevance):
        alone = explain_lrp(model, [clip]).relevance[0]
        assert relevance.shape == clip.shape
        np.testing.assert_allclose(relevance, alone, rtol=1e-6, atol=1e-9 * abs(alone).max())


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
@pytest.mark.parametrize("n_frames", [16, 29])
def test_bags_are_conserved_over_their_segments(trained, pooling, n_frames):
    model, frames = trained(pooling, "lstm" if pooling == "max" else None, dtype=np.float64)
    bags = np.stack([[clip[i : i + n_frames] for i in (0, 8, 16)] for clip in frames])
    result = explain_lrp(model, bags, target=1)
    assert result.relevance.shape == bags.shape
    np.testing.assert_allclose(total(result.relevance).sum(axis=1), result.score, rtol=1e-9)
    n_outputs = 1 if n_frames == 16 else 3
    assert result.segment_weights[0].shape == (3 * n_outputs,)
    ragged = explain_lrp(model, [bags[0], bags[1, :2]], target=1)
    np.testing.assert_array_equal(ragged.relevance[0], result.relevance[0])
    assert ragged.relevance[1].shape == bags[1, :2].shape


def test_one_segment_of_a_bag_has_all_the_relevance(trained):
    model, frames = trained()
    bags = np.stack([[clip[i : i + 29] for i in (0, 8, 16)] for clip in frames[:3]])
    maps = explain_lrp(model, bags, output="segment", segment=-2).relevance
    assert not maps[:, [0, 2]].any()
    assert maps[:, 1].any(axis=(1, 2)).all()


def test_one_segment_of_a_clip_has_relevance_only_where_it_sees(trained):
    model, frames = trained()
    maps = explain_lrp(model, frames, output="segment", segment=0).relevance
    seen = model.net_.module_.segment_frames + model.net_.module_.context_frames
    assert maps[:, :seen].any()
    assert not maps[:, seen:].any()


def test_with_max_pooling_the_clip_is_its_best_segment(trained):
    model, frames = trained("max", None)
    clip, segment = (explain_lrp(model, frames, output=output) for output in ("clip", "segment"))
    np.testing.assert_array_equal(clip.relevance, segment.relevance)


def test_a_segment_that_a_clip_has_not_is_refused(trained):
    model, frames = trained()
    with pytest.raises(ValueError, match=r"Clip 1 has 1, counted from 0\. Got 2 instead"):
        explain_lrp(model, [frames[0], frames[1, :9]], output="segment", segment=2)


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("method", [explain_lrp, gradient_times_input, grad_cam])
def test_the_network_is_left_as_it_was(trained, method, mode):
    model, frames = trained("mean", "lstm")
    module = model.net_.module_.train(mode)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    method(model, frames)
    assert all(part.training is mode for part in module.modules())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(part._forward_hooks or part._backward_hooks for part in module.modules())


def test_the_network_and_the_threads_are_left_as_they_were_by_an_error(trained, monkeypatch):
    model, frames = trained()
    expected = model.decision_function(frames)
    n_threads = torch.get_num_threads()
    model.n_jobs = n_threads + 1
    with pytest.raises(ValueError, match=r"'segment' parameter"):
        explain_lrp(model, frames, output="segment", segment=99)
    assert torch.get_num_threads() == n_threads
    model.n_jobs = None
    np.testing.assert_array_equal(model.decision_function(frames), expected)


def test_a_network_in_training_mode_is_explained_as_in_evaluation(trained):
    model, frames = trained("mean", "lstm")
    expected = gradient_times_input(model, frames).relevance
    model.net_.module_.train()
    np.testing.assert_array_equal(gradient_times_input(model, frames).relevance, expected)


def test_silence_and_constant_sounds_have_finite_maps(trained):
    model, _ = trained()
    clips = np.stack([np.zeros((45, 21)), np.full((45, 21), -80.0)]).astype(np.float32)
    result = explain_lrp(model, clips)
    assert np.isfinite(result.relevance).all()
    bound = 1e-5 * total(abs(result.relevance))
    assert (abs(total(result.relevance) - result.score) <= bound).all()


@pytest.mark.parametrize("bias", ["distribute", "keep"])
def test_a_class_whose_score_is_zero_has_no_relevance(trained, bias):
    model, frames = trained()
    with torch.no_grad():
        model.net_.module_.classes.weight.zero_()
        model.net_.module_.classes.bias.zero_()
    result = explain_lrp(model, frames, bias=bias)
    assert not result.score.any()
    assert not result.relevance.any()
    assert not result.bias_relevance.any()


def test_a_class_that_is_all_bias_is_spread_over_all_that_segments_see(trained):
    model, frames = trained()
    with torch.no_grad():
        model.net_.module_.classes.weight.zero_()
        model.net_.module_.classes.bias.fill_(2.0)
    for rule in ("composite", "epsilon", "flat"):
        result = explain_lrp(model, frames, rule=rule)
        np.testing.assert_allclose(total(result.relevance), 2.0, rtol=1e-5)
    assert (result.relevance > 0).all()
    kept = explain_lrp(model, frames, bias="keep").bias_relevance
    np.testing.assert_allclose(kept, 2.0, rtol=1e-6)


@pytest.mark.parametrize("n_frames", [1, 7, 8, 9])
def test_a_clip_shorter_than_a_segment_is_explained(trained, n_frames):
    model, frames = trained(dtype=np.float64)
    result = explain_lrp(model, frames[:, :n_frames])
    assert result.relevance.shape == (len(frames), n_frames, 21)
    np.testing.assert_allclose(total(result.relevance), result.score, rtol=1e-9)


def test_an_unfitted_classifier_is_refused():
    with pytest.raises(NotFittedError, match=r"VGGEventClassifier instance is not fitted yet"):
        explain_lrp(VGGEventClassifier(), np.zeros((2, 20, 9)))


def test_another_classifier_is_refused():
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match=r"VGGEventClassifier, .* Got a LogisticRegression instead"):
        explain_lrp(model, [[0.0]])


def test_another_network_is_refused(trained):
    model, frames = trained()
    model.net_.module_ = torch.nn.Linear(2, 2)
    with pytest.raises(
        TypeError, match=r"must be a VGGNetwork .* Got a Linear instead: .* backbone='vgg'"
    ):
        explain_lrp(model, frames)


def test_another_number_of_bands_is_refused(trained):
    model, frames = trained()
    with pytest.raises(ValueError, match=r"X has 5 features, .* expecting 21"):
        explain_lrp(model, frames[:, :, :5])


def test_waveforms_are_explained_sample_by_sample():
    rng = np.random.default_rng(0)
    waveforms = [rng.normal(0, 0.1, 2000 + 100 * i).astype(np.float32) for i in range(8)]
    model = WaveformEventClassifier(
        sample_rate=1000,
        segment_duration=0.4,
        channels=(3, 4),
        kernel_sizes=(5, 3),
        pool_sizes=(5,),
        hidden_dim=6,
        embedding_dim=7,
        max_epochs=5,
        random_state=0,
    ).fit(waveforms, np.arange(8) % 2)
    result = explain_lrp(model, waveforms[:3], target=1)
    for relevance, waveform, score in zip(result.relevance, waveforms, result.score):
        assert relevance.shape == (len(waveform), 1)
        assert abs(relevance.sum() - score) <= 1e-5 * abs(relevance).sum()
    logits = model.net_.module_.eval().segment_logits(torch.from_numpy(waveforms[0])[None, :, None])
    assert result.score[0] == pytest.approx(explained_score(logits[0][0, :, 0]), rel=1e-4)


def explained_score(logits):
    """Return the mean of logits, weighted by the probabilities."""
    z = logits.detach().double().numpy()
    p = 1 / (1 + np.exp(-z))
    return (p * z).sum() / p.sum()
