"""Which decoder opens a file."""

from sk_audioevents.audio._av import AvRecording, find_container
from sk_audioevents.audio._files import file_size, system_path
from sk_audioevents.audio._miniaudio import MiniaudioRecording, miniaudio
from sk_audioevents.audio._recording import unreadable
from sk_audioevents.audio._soundfile import SoundFileRecording
from sk_audioevents.audio._wav import HEADER_BYTES, WavRecording, find_layout


def open_recording(path):
    """Open a recording with the decoder that its first bytes ask for.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    recording : Recording
        The open recording, whose header has been checked; a context manager.

    Raises
    ------
    AudioDecodeError
        If the file cannot be opened or its header is wrong.
    """
    size = file_size(path)
    file = None
    try:
        file = open(system_path(path), "rb", buffering=0)  # noqa: SIM115 - a recording may keep it
        header = file.read(HEADER_BYTES)
    except OSError as error:
        if file is not None:
            file.close()
        raise unreadable(path, error) from error
    layout, first_bytes = find_layout(header, size), header[:12]
    if layout is not None:
        return WavRecording(path, size, first_bytes, file, layout)
    file.close()
    return _decoder(first_bytes)(path, size, first_bytes)


def _decoder(first_bytes):
    if find_container(first_bytes) is not None:
        return AvRecording
    if first_bytes[:4] == b"fLaC" and miniaudio() is not None:
        return MiniaudioRecording
    return SoundFileRecording
