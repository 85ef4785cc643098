"""What can be wrong with the header of a recording, in sentences."""

import math
import re

# The formats in which a file that breaks off is found out; libsndfile knows others.
FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "FLAC", "OGG", "MP3")
MIN_SAMPLE_RATE = 1_000  # Hz; from 1 Hz, a file of 10 kB resamples to 1 GB
MAX_SAMPLE_RATE = 768_000  # Hz
MAX_CHANNELS = 64
CONVERT = "Convert it to WAV or FLAC"
_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"fLaC", b"OggS", b"ID3")
_MAGIC_MP3 = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2")
_COMPLAINT = re.compile(r"^\W*(\S.*?)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_ALIGNMENT = re.compile(
    r"^\s*Channels\s*: (\d+)$.*?^\s*Block Align\s*: (\d+)$.*?^\s*Bit Width\s*: (\d+)$",
    re.MULTILINE | re.DOTALL,
)
_SIZES = {"riff", "rifx", "data", "form", "ssnd", "list", "riff size", "data size"}


def find_open_problem(first_bytes, error):
    """Say why libsndfile refused a file.

    Parameters
    ----------
    first_bytes : bytes
        The beginning of the file.
    error : Exception
        The refusal.

    Returns
    -------
    problem : str
        The reason, in one sentence without a full stop.
    """
    if first_bytes.startswith(_MAGIC + _MAGIC_MP3):
        return (
            f"it begins like an audio file, and its header cannot be read ({reason(error)}). "
            "Is the copy complete?"
        )
    return _unknown_problem(first_bytes)


def find_header_problem(stream, first_bytes):
    """Say what is wrong with the header of a file that libsndfile has opened.

    Parameters
    ----------
    stream : soundfile.SoundFile
        The open file.
    first_bytes : bytes
        Its beginning.

    Returns
    -------
    problem : str or None
        The first thing wrong, in one sentence without a full stop, or None.
    """
    if stream.format == "RAW":  # libsndfile believes names like .au and .gsm, whatever is inside
        return _unknown_problem(first_bytes)
    layer_2 = stream.format == "MP3" and stream.subtype != "MPEG_LAYER_III"
    if stream.format not in FORMATS or layer_2:
        return f"it is a {stream.format} file ({stream.subtype}), which is not read. {CONVERT}"
    return (
        find_limit_problem(stream.samplerate, stream.channels)
        or _complaint_problem(stream.extra_info)
        or _alignment_problem(stream)
    )


def find_limit_problem(sample_rate, n_channels):
    """Say whether a sample rate and a number of channels are ones that no recording has.

    Parameters
    ----------
    sample_rate : int
        In hertz.
    n_channels : int
        The number of channels.

    Returns
    -------
    problem : str or None
        The reason, in one sentence without a full stop, or None.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        return (
            f"the header gives a sample rate of {sample_rate} Hz, outside the range from "
            f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
        )
    if n_channels > MAX_CHANNELS:
        return f"it has {n_channels} channels, and at most {MAX_CHANNELS} are mixed down"
    return None


def not_finite_problem(n_bad, n_samples, value, seconds):
    """Say that samples are not finite.

    Parameters
    ----------
    n_bad, n_samples : int
        How many samples are not finite, and of how many.
    value : float
        The first of them.
    seconds : float
        Its time in the recording.

    Returns
    -------
    problem : str
        The sentence, without a full stop.
    """
    return (
        f"{n_bad} of {n_samples} samples are not finite numbers, the first of them "
        f"{value} at {seconds:.9g} s"
    )


def reason(error):
    """Return what libsndfile says, without its prefix and its full stop."""
    text = getattr(error, "error_string", str(error)).strip()
    return text.removeprefix("Error : ").rstrip(".")


def _unknown_problem(first_bytes):
    return (
        "WAV, FLAC, OGG, MP3 and AIFF files can be read, and it is none of these, whatever its "
        f"name: its first bytes are {first_bytes!r}"
    )


def _complaint_problem(log):
    """Turn libsndfile's complaints about numbers in the header into a sentence.

    Only those that name the right number count. "'data' chunk should be an even number" stands in
    the log of every sound 24-bit mono file with an odd number of samples.
    """
    for name, promised, right in _COMPLAINT.findall(log):
        if name.lower() not in _SIZES:
            return f"the header contradicts itself: {name} is {promised} and should be {right}"
        if 0x7FFFF000 <= int(promised) <= 0x7FFFFFFF or int(promised) == 0xFFFFFFFF:
            return (
                "the header leaves the length open, as programs do that write into a pipe, so "
                "nothing shows whether the file is complete. Convert it once more, into a file"
            )
        return (
            f"the header promises {promised} bytes and the file holds {right}. "
            "Is the copy complete?"
        )
    return None


def _alignment_problem(stream):
    """Say whether a WAV header gives the samples more bits than room; libsndfile believes it."""
    found = _ALIGNMENT.search(stream.extra_info) if stream.subtype.startswith("PCM") else None
    if found is None:
        return None
    channels, align, bits = map(int, found.groups())
    needed = channels * math.ceil(bits / 8)
    if align >= needed:
        return None
    return f"the header contradicts itself: Block Align is {align} and should be {needed}"
