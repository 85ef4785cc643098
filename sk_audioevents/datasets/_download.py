"""Downloads and zip archives that are never half there and never written outside their folder."""

import hashlib
import os
import shutil
import stat
import urllib.request
import zipfile
import zlib
from http.client import HTTPException
from pathlib import PurePosixPath
from urllib.error import HTTPError

from tqdm import tqdm

CHUNK_SIZE = 1 << 20  # bytes
TIMEOUT = 60.0  # seconds without a byte from the server


def download(url, path):
    """Copy what a URL serves into a file, with a progress bar.

    Parameters
    ----------
    url : str
        An address of the schemes http, https or file.
    path : str or os.PathLike
        The file to write.

    Raises
    ------
    OSError
        If the server cannot be reached, refuses, or closes before all promised bytes came.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response, open(path, "wb") as file:
            n_bytes = int(response.headers.get("Content-Length") or 0) or None
            with tqdm(
                total=n_bytes, unit="B", unit_scale=True, desc=PurePosixPath(url).name
            ) as progress:
                while chunk := response.read(CHUNK_SIZE):
                    file.write(chunk)
                    progress.update(len(chunk))
    except (HTTPException, OSError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise OSError(f"Cannot download {url}: {error}.") from error
    n_received = os.path.getsize(path)
    # http.client ends a cut-off body without a word when it is read by the chunk.
    if n_bytes is not None and n_received != n_bytes:
        raise OSError(
            f"Cannot download {url}: the connection ended after {n_received} of {n_bytes} bytes."
        )


def extract(archive, folder, is_wanted):
    """Unpack the wanted files of a zip archive, without its top folder.

    Parameters
    ----------
    archive : str or os.PathLike
        The zip file. All its files lie in one top folder, as in the archives that GitHub makes.
    folder : pathlib.Path
        Where the files go; made when it is not there.
    is_wanted : callable
        Tells from a name below the top folder, such as ``"audio/a.wav"``, whether to unpack it.

    Returns
    -------
    md5 : dict of str to str
        The MD5 checksum in hexadecimal digits of each unpacked file, by its name.

    Raises
    ------
    ValueError
        If the file is no zip archive, a member is damaged (its CRC-32 differs), or a member's name
        or type could lead out of the folder. All names are checked before anything is written.
    """
    try:
        with zipfile.ZipFile(archive) as zip_file:
            members = [_check_member(member) for member in zip_file.infolist()]
            return {
                name: _extract_member(zip_file, member, folder / name)
                for name, member in members
                if is_wanted(name)
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"The archive is not a complete zip file: {error}.") from error


def _check_member(member):
    """Return the name below the top folder and the member, if nothing in it leads elsewhere."""
    path = PurePosixPath(member.filename)
    leaves = path.is_absolute() or ".." in path.parts or any(c in member.filename for c in "\\:\0")
    if leaves or stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(
            f"The archive holds {member.filename!r}, which could be written outside its folder. "
            "Nothing of it was unpacked."
        )
    return "" if member.is_dir() else "/".join(path.parts[1:]), member


def _extract_member(zip_file, member, path):
    """Write one file and return its MD5; `zipfile` compares the CRC-32 as it reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zip_file.open(member) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target, CHUNK_SIZE)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def _md5():
    # MD5 because that is what is published; the argument lets FIPS builds of Python compute it.
    return hashlib.md5(usedforsecurity=False)
