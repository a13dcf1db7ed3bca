"""A volume that is larger than a worker's memory, from Zarr to Zarr.

pip install ".[dask]" && python benchmarks/volume.py --folder /tmp/volume

Soft labels of 5 classes in 255ths, by two processes that may use 1 GB each. By default the volume has 1024x2048x2048 voxels.
"""

import argparse
import pathlib
import resource
import time

import dask.array as da
import numpy as np
import zarr
from distributed import Client, LocalCluster

import soft_labels
from soft_labels import dask as soft_labels_dask

CLASSES = 5
CHUNK = (64, 256, 256)


def blobs(block_info=None):
    """Tubes and shells, five labels."""
    place = block_info[None]["array-location"]
    d, h, w = np.ogrid[tuple(slice(*edge) for edge in place)]
    wave = np.sin(d / 23).astype(np.float32) + np.sin(h / 31).astype(np.float32) + np.sin(w / 41).astype(np.float32)
    return np.digitize(wave, [0.6, 1.2, 1.8, 2.4]).astype(np.uint8)


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def shares(source, folder, chunks=12):
    """Seconds of reading, encoding and compressing for a few chunks, one after the other on one thread."""
    labels = zarr.open_array(source, mode="r")
    shape = (CLASSES, *CHUNK)
    target = zarr.open_array(
        str(folder / "share.zarr"), mode="w", shape=(chunks, *shape), chunks=(1, *shape), dtype="u1"
    )
    times = np.zeros(3)
    for at in range(chunks):
        # With a voxel around it on each side, as a chunk inside of the volume has.
        start = [CHUNK[0] * (at % 3 + 1), 256 * (at % 4 + 1), 256]
        moments = [time.perf_counter()]
        part = labels[tuple(slice(s - 1, s + n + 1) for s, n in zip(start, CHUNK))]
        moments.append(time.perf_counter())
        soft = soft_labels.encode(part, CLASSES, window=[(1, n + 1) for n in CHUNK], dtype="uint8")
        moments.append(time.perf_counter())
        target[at] = soft
        moments.append(time.perf_counter())
        times += np.diff(moments)
    return times / times.sum(), times.sum() / chunks / np.prod(CHUNK)


def size(folder):
    return sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--shape", default="1024,2048,2048")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    shape = tuple(int(length) for length in args.shape.split(","))
    source, target = str(args.folder / "labels.zarr"), str(args.folder / "soft.zarr")
    cluster = LocalCluster(n_workers=args.workers, threads_per_worker=1, memory_limit="1GB", dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.run(soft_labels.set_num_threads, 1)
        labels = da.map_blocks(
            blobs, dtype=np.uint8, chunks=da.core.normalize_chunks(CHUNK, shape), meta=np.empty((0, 0, 0), "u1")
        )
        labels.to_zarr(source, overwrite=True)
        client.restart()
        client.run(soft_labels.set_num_threads, 1)
        before = max(client.run(peak_memory).values())
        start = time.perf_counter()
        soft_labels_dask.encode(da.from_zarr(source), CLASSES, dtype="uint8").to_zarr(target, overwrite=True)
        seconds = time.perf_counter() - start
        peak = max(client.run(peak_memory).values())
    voxels = np.prod(shape, dtype=np.int64)
    print(
        f"{shape}: {voxels:.3g} voxels in {seconds:.0f} s, {voxels / seconds:.3g} voxels a second on {args.workers} workers"
    )
    print(f"peak memory of a worker {peak:.0f} MB, {before:.0f} MB of it before the first chunk")
    print(f"labels {size(source) / 1e6:.0f} MB, soft labels {size(target) / 1e6:.0f} MB on disk")
    soft_labels.set_num_threads(1)
    (read, encode, write), each = shares(source, args.folder)
    print(
        f"of a chunk: reading {read:.0%}, encoding {encode:.0%}, compressing and writing {write:.0%}; {1e9 * each:.0f} ns a voxel"
    )
    # A part, with its halo, in one piece.
    start = [min(1000, n // 2) for n in shape]
    window = [(s, min(s + 70, n)) for s, n in zip(start, shape)]
    wide = [(max(s - 1, 0), min(e + 1, n)) for (s, e), n in zip(window, shape)]
    part = zarr.open_array(source, mode="r")[tuple(slice(*edge) for edge in wide)]
    inner = [(s - ws, e - ws) for (s, e), (ws, _) in zip(window, wide)]
    expected = soft_labels.encode(part, CLASSES, window=inner, dtype="uint8")
    found = zarr.open_array(target, mode="r")[(slice(None), *(slice(*edge) for edge in window))]
    print(f"a window has the bits of one piece: {np.array_equal(found, expected)}")


if __name__ == "__main__":
    main()
