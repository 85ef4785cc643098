"""The recipes that esc.py trains: what each changes of a model's parameters.

A recipe is a model and the parameters that ``model.set_params`` is given, so that the same is a few
lines in a program of your own: ``docs/recipes.rst`` shows how. The rows of the ablation are single
parts on top of the defaults of the package, and the full recipe without single parts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sk_audioevents import (
    LogMelTransformer,
    MFCCTransformer,
    SLATSegmenter,
    VGGEventClassifier,
    WaveformEventClassifier,
)
from sk_audioevents import augmentation as aug


@dataclass(frozen=True)
class Recipe:
    """A model, what is changed of it, and how it is trained and tested.

    Attributes
    ----------
    make_model : callable
        Returns the model, a scikit-learn pipeline that takes paths.
    parameters : dict
        For its ``set_params``.
    test_shifts : int
        Over how many circular shifts of a test clip its probabilities are averaged. That accuracy
        is reported apart; 1 is none.
    """

    make_model: Callable
    parameters: dict = field(default_factory=dict)
    test_shifts: int = 1

    def model(self):
        """Return the model with the recipe's parameters."""
        return self.make_model().set_params(**self.parameters)


def on_spectrograms():
    """Return the package's defaults: log-mel frames of whole clips, VGG network."""
    return Pipeline(
        [
            ("frames", LogMelTransformer()),
            ("segments", "passthrough"),
            ("classifier", VGGEventClassifier()),
        ]
    )


def on_waveforms():
    """Return the network on waveforms, which are read once instead of once per epoch."""
    return Pipeline(
        [
            ("waveforms", aug.WaveformAugmenter(sample_rate=16000)),
            ("classifier", WaveformEventClassifier(sample_rate=16000)),
        ]
    )


def mean_and_spread(clips):
    """Return mean and standard deviation over time of each coefficient: one row a clip."""
    return np.array([np.r_[clip.mean(axis=0), clip.std(axis=0)] for clip in clips])


def on_mfcc(classifier):
    """Return a baseline: thirteen coefficients as librosa computes them, and a classifier."""
    mfcc = MFCCTransformer(
        sample_rate=22050,
        n_mfcc=13,
        pre_emphasis=0.0,
        n_fft=2048,
        hop_length=512,
        win_length=None,
        window="hann",
        n_mels=128,
    )
    return make_pipeline(mfcc, FunctionTransformer(mean_and_spread), StandardScaler(), classifier)


def forest():
    """Return the baseline with a random forest."""
    return on_mfcc(RandomForestClassifier(500))


def svm():
    """Return the baseline with a linear support vector machine."""
    return on_mfcc(SVC(kernel="linear", C=0.1))


def neighbours():
    """Return the baseline with the five nearest neighbours."""
    return on_mfcc(KNeighborsClassifier(5))


