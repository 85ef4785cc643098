"""What the tests of audio share: recordings in the formats that need PyAV."""

from fractions import Fraction

import numpy as np
import pytest

SAMPLE_FORMATS = {  # p is for planar; all others take "fltp"
    "alac": "s16p",
    "flac": "s16",
    "libopus": "flt",
    "pcm_s16le": "s16",
}


@pytest.fixture(scope="session")
def encode():
    """Return a function that writes samples with FFmpeg; the test is skipped without PyAV."""
    av = pytest.importorskip("av", reason="needs PyAV: the extra 'av'")

    def encode_file(path, samples, sample_rate, codec, **options):
        samples = samples.reshape(len(samples), -1).T  # one row per channel
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        sample_format = SAMPLE_FORMATS.get(codec, "fltp")
        if sample_format.startswith("s16"):
            samples = np.round(samples * 32768)
        if not sample_format.endswith("p"):
            samples = samples.T.reshape(1, -1)
        data = np.ascontiguousarray(samples, np.int16 if "s16" in sample_format else np.float32)
        frame = av.AudioFrame.from_ndarray(data, format=sample_format, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
        with av.open(str(path), "w", options=options) as file:
            track = file.add_stream(codec, rate=sample_rate, options={"strict": "-2"})
            track.codec_context.layout = layout
            track.codec_context.format = sample_format
            for packet in [*track.encode(frame), *track.encode(None)]:
                file.mux(packet)
        return path

    return encode_file
