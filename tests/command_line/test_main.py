"""The entry point: help, exit codes, errors and warnings."""

import subprocess
import sys
import warnings

import pytest

import sk_audioevents
from sk_audioevents.command_line import _info, main

COMMANDS = ["train", "evaluate", "predict", "explain", "export", "info"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert f"example:\n  sk-audioevents {command} " in text


def test_help_imports_nothing_that_takes_time():
    code = (
        "import sys; sys.argv = ['sk-audioevents', '--help']\n"
        "from sk_audioevents.command_line import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'sklearn', 'numpy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
    assert all(command in done.stdout for command in COMMANDS)


def test_python_dash_m_runs_the_command(model):
    command = [sys.executable, "-m", "sk_audioevents", "info", model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Classes: high, low, mid")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    script = tmp_path / "long_output.py"
    script.write_text(
        "import sys\n"
        "from types import SimpleNamespace\n"
        "from sk_audioevents.command_line import _main\n"
        "run = lambda options, messages: 0 * sys.stdout.write('line\\n' * 1_000_000)\n"
        "_main.import_module = lambda name: SimpleNamespace(run=run)\n"
        "sys.exit(_main.main(['info', 'model']))\n"
    )
    command = f"set -o pipefail; '{sys.executable}' '{script}' | head -c 4"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "line", "")


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"sk-audioevents {sk_audioevents.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["dance"], ["info"], ["predict", "m"], ["train", "x"]])
def test_wrong_arguments_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: sk-audioevents" in capsys.readouterr().err


def fail_with(error, monkeypatch):
    def fail(options, messages):
        raise error

    monkeypatch.setattr(_info, "run", fail)


def test_an_error_is_one_sentence_without_traceback(monkeypatch, capsys):
    fail_with(ValueError("The x must be y.\nGot z."), monkeypatch)
    assert main(["info", "m"]) == 2
    assert capsys.readouterr().err == "sk-audioevents info: error: The x must be y. Got z.\n"


def test_an_error_that_nobody_foresaw_says_how_to_find_it(monkeypatch, capsys):
    fail_with(KeyError("x"), monkeypatch)
    assert main(["info", "m"]) == 2
    assert "KeyError: 'x' (--debug shows where)" in capsys.readouterr().err


def test_debug_shows_the_traceback(monkeypatch):
    fail_with(KeyError("x"), monkeypatch)
    with pytest.raises(KeyError, match="x"):
        main(["info", "m", "--debug"])


def test_an_interruption_has_its_own_exit_code(monkeypatch, capsys):
    fail_with(KeyboardInterrupt(), monkeypatch)
    assert main(["info", "m"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_recordings_that_failed_have_their_own_exit_code(monkeypatch):
    monkeypatch.setattr(_info, "run", lambda options, messages: 3)
    assert main(["info", "m"]) == 1


def test_warnings_are_messages(monkeypatch, capsys):
    def warn(options, messages):
        warnings.simplefilter("default")
        warnings.warn("Something is\nodd.", UserWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(_info, "run", warn)
    before = warnings.showwarning
    assert main(["info", "m"]) == 0
    assert capsys.readouterr().err == "sk-audioevents info: warning: Something is odd.\n"
    assert warnings.showwarning is before
