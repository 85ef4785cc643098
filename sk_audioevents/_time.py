"""Seconds, samples and frames: the only place that rounds time.

Frame ``t`` of a spectrogram is centred on sample ``t * hop_length`` (librosa's ``center=True``).
"""


def seconds_to_samples(seconds, sample_rate):
    """Return the sample nearest to a time, as an int (halves go to the even sample)."""
    return round(float(seconds) * sample_rate)


def samples_to_seconds(n_samples, sample_rate):
    """Return the time of a sample, in seconds."""
    return n_samples / sample_rate


def frames_to_seconds(n_frames, *, sample_rate, hop_length):
    """Return the time of a frame, in seconds."""
    return n_frames * hop_length / sample_rate
