"""Whether probabilities can be taken at their word, and sets of labels that can."""

from sk_audioevents.calibration._conformal import ConformalClassifier
from sk_audioevents.calibration._reliability import calibration_table, expected_calibration_error

__all__ = ["ConformalClassifier", "calibration_table", "expected_calibration_error"]
