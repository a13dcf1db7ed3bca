"""Soft labels of Dask arrays, chunk by chunk and on many machines. Needs `dask`; the script needs `zarr` and `distributed`.

>>> import dask.array as da, numpy as np
>>> from soft_labels.dask import encode
>>> labels = da.from_array(np.zeros((8, 100, 100), np.uint8), chunks=(8, 50, 30))
>>> encode(labels, 3)
dask.array<soft-labels, shape=(3, 8, 100, 100), dtype=float32, chunksize=(3, 8, 50, 30), chunktype=numpy.ndarray>

Zarr to Zarr on the processes of this machine, or on those of a scheduler that runs already:

    python -m soft_labels.dask labels.zarr soft.zarr --classes 5 --dtype uint8
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Any, cast

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

import soft_labels

from ._arguments import AnyClasses, Array, Channels, Method, classes_of, encoding_of
from ._ome import array_of, create, labels_of
from ._output import Output

__all__ = ["encode"]


def encode(
    labels: da.Array | Sequence[da.Array],
    classes: AnyClasses,
    method: Method = "svls",
    *,
    ignore: int | None = None,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
    dtype: DTypeLike = np.float32,
) -> da.Array:
    """Soft labels (C, ..) of a Dask array of labels, lazily.

    Each chunk is encoded with as many voxels around it as the kernel needs, so the bits are those of one piece, whatever the
    chunks and the scheduler.

    Parameters
    ----------
    labels : Dask array (H, W) or (D, H, W), or list of them, one for each rater
    classes, method, ignore, channels, weights, dtype
        As for `soft_labels.encode`.

    Returns
    -------
    Dask array, (C, H, W) or (C, D, H, W)
        With the chunks of `labels`, and all channels in one chunk.

    Raises
    ------
    ValueError
        If a setting is out of range, shapes differ or chunks are of unknown sizes; when it is computed, if a label is not a
        class.
    TypeError
        If labels are no Dask arrays, or an argument is of another wrong type.

    Examples
    --------
    >>> import dask.array as da, numpy as np
    >>> from soft_labels.dask import encode
    >>> encode(da.zeros((4, 60), chunks=(4, 30), dtype=np.uint8), 2).compute().shape
    (2, 4, 60)
    """
    maps: list[Any] = list(labels) if isinstance(labels, (list, tuple)) else [labels]
    if not maps:
        raise ValueError("there are no raters; give at least one label map")
    for one in maps:
        if not isinstance(one, da.Array):
            raise TypeError(f"a label map is a Dask array, not {type(one).__name__}; soft_labels.encode takes NumPy's")
        if one.shape != maps[0].shape:
            raise ValueError(f"label maps of raters are {maps[0].shape} and {one.shape}; they must be the same")
        if np.isnan(sum(one.shape)):
            raise ValueError("the sizes of chunks are not known; call compute_chunk_sizes() first")
    classes, encoding, dtype = (
        classes_of(classes, ignore),
        encoding_of(method, channels),
        np.dtype(np.float32 if dtype is None else dtype),
    )
    # What is wrong with the arguments is told now, not by a worker. Where there are no voxels, no label is wrong.
    nothing = [np.zeros((0,) * one.ndim, one.dtype) for one in maps]
    soft_labels.encode(nothing, classes, encoding, weights=weights, dtype=dtype)
    chunks = maps[0].chunks
    block = _Block(classes, encoding, weights, dtype, _at_least(chunks, tuple(encoding.radius(maps[0].ndim))))
    soft: da.Array = da.map_blocks(
        block,
        *block.with_halo(maps),
        name="soft-labels-" + da.core.tokenize(*maps, classes.to_json(), encoding.to_json(), weights, dtype.str),
        dtype=dtype,
        chunks=((encoding.channel_count(classes),), *block.chunks),
        new_axis=0,
        meta=np.empty((0,) * (maps[0].ndim + 1), dtype),
    )
    result: da.Array = soft.rechunk({axis + 1: axis_chunks for axis, axis_chunks in enumerate(chunks)})
    return result


class _Block:
    """Encodes a chunk from its labels and those around it."""

    def __init__(self, classes: Any, encoding: Any, weights: Any, dtype: Any, chunks: Any) -> None:
        self.classes, self.encoding, self.weights, self.dtype, self.chunks = classes, encoding, weights, dtype, chunks
        self.halo = tuple(encoding.radius(len(chunks)))

    def with_halo(self, maps: Sequence[da.Array]) -> list[da.Array]:
        return [_with_halo(one.rechunk(self.chunks), self.halo) for one in maps]

    def start(self, block_id: Sequence[int]) -> list[int]:
        """The first voxel of a chunk."""
        return [sum(axis[:at]) for axis, at in zip(self.chunks, block_id)]

    def __call__(self, *maps: Array, block_id: Any = None) -> Array:
        # Dask tries the function on nothing.
        if block_id is None:
            return np.zeros((self.encoding.channel_count(self.classes), *maps[0].shape), self.dtype)
        return self.encode(maps, block_id[1:])

    def encode(self, maps: Sequence[Array], block_id: Sequence[int]) -> Array:
        before = [depth if at > 0 else 0 for depth, at in zip(self.halo, block_id)]
        window = [(first, first + axis[at]) for first, axis, at in zip(before, self.chunks, block_id)]
        try:
            return soft_labels.encode(
                list(maps), self.classes, self.encoding, weights=self.weights, window=window, dtype=self.dtype
            )
        except ValueError as error:
            origin = [start - first for start, first in zip(self.start(block_id), before)]
            raise ValueError(
                f"in chunk {tuple(block_id)}, its halo included: {_of_whole(str(error), origin)}"
            ) from None


def _of_whole(message: str, origin: Sequence[int]) -> str:
    """A message with its voxel counted from the first of the whole array."""

    def moved(found: re.Match[str]) -> str:
        voxel = [int(at) + start for at, start in zip(found[1].split(","), origin)]
        return f"voxel {voxel}"

    return re.sub(r"voxel \[([0-9, ]+)\]", moved, message)


def _at_least(chunks: tuple[tuple[int, ...], ...], halo: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Chunks that are no thinner than the halo, made of neighbouring ones."""
    return tuple(_merged(axis, max(depth, 1)) for axis, depth in zip(chunks, halo))


