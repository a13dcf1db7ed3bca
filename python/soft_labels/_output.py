"""The Zarr array that the Dask script writes. It has its name when it is whole, and replaces nothing but arrays of our own."""

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
    """Whether a folder is an array that was written here, and holds nothing but its chunks."""
    metadata = folder / "zarr.json"
    if metadata.is_symlink() or not metadata.is_file():
        return False
    try:
        values = json.loads(metadata.read_text())
        made = values["node_type"] == "array" and MADE_BY in values["attributes"]
    except (ValueError, LookupError, TypeError, OSError):
        return False
    return made and all(
        entry.name == "zarr.json" or (entry.name == "c" and _holds_chunks(pathlib.Path(entry.path)))
        for entry in os.scandir(folder)
    )


def _holds_chunks(folder: pathlib.Path) -> bool:
    """Whether a folder holds chunks alone: files and folders that are called by numbers. A link is neither."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(
        entry.name.isdecimal() and (entry.is_file(follow_symlinks=False) or _holds_chunks(pathlib.Path(entry.path)))
        for entry in os.scandir(folder)
    )
