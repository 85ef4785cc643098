"""The relevant part of a recording: whole, nothing, or a tone of two."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, MFCCTransformer, VGGEventClassifier
from sk_audioevents._validation import object_array
from sk_audioevents.explain import explain_lrp, relevant_audio
from sk_audioevents.explain._sonification import _most

RATE = 16000
LOW, HIGH = 500.0, 3000.0  # hertz


def tone(frequency, n_samples=12000):
    return np.sin(2 * np.pi * frequency * np.arange(n_samples) / RATE).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    classifier = VGGEventClassifier(channels=(3, 4), embedding_dim=5, max_epochs=2, random_state=0)
    features = LogMelTransformer(sample_rate=RATE, n_mels=40)
    return make_pipeline(features, classifier).fit([tone(LOW), tone(HIGH)] * 3, [0, 1] * 3)


def with_relevance(result, *maps):
    return replace(result, relevance=object_array(list(maps)))


def level(waveform, frequency):
    """Return the level of a frequency in the middle of a waveform, 1 for a whole tone."""
    middle = waveform[2000:-2000].astype(np.float64)
    wave = np.exp(-2j * np.pi * frequency * np.arange(len(middle)) / RATE)
    return 2 * abs((middle * wave).mean())


def test_relevance_everywhere_gives_the_recording_back(model):
    waveforms = [tone(LOW), tone(HIGH, 777), np.zeros(1, np.float32)]
    result = explain_lrp(model, waveforms)
    ones = [np.ones_like(relevance) for relevance in result.relevance]
    sounds = relevant_audio(model, waveforms, with_relevance(result, *ones), share=1.0)
    for sound, waveform in zip(sounds, waveforms):
        assert sound.dtype == np.float32
        np.testing.assert_allclose(sound, waveform, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_nothing_that_speaks_for_the_class_gives_silence(model, value):
    result = explain_lrp(model, [tone(LOW)])
    nothing = np.full_like(result.relevance[0], value)
    assert not relevant_audio(model, [tone(LOW)], with_relevance(result, nothing))[0].any()


@pytest.mark.parametrize(("kept", "other"), [(LOW, HIGH), (HIGH, LOW)])
def test_of_two_tones_the_relevant_one_is_kept(model, kept, other):
    mixture = tone(LOW) + tone(HIGH)
    result = explain_lrp(model, [mixture])
    relevance = np.zeros_like(result.relevance[0])
    relevance[:, abs(result.frequencies - kept) < 400] = 1
    sound = relevant_audio(model, [mixture], with_relevance(result, relevance))[0]
    assert level(sound, kept) > 0.95
    assert level(sound, other) < 0.01


def test_of_two_times_the_relevant_one_is_kept(model):
    result = explain_lrp(model, [tone(LOW)])
    relevance = np.where(result.times[0][:, None] < 0.3, 1.0, 0.0) * np.ones((1, 40))
    [sound] = relevant_audio(
        model, [tone(LOW)], with_relevance(result, relevance), share=1.0, smoothing=0
    )
    np.testing.assert_allclose(sound[: int(0.25 * RATE)], tone(LOW)[: int(0.25 * RATE)], atol=1e-3)
    assert not sound[int(0.36 * RATE) :].any()


def test_an_event_comes_out_of_the_noise(model):
    """Relevance in the box of a tone burst keeps the burst and little of the noise around it."""
    seconds = np.arange(12000) / RATE
    burst = tone(HIGH) * ((seconds > 0.25) & (seconds < 0.45))
    noise = np.random.default_rng(0).normal(0, 0.5, 12000).astype(np.float32)
    result = explain_lrp(model, [burst + noise])
    in_time = (result.times[0] > 0.23) & (result.times[0] < 0.47)
    box = np.outer(in_time, abs(result.frequencies - HIGH) < 400).astype(np.float32)

    def kept(waveform):  # which cells are kept depends on relevance alone, so that parts add up
        sound = relevant_audio(model, [waveform], with_relevance(result, box))[0]
        return np.square(sound, dtype=np.float64)

    def decibels(signal, other):
        return 10 * np.log10(signal / other)

    share_of_burst = kept(burst).sum() / np.square(burst, dtype=np.float64).sum()
    share_of_noise = kept(noise).sum() / np.square(noise, dtype=np.float64).sum()
    assert share_of_burst > 0.9
    assert decibels(share_of_burst, share_of_noise) > 10
    energy, near = kept(burst + noise), (seconds > 0.2) & (seconds < 0.5)
    assert energy[near].sum() > 0.99 * energy.sum()


def test_the_fewest_cells_that_hold_the_share_are_kept():
    cells = np.array([[4.0, -9.0], [1.0, 3.0], [2.0, 0.0]])
    assert _most(cells, 0.4, 0).tolist() == [[True, False], [False, False], [False, False]]
    assert _most(cells, 0.41, 0).sum() == 2
    assert _most(cells, 1.0, 0).tolist() == [[True, False], [True, True], [True, False]]


def test_files_are_read_again(model, tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(LOW), RATE, subtype="FLOAT")
    result = explain_lrp(model, [path])
    [by_path] = relevant_audio(model, [path], result)
    [by_waveform] = relevant_audio(model, [tone(LOW)], result)
    np.testing.assert_array_equal(by_path, by_waveform)


def test_several_classes_are_refused(model):
    result = explain_lrp(model, [tone(LOW)], target=[[0, 1]])
    with pytest.raises(ValueError, match=r"needs one explained class a clip"):
        relevant_audio(model, [tone(LOW)], result)


def test_other_recordings_are_refused(model):
    result = explain_lrp(model, [tone(LOW)])
    with pytest.raises(ValueError, match=r"must be what was explained: 1 clips. Got 2"):
        relevant_audio(model, [tone(LOW)] * 2, result)


def test_bands_without_frequencies_are_refused():
    classifier = VGGEventClassifier(channels=(3, 4), embedding_dim=5, max_epochs=1, random_state=0)
    model = make_pipeline(MFCCTransformer(sample_rate=RATE), classifier)
    result = explain_lrp(model.fit([tone(LOW), tone(HIGH)], [0, 1]), [tone(LOW)])
    with pytest.raises(ValueError, match=r"needs bands with frequencies, which MFCCs have not"):
        relevant_audio(model, [tone(LOW)], result)