# What happens to each batch of spectrograms, in this order.
AUGMENTATIONS = {
    "time_shift": aug.TimeShift(),
    "time_stretch": aug.TimeStretch(),
    "frequency_shift": aug.FrequencyShift(),
    "gain": aug.Gain(),
    "noise": aug.BackgroundMix(),
    "mixup": aug.Mixup(),
    "mixup_even": aug.Mixup(alpha=1.0),
    "between_class": aug.BetweenClass(),
    "spec_augment": aug.SpecAugment(),
}
# Time is pooled by 8 instead of 64: 5 s have 13 segments instead of one, for what comes after.
SEGMENTS = {"classifier__pool_sizes": ((2, 2), (2, 2), (2, 2), (1, 2), (1, 2), (1, 2))}
FINE = {"frames__hop_length": 512}
OPTIONS = {
    "speed": {"frames__augmentation": aug.SpeedPerturb(min_rate=0.8, max_rate=1.25)},
    "wider_speed": {"frames__augmentation": aug.SpeedPerturb(min_rate=0.67, max_rate=1.5)},
    "more_versions": {"frames__n_versions": 16},
    "focal": {"classifier__loss": "focal"},
    "cross_entropy": {"classifier__loss": "cross_entropy"},
    "label_smoothing": {"classifier__label_smoothing": 0.1},
    "segments": SEGMENTS,
    "max_pooling": SEGMENTS | {"classifier__pooling": "max"},
    "attention_pooling": SEGMENTS | {"classifier__pooling": "attention"},
    "linear_softmax_pooling": SEGMENTS | {"classifier__pooling": "linear_softmax"},
    "lstm": SEGMENTS | {"classifier__temporal": "lstm"},
    "bilstm": SEGMENTS | {"classifier__temporal": "bilstm"},
    "adamw": {"classifier__optimizer": "adamw", "classifier__weight_decay": 0.05},
    "one_cycle": {"classifier__learning_rate_schedule": "one_cycle"},
    "clipped_gradient": {"classifier__max_grad_norm": 1.0},
    "ema": {"classifier__ema_decay": 0.99},
    "batches_of_8": {"classifier__batch_size": 8},
    "batches_of_32": {"classifier__batch_size": 32},
    "batches_of_64": {"classifier__batch_size": 64},
    "twice_as_long": {"classifier__max_epochs": 350},
    "twice_as_wide": {
        "classifier__channels": (16, 32, 64, 128, 256, 512),
        "classifier__embedding_dim": 512,
    },
    "finer_time": FINE,
    "finer_bands": {"frames__n_mels": 128},
    "slat": FINE | {"segments": SLATSegmenter()},
    "wider_band": {
        "frames__sample_rate": 44100,
        "frames__n_fft": 2048,
        "frames__hop_length": 2048,
    },
}
FULL = ["speed", "time_shift", "between_class"]
LONG = {"classifier__max_epochs": 175}
# A front end and a network for two cores, on which the parts are compared.
SMALL = {
    "frames__sample_rate": 22050,
    "frames__hop_length": 1024,
    "frames__n_mels": 64,
    "classifier__channels": (8, 16, 32, 64, 128, 256),
    "classifier__embedding_dim": 256,
    "classifier__mixed_precision": True,
}


def combine(parts, *parameters):
    """Return the parameters of several parts; augmentations come in the order of their table."""
    merged = {}
    for settings in parameters:
        merged |= settings
    for part in parts:
        merged |= OPTIONS.get(part, {})
    steps = [step for name, step in AUGMENTATIONS.items() if name in parts]
    if steps:
        merged["classifier__augment"] = steps[0] if len(steps) == 1 else aug.Compose(steps)
    return merged


RECIPES = {
    "mfcc_forest": Recipe(forest),
    "mfcc_svm": Recipe(svm),
    "mfcc_neighbours": Recipe(neighbours),
    # The full recipe on a small network; none of its parts, one less, and one more.
    "base": Recipe(on_spectrograms, combine([], SMALL, LONG), test_shifts=8),
    "small_machine": Recipe(on_spectrograms, combine(FULL, SMALL, LONG), test_shifts=8),
    **{
        f"without_{part}": Recipe(
            on_spectrograms, combine([p for p in FULL if p != part], SMALL, LONG), test_shifts=8
        )
        for part in FULL
    },
    **{
        f"with_{part}": Recipe(on_spectrograms, combine([*FULL, part], SMALL, LONG), test_shifts=8)
        for part in (*AUGMENTATIONS, *OPTIONS)
        if part not in FULL
    },
    # The package's defaults of training, which is short and without augmentation, and one change.
    "short": Recipe(on_spectrograms, SMALL),
    **{
        f"short_with_{part}": Recipe(on_spectrograms, combine([part], SMALL))
        for part in (*AUGMENTATIONS, *OPTIONS)
    },
    # At the size of the package's defaults.
    "default": Recipe(on_spectrograms),
    "full": Recipe(on_spectrograms, combine(FULL, LONG), test_shifts=8),
    "cnn6": Recipe(on_spectrograms, combine(FULL, LONG, {"classifier__backbone": "cnn6"})),
    "cnn10": Recipe(on_spectrograms, combine(FULL, LONG, {"classifier__backbone": "cnn10"})),
    "waveform": Recipe(
        on_waveforms,
        {
            "classifier__augment": aug.Compose(
                [
                    aug.WaveformShift(),
                    aug.SpeedPerturb(min_rate=0.8, max_rate=1.25),
                    aug.WaveformBetweenClass(),
                ]
            ),
            "classifier__loss": "cross_entropy",
            "classifier__batch_size": 16,
            "classifier__learning_rate_schedule": "one_cycle",
            "classifier__max_epochs": 200,
        },
        test_shifts=8,
    ),
}
# Whose probabilities are averaged, seed by seed: as VotingClassifier does with voting="soft".
COMMITTEES = {"committee": ("small_machine", "with_finer_time")}
