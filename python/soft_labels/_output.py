"""The Zarr array that the Dask script writes, or the group with it. It has its name when it is whole, and replaces nothing but
arrays of our own."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from ._native import __version__

# The attribute of arrays that this package and the command wrote.
MADE_BY = "soft-labels"

# What the folder of an unfinished array holds. The command has the same names for the first two.
_ARRAY, _LOCK, _DONE, _SETTINGS = "array", "soft-labels.lock", "done", "dask-settings.json"


class Part:
    """An unfinished array, with a file for each block that is done."""

    def __init__(self, folder: pathlib.Path, settings: str) -> None:
        self.array, self.done = str(folder / _ARRAY), str(folder / _DONE)
        self._settings, self._file = settings, folder / _SETTINGS
        try:
            self.goes_on = self._file.read_text() == settings and pathlib.Path(self.done).is_dir()
        except (OSError, ValueError):
            self.goes_on = False
        if not self.goes_on:
            for path in (self.array, self.done):
                shutil.rmtree(path, ignore_errors=True)

    def begin(self) -> None:
        """Notes that the array is there, to which blocks are written. Whoever repeats a run that is killed goes on with it."""
        os.makedirs(self.done)
        self._file.write_text(self._settings)


class Output:
    """A place for an array, beside which it is written."""

    def __init__(self, path: str, overwrite: bool) -> None:
        self.path, self.overwrite = pathlib.Path(os.path.abspath(path)), overwrite
        self.folder = self.path.with_name(f".soft-labels-{self.path.name}")

    def check(self, *inputs: str) -> None:
        """Raises an exception if something is there that is not to be replaced, or if the place is an input or in one."""
        out = pathlib.Path(os.path.realpath(self.path))
        for name in inputs:
            source = pathlib.Path(os.path.realpath(name))
            if out == source or out in source.parents or source in out.parents:
                raise ValueError(f"{self.path} is an input, too, or part of one; choose another name")
        if not os.path.lexists(self.path):
            return
        if not (self.path.is_dir() and is_ours(self.path)):
            raise ValueError(f"{self.path} is there, and no array that was written here; choose another name")
        if not self.overwrite:
            raise ValueError(f"{self.path} exists; choose another name or pass --overwrite")

    @contextlib.contextmanager
    def part(self, settings: str) -> Iterator[Part]:
        """An array that is moved to its place at the end: a new one, or that of a run that was killed, if it had the same
        settings. Of an error nothing is left behind."""
        kinds = {_ARRAY: "folder", _DONE: "folder", _LOCK: "file", _SETTINGS: "file"}
        for path, kind in ((self.folder, "folder"), *((self.folder / name, kind) for name, kind in kinds.items())):
            # A link may have been put here to have something else written over.
            if os.path.lexists(path) and (
                path.is_symlink() or not (path.is_dir() if kind == "folder" else path.is_file())
            ):
                raise ValueError(f"{path} is in the way, which is no {kind} of soft-labels; remove it")
        self.folder.mkdir(exist_ok=True)
        with _locked(self.folder / _LOCK):
            try:
                yield Part(self.folder, settings)
                self.check()
                self._put()
            finally:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _put(self) -> None:
        part = self.folder / _ARRAY
        if not os.path.lexists(self.path):
            part.rename(self.path)
            return
        # Apart from the rest, so that no other run takes it for a part of its own.
        aside = pathlib.Path(tempfile.mkdtemp(prefix=".soft-labels-old-", dir=self.path.parent))
        self.path.rename(aside / "old")
        try:
            part.rename(self.path)
        except OSError:
            (aside / "old").rename(self.path)
            raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    """Holds the lock of a file, which ends with the process that holds it."""
    try:
        import fcntl
    except ImportError:  # There is none on this system.
        yield
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"{path.parent} is being written by another process; wait for it") from None
        # The process that held it may have removed it in between.
        if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise ValueError(f"{path.parent} is being written by another process; wait for it")
        yield


def attributes() -> dict[str, str]:
    """Those of an array that is written here."""
    return {MADE_BY: __version__}


def is_ours(folder: pathlib.Path) -> bool:
    """Whether a folder is an array that was written here, or a group with one, and holds nothing but its chunks."""
    return _is_array(folder) or _is_image(folder)


def _is_array(folder: pathlib.Path) -> bool:
    return _says(folder / "zarr.json", "array") and all(
        entry.name == "zarr.json" or (entry.name == "c" and _holds_chunks(pathlib.Path(entry.path)))
        for entry in os.scandir(folder)
    )


def _is_array_2(folder: pathlib.Path) -> bool:
    """An array of version 2, as those in groups may be."""
    return _says(folder / ".zattrs") and all(
        entry.is_file(follow_symlinks=False) if entry.name in (".zarray", ".zattrs") else _is_chunk(entry)
        for entry in os.scandir(folder)
    )


def _is_image(folder: pathlib.Path) -> bool:
    if _says(folder / "zarr.json", "group"):
        files, is_array = ["zarr.json"], _is_array
    elif _says(folder / ".zattrs"):
        files, is_array = [".zgroup", ".zattrs"], _is_array_2
    else:
        return False
    return all(
        entry.is_file(follow_symlinks=False)
        if entry.name in files
        else entry.name == "0" and entry.is_dir(follow_symlinks=False) and is_array(pathlib.Path(entry.path))
        for entry in os.scandir(folder)
    )


def _says(path: pathlib.Path, node: str | None = None) -> bool:
    """Whether a file of metadata, which is no link, says that it was written here."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        values = json.loads(path.read_text())
        if node is None:
            return MADE_BY in values
        return values["node_type"] == node and MADE_BY in values["attributes"]
    except (ValueError, LookupError, TypeError, OSError):
        return False


def _holds_chunks(folder: pathlib.Path) -> bool:
    """Whether a folder holds chunks alone."""
    return not folder.is_symlink() and folder.is_dir() and all(map(_is_chunk, os.scandir(folder)))


def _is_chunk(entry: os.DirEntry[str]) -> bool:
    """A file that is called by a number, or a folder of such files. A link is neither."""
    return entry.name.isdecimal() and (entry.is_file(follow_symlinks=False) or _holds_chunks(pathlib.Path(entry.path)))
