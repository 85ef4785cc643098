"""Seconds and samples: the only place that rounds time."""


def seconds_to_samples(seconds, sample_rate):
    """Return the sample nearest to a time, as an int (halves go to the even sample)."""
    return round(float(seconds) * sample_rate)


def samples_to_seconds(n_samples, sample_rate):
    """Return the time of a sample, in seconds."""
    return n_samples / sample_rate
