"""The features that published networks were trained on."""

PANNS = {
    "sample_rate": 32000,
    "n_fft": 1024,
    "hop_length": 320,
    "n_mels": 64,
    "fmin": 50.0,
    "fmax": 14000.0,
    "pad_mode": "reflect",
    "top_db": None,
}
FRONT_ENDS = {
    "kumar2018": {
        "sample_rate": 44100,
        "n_fft": 1024,
        "hop_length": 512,
        "n_mels": 128,
        "pad_mode": "reflect",
        "top_db": 80.0,
    },
    "cnn6": PANNS,
    "cnn10": PANNS,
    "cnn14": PANNS,
}


def published_front_end(layout):
    """Return the parameters of the `LogMelTransformer` whose frames published weights are for.

    Parameters
    ----------
    layout : {"kumar2018", "cnn6", "cnn10", "cnn14"}
        The network, as for `VGGEventClassifier.from_torch_state_dict`.

    Returns
    -------
    parameters : dict
        Its parameters; those that are left out have the defaults of `LogMelTransformer`.

    Raises
    ------
    ValueError
        If there is no such layout.

    Notes
    -----
    The networks of PANNs [1]_ read power in 64 mel bands of 50 Hz to 14 kHz at 32 kHz, in decibels
    of any range, at 100 frames a second. That of Kumar et al. [2]_ reads 128 bands at 44.1 kHz, 86
    frames a second, with a range of 80 dB below the largest value of a clip.

    Frames at the ends of a clip see its mirror image, as in both publications. Levels equal the
    published ones to 1e-3 dB.

    References
    ----------
    .. [1] Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern
       recognition", IEEE/ACM TASLP 28, 2020, arXiv:1912.10211, section V.A.
    .. [2] A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
       convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer
    >>> from sk_audioevents.classification import published_front_end
    >>> front_end = LogMelTransformer(**published_front_end("cnn14"))
    >>> front_end.sample_rate, front_end.n_mels
    (32000, 64)
    """
    check_layout(layout, "published_front_end")
    return dict(FRONT_ENDS[layout])


def check_layout(layout, name):
    """Raise if there is no such published layout.

    Parameters
    ----------
    layout : str
        What was asked for.
    name : str
        Who was asked, for the error.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if layout not in FRONT_ENDS:
        raise ValueError(
            f"The 'layout' parameter of {name} must be one of {sorted(FRONT_ENDS)}. "
            f"Got {layout!r} instead."
        )
