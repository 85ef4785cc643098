"""Relevance over the spectrogram."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, MFCCTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_sound_events
from sk_audioevents.explain import explain_lrp
from sk_audioevents.plotting import RelevanceDisplay

N_FRAMES, N_BANDS = 9, 7


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        "relevance": rng.normal(size=(N_FRAMES, N_BANDS)),
        "frames": rng.normal(size=(N_FRAMES, N_BANDS)),
        "times": np.arange(N_FRAMES) * 0.1,
        "frequencies": np.geomspace(200, 3000, N_BANDS),
    }


@pytest.fixture(scope="module")
def sounds():
    return make_sound_events(n_clips=8, n_classes=2, duration=1.0, sample_rate=8000, random_state=0)


@pytest.fixture(scope="module")
def model(sounds):
    pipeline = make_pipeline(
        LogMelTransformer(sample_rate=8000, n_fft=512, hop_length=200, n_mels=16),
        VGGEventClassifier(channels=(2, 2, 2), embedding_dim=4, max_epochs=2, random_state=0),
    )
    return pipeline.fit(sounds.waveforms, sounds.target_names[sounds.target])


def test_pictures_hold_the_frames_and_their_relevance(arrays, draw):
    display = draw(RelevanceDisplay(**arrays).plot())
    np.testing.assert_array_equal(display.frames_mesh_.get_array(), arrays["frames"].T)
    np.testing.assert_array_equal(display.relevance_mesh_.get_array(), arrays["relevance"].T)


def test_no_relevance_is_white_and_both_signs_have_the_same_range(arrays):
    display = RelevanceDisplay(**arrays).plot()
    lowest, highest = display.relevance_mesh_.get_clim()
    assert lowest == -highest
    assert display.relevance_mesh_.cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.05)


def test_the_marginal_is_the_sum_over_the_bands(arrays):
    display = RelevanceDisplay(**arrays).plot()
    np.testing.assert_array_equal(display.marginal_line_.get_xdata(), arrays["times"])
    np.testing.assert_allclose(
        display.marginal_line_.get_ydata(), [row.sum() for row in arrays["relevance"]]
    )


def test_panels_share_the_time_and_have_units(arrays):
    display = RelevanceDisplay(**arrays).plot()
    assert len({ax.get_xlim() for ax in display.axes_}) == 1
    assert display.axes_[0].get_xlim() == pytest.approx((-0.05, 0.85))
    assert display.axes_[-1].get_xlabel() == "time (s)"
    assert [ax.get_ylabel() for ax in display.axes_[:2]] == ["frequency (Hz)"] * 2


def test_segments_lie_at_their_times_and_scores_darker_where_they_count(arrays, draw):
    times = np.array([[0.0, 0.4], [0.2, 0.6], [0.4, 0.9]])
    display = RelevanceDisplay(
        **arrays, segment_times=times, segment_scores=[-1, 2, 0.5], segment_weights=[0, 0.8, 0.2]
    )
    lines = draw(display.plot()).segment_lines_
    expected = [[[0, -1], [0.4, -1]], [[0.2, 2], [0.6, 2]], [[0.4, 0.5], [0.9, 0.5]]]
    np.testing.assert_allclose(lines.get_segments(), expected)
    shades = lines.get_alpha()
    assert shades[0] < shades[2] < shades[1] == 1.0


def test_no_relevance_anywhere_can_be_drawn(arrays, draw):
    draw(RelevanceDisplay(**arrays | {"relevance": np.zeros((N_FRAMES, N_BANDS))}).plot())


def test_from_estimator_draws_what_lrp_explains(model, sounds, draw):
    display = draw(RelevanceDisplay.from_estimator(model, sounds.waveforms[1]))
    expected = explain_lrp(model, [sounds.waveforms[1]])
    np.testing.assert_allclose(display.relevance, expected.relevance[0])
    np.testing.assert_allclose(display.segment_times, expected.segment_times[0])


def test_the_title_tells_score_and_probability_and_a_class_that_is_more_probable(model, sounds):
    waveform = sounds.waveforms[1]
    probabilities = model.predict_proba([waveform])[0]
    best, other = np.argsort(-probabilities)
    scores = explain_lrp(model, [waveform], target=[model.classes_]).score[0]

    def title(label):
        return RelevanceDisplay.from_estimator(model, waveform, target=label).axes_[0].get_title()

    of_best, of_other = (
        f"{model.classes_[i]}: explained score {scores[i]:.2f}, probability {probabilities[i]:.2f}"
        for i in (best, other)
    )
    rival = f"; most probable is {model.classes_[best]}, {probabilities[best]:.2f}"
    assert title(model.classes_[best]) == of_best
    assert title(model.classes_[other]) == of_other + rival


def test_the_colour_bar_tells_which_colour_speaks_for_the_class(arrays):
    display = RelevanceDisplay(**arrays).plot()
    bar = display.relevance_mesh_.colorbar
    assert bar.ax.get_ylabel().endswith("← against   for →")
    red, _, blue = bar.cmap(1.0)[:3]
    assert red > blue


def test_another_method_and_its_parameters_can_be_asked_for(model, sounds):
    waveform = sounds.waveforms[1]
    display = RelevanceDisplay.from_estimator(
        model, waveform, target=model.classes_[0], rule="epsilon", label="a sound"
    )
    expected = explain_lrp(model, [waveform], target=model.classes_[0], rule="epsilon")
    np.testing.assert_allclose(display.relevance, expected.relevance[0])
    assert display.title.startswith("a sound: ")
    other = RelevanceDisplay.from_estimator(model, waveform, method="gradient_times_input")
    assert other.relevance.shape == display.relevance.shape
    assert not np.allclose(other.relevance, display.relevance)


def test_one_clip_and_target_of_several_is_drawn(model, sounds):
    relevance = explain_lrp(model, sounds.waveforms[:3], target=[model.classes_])
    display = RelevanceDisplay.from_relevance(relevance, clip=2, target=1)
    np.testing.assert_array_equal(display.relevance, relevance.relevance[2][1])
    np.testing.assert_array_equal(display.segment_scores, relevance.segment_scores[2][1])
    assert display.title.startswith(str(model.classes_[1]))


def test_cepstral_coefficients_have_numbers_for_frequencies(sounds, draw):
    pipeline = make_pipeline(
        MFCCTransformer(sample_rate=8000, n_mels=16, n_mfcc=8),
        VGGEventClassifier(channels=(2, 2, 2), embedding_dim=4, max_epochs=1, random_state=0),
    ).fit(sounds.waveforms, sounds.target)
    display = draw(RelevanceDisplay.from_estimator(pipeline, sounds.waveforms[0]))
    assert display.axes_[0].get_ylabel() == "coefficient"


def test_what_cannot_be_drawn_is_refused(arrays, model, sounds):
    with pytest.raises(ValueError, match=r"one shape .* Got \(9, 7\), \(7, 9\), \(9,\) and \(7,\)"):
        RelevanceDisplay(**arrays | {"relevance": arrays["relevance"].T}).plot()
    with pytest.raises(ValueError, match=r"'method' .* must be one of 'lrp', 'gradient_times"):
        RelevanceDisplay.from_estimator(model, sounds.waveforms[0], method="shap")
    with pytest.raises(TypeError, match=r"Got shape \(2, 8000\) instead: is it a list"):
        RelevanceDisplay.from_estimator(model, sounds.waveforms[:2])
    frames = model[0].transform(sounds.waveforms[:1])
    with pytest.raises(TypeError, match=r"Got Relevance: explain a pipeline"):
        RelevanceDisplay.from_relevance(explain_lrp(model[-1], frames))
    relevance = explain_lrp(model, sounds.waveforms[:2])
    with pytest.raises(IndexError, match=r"'clip' .* an int from 0 to 1. Got 2"):
        RelevanceDisplay.from_relevance(relevance, clip=2)
    with pytest.raises(IndexError, match=r"'target' .* an int from 0 to 0. Got 1"):
        RelevanceDisplay.from_relevance(relevance, target=1)