def _merged(lengths: tuple[int, ...], least: int) -> tuple[int, ...]:
    merged: list[int] = []
    for length in lengths:
        if merged and merged[-1] < least:
            merged[-1] += length
        else:
            merged.append(length)
    if len(merged) > 1 and merged[-1] < least:
        last = merged.pop()
        merged[-1] += last
    return tuple(merged)


def _with_halo(labels: da.Array, halo: tuple[int, ...]) -> da.Array:
    """Each chunk with the voxels around it. At the border of the array there are none: the engine continues it."""
    depth = {axis: length if len(labels.chunks[axis]) > 1 else 0 for axis, length in enumerate(halo)}
    if not any(depth.values()):
        return labels
    wide: da.Array = da.overlap.overlap(labels, depth=depth, boundary="none", allow_rechunk=False)
    return wide


class _Stored(_Block):
    """The same, written to its place in a Zarr array. It is not done again if it is there, of the same labels."""

    def __init__(self, block: _Block, target: str, done: str) -> None:
        super().__init__(block.classes, block.encoding, block.weights, block.dtype, block.chunks)
        self.target, self.done = target, done

    def __call__(self, *maps: Array, block_id: Any = None) -> Array:
        result = np.ones((1,) * len(self.chunks), np.bool_)
        if block_id is None:
            return result
        import zarr

        labels = hashlib.blake2b(digest_size=16)
        for one in maps:
            labels.update(np.ascontiguousarray(one).data)
        log = pathlib.Path(self.done, "-".join(map(str, block_id)))
        if log.exists() and log.read_text() == labels.hexdigest():
            return result
        start = self.start(block_id)
        place = tuple(slice(first, first + axis[at]) for first, axis, at in zip(start, self.chunks, block_id))
        zarr.open_array(self.target, mode="r+")[(slice(None), *place)] = self.encode(maps, block_id)
        log.write_text(labels.hexdigest())
        return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soft_labels.dask",
        description="Soft labels of a Zarr array of labels (H, W) or (D, H, W), as a Zarr array (C, ..).",
        epilog="python -m soft_labels.dask labels.zarr soft.zarr --classes 5 --dtype uint8 --workers 4 --memory 1GB",
    )
    parser.add_argument("input", help="the labels")
    parser.add_argument("output", help="a new Zarr array, or a group if the labels are an image of OME-Zarr")
    classes = parser.add_mutually_exclusive_group(required=True)
    classes.add_argument("--classes", type=int, metavar="C", help="labels are 0, 1, .., C - 1")
    classes.add_argument("--values", type=_integers, metavar="V,V..", help="the label of each class")
    parser.add_argument("--ignore", type=int, metavar="LABEL", help="the label of voxels that nobody labelled")
    parser.add_argument(
        "--method", type=_method, default="svls", help='a name, or JSON such as \'{"method": "svls", "sigma": 1.5}\''
    )
    parser.add_argument(
        "--dtype", default="float32", choices=["float32", "float64", "float16", "uint8"], help="uint8: 255ths"
    )
    parser.add_argument(
        "--chunks",
        type=_integers,
        help="voxels of a chunk along each axis, such as 128,128,128; by default those of the input",
    )
    parser.add_argument("--workers", type=_positive, default=2, help="processes on this machine (2)")
    parser.add_argument("--memory", default="auto", help="memory of each of them, such as 1GB")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="that of a cluster, such as tcp://10.0.0.1:8786")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output")
    return parser


