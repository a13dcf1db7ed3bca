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
import json
import sys
from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

import soft_labels

from ._arguments import AnyClasses, Array, Channels, Method, classes_of, encoding_of
from ._output import Output, attributes

__all__ = ["encode"]


def encode(
    labels: da.Array | Sequence[da.Array],
    classes: AnyClasses,
    method: Method = "svls",
    *,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
    dtype: DTypeLike = np.float32,
) -> da.Array:
    """Soft labels (C, ..) of a Dask array of labels, lazily. The parameters are those of `soft_labels.encode`.

    The result has the chunks of `labels`, and all channels in one chunk. Each chunk is encoded with as many voxels around it
    as the kernel needs, so the bits are those of one piece, whatever the chunks and the scheduler. Several raters are a list
    of Dask arrays of one shape.
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
        classes_of(classes),
        encoding_of(method, channels),
        np.dtype(np.float32 if dtype is None else dtype),
    )
    # What is wrong with the arguments is told now, not by a worker. Where there are no voxels, no label is wrong.
    nothing = [np.zeros((0,) * one.ndim, one.dtype) for one in maps]
    soft_labels.encode(nothing, classes, encoding, weights=weights, dtype=dtype)
    chunks = maps[0].chunks
    halo = tuple(encoding.radius(maps[0].ndim))
    wide = _at_least(chunks, halo)
    overlapped = [_with_halo(one.rechunk(wide), halo) for one in maps]
    soft: da.Array = da.map_blocks(
        _encode_block,
        *overlapped,
        name="soft-labels-" + da.core.tokenize(*maps, classes.to_json(), encoding.to_json(), weights, dtype.str),
        dtype=dtype,
        chunks=((encoding.channel_count(classes),), *wide),
        new_axis=0,
        meta=np.empty((0,) * (maps[0].ndim + 1), dtype),
        halo=halo,
        counts=tuple(len(axis) for axis in wide),
        settings=(classes, encoding, weights, dtype),
    )
    result: da.Array = soft.rechunk({axis + 1: axis_chunks for axis, axis_chunks in enumerate(chunks)})
    return result


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


def _encode_block(*maps: Array, halo: Any, counts: Any, settings: Any, block_id: Any = None) -> Array:
    """The soft labels of the inner part of a chunk with its halo."""
    classes, encoding, weights, dtype = settings
    # Dask tries the function on nothing.
    if block_id is None:
        return np.zeros((encoding.channel_count(classes), *maps[0].shape), dtype)
    window = []
    for length, depth, at, count in zip(maps[0].shape, halo, block_id[1:], counts):
        window.append((depth if at > 0 else 0, length - (depth if at + 1 < count else 0)))
    try:
        return soft_labels.encode(list(maps), classes, encoding, weights=weights, window=window, dtype=dtype)
    except ValueError as error:
        raise ValueError(f"in chunk {block_id[1:]}, its halo included: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soft_labels.dask",
        description="Soft labels of a Zarr array of labels (H, W) or (D, H, W), as a Zarr array (C, ..).",
        epilog="python -m soft_labels.dask labels.zarr soft.zarr --classes 5 --dtype uint8 --workers 4 --memory 1GB",
    )
    parser.add_argument("input", help="the labels")
    parser.add_argument("output", help="a new Zarr array")
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
    method: Method = json.loads(text) if text.startswith("{") else text
    return encoding_of(method)


def main(arguments: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    try:
        _run(args)
    except (ValueError, TypeError, OSError) as error:
        sys.exit(f"{error}")


def _run(args: argparse.Namespace) -> None:
    import zarr
    from distributed import Client, LocalCluster, progress, wait

    output = Output(args.output, args.overwrite)
    output.check(args.input)
    classes = soft_labels.Classes(args.classes, values=args.values, ignore=args.ignore)
    labels = da.from_zarr(args.input)
    if args.chunks:
        labels = labels.rechunk(tuple(args.chunks))
    labels = labels.rechunk(_regular(labels))
    with contextlib.ExitStack() as stack:
        part = stack.enter_context(output.part())
        cluster = args.scheduler or stack.enter_context(
            LocalCluster(n_workers=args.workers, threads_per_worker=1, memory_limit=args.memory)
        )
        client = stack.enter_context(Client(cluster))
        print(f"dashboard: {client.dashboard_link}", file=sys.stderr)
        client.run(soft_labels.set_num_threads, 1)
        soft = encode(labels, classes, args.method, dtype=args.dtype)
        layout = {"shape": soft.shape, "chunks": soft.chunksize, "dtype": soft.dtype, "fill_value": 0}
        # Versions before 3 have no `create_array`.
        target = getattr(zarr, "create_array", zarr.open_array)(part, **layout)
        target.attrs.update(attributes())
        done = client.compute(soft.to_zarr(target, compute=False))
        progress(done, notebook=False)
        wait(done)
        done.result()
    print(f"\n{args.output}: {soft.shape}, {soft.dtype}, chunks {soft.chunksize}", file=sys.stderr)


def _regular(labels: da.Array) -> tuple[int, ...]:
    """One length of chunks along each axis, as Zarr has them."""
    return tuple(max(axis) for axis in labels.chunks)


if __name__ == "__main__":
    main()
