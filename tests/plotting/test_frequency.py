"""Frames over time and mel frequency."""

import librosa
import numpy as np

from sk_audioevents.plotting._frequency import band_edges, draw_bands, edges


def test_edges_lie_half_way_between_centres():
    np.testing.assert_allclose(edges([0.0, 0.1, 0.2]), [-0.05, 0.05, 0.15, 0.25])
    np.testing.assert_allclose(edges([3.0]), [2.5, 3.5])


def test_band_edges_lie_half_way_in_mel():
    centres = librosa.mel_frequencies(n_mels=9, fmin=300, fmax=6000)
    bounds = librosa.hz_to_mel(band_edges(centres))
    mel = librosa.hz_to_mel(centres)
    np.testing.assert_allclose(bounds[1:-1], (mel[:-1] + mel[1:]) / 2)
    np.testing.assert_allclose(np.diff(bounds), mel[1] - mel[0])


def test_no_band_begins_below_zero_hertz():
    assert band_edges(np.array([10.0, 200.0, 390.0]))[0] == 0


def test_a_frame_is_drawn_where_its_time_and_frequency_are(pyplot):
    figure, ax = pyplot.subplots()
    frequencies = np.array([500.0, 1000.0, 2000.0, 4000.0])
    values = np.zeros((3, 4))
    values[2, 1] = 1
    mesh = draw_bands(ax, values, [0.0, 0.5, 1.0], frequencies, cmap="gray")
    figure.canvas.draw()
    np.testing.assert_array_equal(mesh.get_array(), values.T)
    column, row = np.round(ax.transData.transform([1.0, 1000.0])).astype(int)
    picture = np.asarray(figure.canvas.buffer_rgba())[::-1]
    assert picture[row, column, 0] == 255
    column, row = np.round(ax.transData.transform([0.5, 1000.0])).astype(int)
    assert picture[row, column, 0] == 0


def test_bands_without_frequencies_are_numbered(pyplot):
    ax = pyplot.subplots()[1]
    draw_bands(ax, np.zeros((3, 4)), np.arange(3), None)
    assert ax.get_ylabel() == "coefficient"
    assert ax.get_ylim() == (-0.5, 3.5)