def _integers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def _method(text: str) -> Method:
    # The names that there are, a call says.
    return encoding_of(json.loads(text) if text.startswith("{") else cast(Method, text))


def main(arguments: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    try:
        _run(args)
    except (ValueError, TypeError, OSError) as error:
        sys.exit(f"{error}")


def _run(args: argparse.Namespace) -> None:
    from distributed import Client, LocalCluster, progress, wait

    output = Output(args.output, args.overwrite)
    output.check(args.input)
    classes = soft_labels.Classes(args.classes, values=args.values, ignore=args.ignore)
    labels, image = labels_of(args.input)
    if args.chunks:
        labels = labels.rechunk(tuple(args.chunks))
    encoding = encoding_of(args.method)
    # A chunk is no thinner than the kernel reaches, so that a block of the result is made of whole chunks.
    halo = encoding.radius(labels.ndim)
    regular = tuple(max(length, depth, 1) for length, depth in zip(_regular(labels), halo))
    labels = labels.rechunk(regular)
    # What is wrong with the arguments is told before workers are started.
    soft = encode(labels, classes, encoding, dtype=args.dtype)
    settings = json.dumps(
        {
            "version": soft_labels.__version__,
            "input": os.path.realpath(args.input),
            "classes": classes.to_json(),
            "encoding": encoding.to_json(),
            "layout": [soft.shape, regular, str(soft.dtype)],
            "image": image and image.attributes(),
        }
    )
    block = _Block(classes, encoding, None, soft.dtype, _at_least(labels.chunks, tuple(halo)))
    with contextlib.ExitStack() as stack:
        part = stack.enter_context(output.part(settings))
        cluster = args.scheduler or stack.enter_context(
            LocalCluster(n_workers=args.workers, threads_per_worker=1, memory_limit=args.memory)
        )
        client = stack.enter_context(Client(cluster))
        print(f"dashboard: {client.dashboard_link}", file=sys.stderr)
        client.run(soft_labels.set_num_threads, 1)
        if not part.goes_on:
            chunks = (soft.shape[0], *(min(length, edge) for length, edge in zip(labels.shape, regular)))
            layout = {"shape": soft.shape, "chunks": chunks, "dtype": soft.dtype, "fill_value": 0}
            create(part.array, image, layout)
            part.begin()
        blocks = da.map_blocks(
            _Stored(block, array_of(part.array, image), part.done),
            *block.with_halo([labels]),
            name="soft-labels-stored-" + da.core.tokenize(labels, settings),
            dtype=np.bool_,
            chunks=tuple((1,) * len(axis) for axis in block.chunks),
            meta=np.empty((0,) * labels.ndim, np.bool_),
        )
        done = client.compute(blocks)
        progress(done, notebook=False)
        wait(done)
        done.result()
    print(f"\n{args.output}: {soft.shape}, {soft.dtype}, chunks {(soft.shape[0], *regular)}", file=sys.stderr)


def _regular(labels: da.Array) -> tuple[int, ...]:
    """One length of chunks along each axis, as Zarr has them."""
    return tuple(max(axis) for axis in labels.chunks)


if __name__ == "__main__":
    main()
