"""Recordings that only FFmpeg decodes: the sound of MP4, M4A, MOV, WebM and Matroska files.

PyAV brings FFmpeg along and is an optional extra. No other container is opened: FFmpeg's formats
include playlists, which make it open further files and addresses.
"""

import itertools

import numpy as np

from sk_audioevents.audio._containers import check_matroska, check_mp4
from sk_audioevents.audio._header import CONVERT, find_limit_problem
from sk_audioevents.audio._recording import Recording
from sk_audioevents.exceptions import AudioDecodeError

INSTALL = 'pip install "sk_audioevents[av]"'
CODECS = ("aac", "alac", "flac", "mp3", "mp3float", "opus", "libopus", "vorbis")  # and PCM
_MAX_GAP = 0.1  # s; Matroska rounds times to 1 ms, and a browser's clock wavers by some ms
_WALKS = {"mp4": check_mp4, "matroska": check_matroska}


def find_container(first_bytes):
    """Tell whether a file begins like one that libsndfile does not read and FFmpeg does.

    Parameters
    ----------
    first_bytes : bytes
        The first 12 bytes of the file.

    Returns
    -------
    container : {"mp4", "matroska"} or None
        FFmpeg's name of the container.
    """
    if first_bytes[4:8] == b"ftyp":
        return "mp4"
    return "matroska" if first_bytes.startswith(b"\x1a\x45\xdf\xa3") else None


class AvRecording(Recording):
    """A recording that FFmpeg decodes, from its beginning and once.

    A seek would leave the state of some decoders (the noise that AAC substitutes) other than it is
    in the whole, so a window is reached by decoding up to it: some 0.5 ms for each second.
    """

    n_samples = None  # the header's own number is rounded; the end is checked against it
    _file = None
    _container = None

    def close(self):
        """Close the file."""
        for item in (self._container, self._file):
            if item is not None:
                item.close()

    def blocks(self, first, n_samples, dtype=np.float32):  # noqa: ARG002
        at, stop = 0, first + n_samples
        for samples in self._decode():
            block = samples[max(0, first - at) : stop - at]
            at += len(samples)
            if len(block):
                yield block
            if at >= stop:
                return
        self._check_duration(at)
        self._check_begin(first, at)

    def _open(self):
        av = _import_av(self.path)
        self._av_error = av.error.FFmpegError
        self._kind = find_container(self._first_bytes)
        self._file = open(self._encoded, "rb")  # noqa: SIM115 closed by close
        problem, self._n_packets = _WALKS[self._kind](self._file)
        self._refuse(problem)
        self._file.seek(0)
        try:
            self._container = av.open(self._file, format=self._kind, metadata_errors="replace")
            self._open_stream()
        except self._av_error as error:
            self._refuse(f"its header cannot be read ({error.strerror}). Is the copy complete?")

    def _open_stream(self):
        self._refuse(_find_stream_problem(self._container.streams))
        stream = self._container.streams.audio[0]
        codec = stream.codec_context
        codec.thread_count = 1
        codec.options = {"err_detect": "crccheck+explode"}
        self._frames = self._demux(stream)
        frame = next(self._frames, None)
        if frame is None:
            self.check_end(0)
        self._frames = itertools.chain([frame], self._frames)
        self._declared = self._declared_duration(stream)
        self.sample_rate = frame.sample_rate
        self.n_channels = frame.layout.nb_channels
        self.format = "MP4" if self._kind == "mp4" else "MATROSKA"
        self.subtype = codec.name.removeprefix("lib").removesuffix("float").upper()
        self._refuse(find_limit_problem(self.sample_rate, self.n_channels))

    def _demux(self, stream):
        """Yield the frames of the sound; FFmpeg ends early, without a word, where it is lost."""
        n_packets = 0
        for packet in self._container.demux():
            n_packets += packet.size > 0
            if packet.stream == stream:
                yield from packet.decode()
        if self._n_packets is not None and n_packets < self._n_packets:
            self._refuse(f"of its {self._n_packets} packets, {n_packets} can be found")

    def _declared_duration(self, stream):
        """Return how long the header says the sound is, in seconds, or None."""
        if stream.duration is not None:
            return float(stream.duration * stream.time_base)
        # What the container declares is the length of the longest stream.
        if self._container.duration is not None and len(self._container.streams) == 1:
            return self._container.duration / 1e6  # µs
        return None

    def _decode(self):
        """Yield the samples of each frame, and check that the times of the frames are gapless."""
        at, expected = 0, None
        try:
            for frame in self._frames:
                problem = self._frame_problem(frame, expected)
                if problem is not None:
                    self._refuse(f"at {self._seconds(at)}, {problem}")
                samples = _frame_samples(frame)
                at += len(samples)
                if frame.time is not None:
                    expected = frame.time + len(samples) / self.sample_rate
                yield samples
        except self._av_error as error:
            raise self._damaged(at, error.strerror) from error

    def _frame_problem(self, frame, expected):
        """Say what is wrong with a frame that should begin at a certain time."""
        if (frame.sample_rate, frame.layout.nb_channels) != (self.sample_rate, self.n_channels):
            return "the sample rate or the number of channels changes"
        if frame.is_corrupt:
            return "a frame is marked as corrupt"
        # Where a frame lasts as many units of time as it has samples, the unit is a sample.
        if frame.duration == frame.samples and frame.time_base * self.sample_rate != 1:
            return (
                f"a sample lasts {float(frame.time_base):.6g} s, and the header gives a sample "
                f"rate of {self.sample_rate} Hz"
            )
        if None not in (frame.time, expected) and abs(frame.time - expected) > _MAX_GAP:
            leap = frame.time - expected
            return f"its times leap by {leap:.3g} s: part of the sound is missing or doubled"
        return None

    def _check_duration(self, n_held):
        held = n_held / self.sample_rate
        if self._declared is not None and held < self._declared - _MAX_GAP:
            self._refuse(
                f"the header promises {self._declared:.9g} s and the file holds "
                f"{self._seconds(n_held)}. Is the copy complete?"
            )

    def _refuse(self, problem):
        if problem is not None:
            raise AudioDecodeError(self.path, problem)


def _import_av(path):
    try:
        import av
    except ImportError as error:
        problem = f"it is an MP4, M4A, MOV, WebM or Matroska file. To read these, {INSTALL}"
        raise AudioDecodeError(path, problem) from error
    return av


def _find_stream_problem(streams):
    if not streams.audio:
        kinds = ", ".join(stream.type for stream in streams) or "none"
        return f"it has no sound: its streams are {kinds}"
    if len(streams.audio) > 1:
        return f"it has {len(streams.audio)} sound tracks, and one would be read. Split it"
    codec = streams.audio[0].codec_context
    name = "unknown" if codec is None else codec.name
    if name not in CODECS and not name.startswith("pcm_"):
        return f"its sound is encoded as {name}, which is not read. {CONVERT}"
    return None


def _frame_samples(frame):
    """Return the samples (n_samples, n_channels) of a frame as float32, from -1 to 1."""
    data = frame.to_ndarray()
    samples = data.T if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels)
    if (frame.time_base or 0) * frame.sample_rate == 1 and frame.duration:
        # Where times are in samples, the last frame tells how much of it the encoder has added.
        samples = samples[: frame.duration]
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what is not finite is refused later
            return samples.astype(np.float32)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    return samples.astype(np.float32) / 2 ** (8 * samples.dtype.itemsize - 1)
