"""Files that are there as a whole, or not at all."""

import os
import uuid
from contextlib import contextmanager, suppress


def publish_file(write, path, overwrite):
    """Write a file aside, and give it its name when it is whole and on the disk.

    A process that is killed leaves the old file, or none.

    Parameters
    ----------
    write : callable
        Writes to a binary file.
    path : Path
        The name.
    overwrite : bool
        Whether a file that has the name is replaced.

    Raises
    ------
    FileExistsError
        If there is such a file, or was when the writing was over.
    """
    with _aside(path) as aside:
        _write(write, aside)
        if overwrite:
            os.replace(aside, path)
        else:
            _rename_to_new(aside, path)
    _sync_folder(path.parent)


def publish_folder(writers, path):
    """Write a new folder of files aside, and give it its name when it is whole and on the disk.

    Parameters
    ----------
    writers : dict of {str: callable}
        What writes each file, by its name.
    path : Path
        The name of the folder; an empty folder may have it.

    Raises
    ------
    FileExistsError
        If there is a folder by that name that is not empty.
    """
    with _aside(path) as aside:
        aside.mkdir()
        for name, write in writers.items():
            _write(write, aside / name)
        _sync_folder(aside)
        try:
            os.rename(aside, path)
        except OSError as error:
            if path.exists():
                raise FileExistsError(f"There is something at {str(path)!r} by now.") from error
            raise
    _sync_folder(path.parent)


@contextmanager
def _aside(path):
    """Give a name beside a path that nothing has, and leave nothing there."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield aside
    finally:
        if aside.is_dir():
            for file in aside.iterdir():
                file.unlink()
            aside.rmdir()
        with suppress(FileNotFoundError):
            aside.unlink()


def _write(write, path):
    with open(path, "xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _rename_to_new(aside, path):
    try:
        os.link(aside, path)  # fails where there is a file, which a rename would replace
    except FileExistsError:
        raise FileExistsError(f"There is something at {str(path)!r} by now.") from None
    except OSError:  # a file system without links
        os.replace(aside, path)


def _sync_folder(path):
    with suppress(OSError):  # not every system opens folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
