"""What training may do to waveforms and spectrograms, so that a small data set goes further."""

import lazy_loader

# Names are imported when they are first used: what happens to waveforms does not need torch.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_batch": ["SpectrogramBatch"],
        "_compose": ["Compose"],
        "_spectrogram_background": ["BackgroundMix"],
        "_spectrogram_bands": ["FrequencyShift"],
        "_spectrogram_level": ["Gain"],
        "_spectrogram_masks": ["SpecAugment"],
        "_spectrogram_mixing": ["BetweenClass", "Mixup"],
        "_spectrogram_time": ["TimeShift", "TimeStretch"],
        "_waveform_augmenter": ["WaveformAugmenter"],
        "_waveform_mixing": ["WaveformBetweenClass"],
        "_waveform_noise": ["BackgroundNoise"],
        "_waveform_pitch": ["PitchShift", "SpeedPerturb"],
        "_waveform_shift": ["WaveformShift"],
    },
)
