"""What importing the package costs, and what it offers."""

import subprocess
import sys

import pytest

import sk_audioevents


def modules_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("module", ["torch", "librosa", "matplotlib", "sklearn", "pandas", "numpy"])
def test_the_package_imports_nothing_heavy(module):
    assert module not in modules_after("import sk_audioevents")


@pytest.mark.parametrize(
    "name",
    [
        "LogMelTransformer",
        "SLATSegmenter",
        "SoundEventDetector",
        "augmentation",
        "datasets",
        "audio",
    ],
)
def test_what_comes_before_the_network_does_not_import_torch(name):
    modules = modules_after(f"from sk_audioevents import {name}")
    assert not modules & {"torch", "skorch", "librosa", "matplotlib"}


@pytest.mark.parametrize("name", sk_audioevents.__all__)
def test_every_public_name_can_be_imported(name):
    assert getattr(sk_audioevents, name) is not None
    assert name in dir(sk_audioevents)
