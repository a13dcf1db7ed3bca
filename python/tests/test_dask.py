"""Dask arrays: the same bits as one piece, whatever the chunks, the scheduler, and the fate of a worker."""

import os
import shutil
import subprocess
import sys

import naive
import numpy as np
import pytest

from soft_labels import Classes, Encoding, encode

da = pytest.importorskip("dask.array")
from soft_labels import dask as soft_labels_dask  # noqa: E402


def random_chunks(rng, shape):
    def cut(length):
        at = rng.choice(np.arange(1, length), size=min(length - 1, rng.integers(0, 6)), replace=False)
        return tuple(int(n) for n in np.diff([0, *np.sort(at), length]))

    return tuple(cut(length) for length in shape)


def test_any_chunks_have_the_bits_of_one_piece():
    rng = naive.generator(1)
    for _ in range(150):
        labels = naive.random_map(rng, classes=4)
        radius = [int(r) for r in rng.integers(0, 4, labels.ndim)]
        method = Encoding("svls", radius=radius) if any(radius) else "one_hot"
        if rng.random() < 0.2:
            method = Encoding("svls", sigma=0.9, truncate=float(rng.uniform(0.1, 4)))
        classes, chunks = Classes(3, ignore=3), random_chunks(rng, labels.shape)
        lazy = soft_labels_dask.encode(da.from_array(labels, chunks=chunks), classes, method)
        assert lazy.chunks == ((3,), *chunks)
        np.testing.assert_array_equal(lazy.compute(scheduler="threads"), encode(labels, classes, method))


def test_several_raters_in_different_chunks():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, (9, 20, 31))
    others = rng.integers(0, 3, labels.shape)
    maps = [da.from_array(labels, chunks=(4, 7, 31)), da.from_array(others, chunks=(9, 20, 5))]
    for dtype in ("float16", "uint8"):
        lazy = soft_labels_dask.encode(maps, 3, weights=[1, 2], dtype=dtype)
        expected = encode([labels, others], 3, weights=[1, 2], dtype=dtype)
        np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), expected)


def test_errors_name_the_chunk():
    labels = np.zeros((4, 40, 40), np.uint8)
    labels[3, 39, 39] = 9
    lazy = soft_labels_dask.encode(da.from_array(labels, chunks=20), 3)
    with pytest.raises(ValueError, match=r"chunk \(0, 1, 1\).*9"):
        lazy.compute(scheduler="synchronous")
    with pytest.raises(TypeError, match="Dask array"):
        soft_labels_dask.encode(labels, 3)


class Killer:
    """Labels that end the process that reads a part of them for the first time."""

    def __init__(self, labels, flag):
        self.labels, self.flag = labels, str(flag)
        self.shape, self.dtype, self.ndim = labels.shape, labels.dtype, labels.ndim

    def __getitem__(self, index):
        part = self.labels[index]
        if part.size and index[0].start == 16:
            try:
                os.close(os.open(self.flag, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return part
            os._exit(1)
        return part


def test_processes_of_a_cluster_one_of_which_dies(tmp_path):
    distributed = pytest.importorskip("distributed")
    labels = (np.indices((40, 60, 50)).sum(0) // 7 % 4).astype(np.uint8)
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        flag = tmp_path / "dead"
        lazy = da.from_array(Killer(labels, flag), chunks=(8, 30, 17), asarray=False, fancy=False)
        found = client.compute(soft_labels_dask.encode(lazy, 4)).result(timeout=300)
        assert flag.exists()
    np.testing.assert_array_equal(found, encode(labels, 4))


def test_zarr_to_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    labels = (np.indices((20, 50, 45)).sum(0) // 7 % 4).astype(np.uint8)
    source, target = tmp_path / "labels.zarr", tmp_path / "soft.zarr"
    stored = zarr.open_array(str(source), mode="w", shape=labels.shape, chunks=(8, 20, 45), dtype="u1")
    stored[:] = labels
    command = [sys.executable, "-m", "soft_labels.dask", str(source), str(target), "--classes", "4", "--dtype", "uint8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "dashboard" in done.stderr
    found = zarr.open_array(str(target))
    assert found.chunks == (4, 8, 20, 45)
    np.testing.assert_array_equal(found[:], encode(labels, 4, dtype="uint8"))
    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    again = subprocess.run([*command, "--overwrite"], capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.zarr", "soft.zarr"]
    with pytest.raises(SystemExit, match="label 3"):
        soft_labels_dask.main([str(source), str(tmp_path / "bad.zarr"), "--classes", "3", "--workers", "1"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.zarr", "soft.zarr"]


def test_the_script_replaces_nothing_but_arrays_of_our_own(tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    source = zarr.create_array("in.zarr", shape=(4, 4), chunks=(4, 4), dtype="u1", fill_value=0)
    source[:] = 1
    zarr.create_group("group.zarr")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "zarr.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link.zarr").symlink_to("in.zarr")
    zarr.create_array("other.zarr", shape=(4, 4), chunks=(4, 4), dtype="u1", fill_value=0)
    ours = {"soft-labels": "0"}
    zarr.create_array("ours.zarr", shape=(4, 4), chunks=(4, 4), dtype="u1", fill_value=0, attributes=ours)[:] = 1
    (tmp_path / "ours.zarr" / "c" / "0" / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for out in ["in.zarr", "link.zarr", "in.zarr/soft.zarr", "group.zarr", "folder", "file", "other.zarr", "ours.zarr"]:
        with pytest.raises(SystemExit, match="is an input, too|no array that was written here"):
            soft_labels_dask.main(["in.zarr", out, "--classes", "2", "--overwrite"])
    # Neither a link that was planted, nor the folder of a process that works there, is written to.
    planted = tmp_path / ".soft-labels-new.zarr"
    planted.symlink_to("folder")
    with pytest.raises(SystemExit, match="in the way"):
        soft_labels_dask.main(["in.zarr", "new.zarr", "--classes", "2"])
    planted.unlink()
    planted.mkdir()
    fcntl = pytest.importorskip("fcntl")
    with (planted / "soft-labels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SystemExit, match="another process"):
            soft_labels_dask.main(["in.zarr", "new.zarr", "--classes", "2"])
    (planted / "soft-labels.lock").unlink()
    planted.rmdir()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_soft_labels_of_an_image_are_one(zarr_format, tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    labels = (np.indices((6, 20, 25)).sum(0) // 7 % 4).astype(np.uint8)
    group = zarr.create_group("ome.zarr", zarr_format=zarr_format)
    group.create_array("a", shape=(1, 6, 20, 25), chunks=(1, 3, 9, 9), dtype="u1", fill_value=0)[:] = labels[None]
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    image = {
        "axes": axes,
        "datasets": [
            {
                "path": "a",
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1, 2, 0.5, 0.25]},
                    {"type": "translation", "translation": [0, 10, -3, 0.5]},
                ],
            }
        ],
        "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 2, 4]}],
    }
    group.attrs.update({"multiscales": [image]} if zarr_format == 2 else {"ome": {"multiscales": [image]}})
    run = ["ome.zarr", "soft.zarr", "--classes", "4", "--workers", "1"]
    soft_labels_dask.main(run)
    soft = zarr.open_group("soft.zarr", mode="r")
    assert soft.metadata.zarr_format == zarr_format
    np.testing.assert_array_equal(soft["0"][:], encode(labels, 4))
    found = soft.attrs["multiscales"] if zarr_format == 2 else soft.attrs["ome"]["multiscales"]
    assert found[0]["axes"] == axes
    assert found[0]["datasets"] == [
        {
            "path": "0",
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, 2, 1, 1]},
                {"type": "translation", "translation": [0, 10, -6, 2]},
            ],
        }
    ]
    if zarr_format == 2:
        assert found[0]["version"] == "0.4" and (tmp_path / "soft.zarr" / "0" / "0" / "0").is_dir()
    else:
        assert soft.attrs["ome"]["version"] == "0.5" and soft["0"].metadata.dimension_names == ("c", "z", "y", "x")
    # It is replaced, unless there is anything else in it.
    with pytest.raises(SystemExit, match="--overwrite"):
        soft_labels_dask.main(run)
    soft_labels_dask.main([*run, "--method", "one_hot", "--overwrite"])
    np.testing.assert_array_equal(zarr.open_array("soft.zarr/0")[:], encode(labels, 4, "one_hot"))
    notes = tmp_path / "soft.zarr" / "0" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(SystemExit, match="no array that was written here"):
        soft_labels_dask.main([*run, "--overwrite"])
    assert notes.read_text() == "mine"
    with pytest.raises(SystemExit, match="no array that was written here"):
        soft_labels_dask.main(["soft.zarr", "ome.zarr", "--classes", "4", "--overwrite"])


def test_groups_axes_and_where_a_label_is(tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    labels = (np.indices((6, 20, 25)).sum(0) // 7 % 4).astype(np.uint8)
    group = zarr.create_group("ome.zarr")
    for level, step in enumerate((1, 2)):
        part = labels[None, None, ::step, ::step, ::step]
        group.create_array(str(level), shape=part.shape, chunks=(1, 1, 3, 9, 9), dtype="u1", fill_value=0)[:] = part
    axes = [{"name": name} for name in "tczyx"]
    group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}, {"path": "1"}]}]}
    soft_labels_dask.main(["ome.zarr", "soft.zarr", "--classes", "4", "--workers", "1"])
    np.testing.assert_array_equal(zarr.open_array("soft.zarr/0")[:], encode(labels, 4))
    # Without metadata there are several arrays, and two channels are no label map.
    group.attrs["ome"] = {}
    with pytest.raises(SystemExit, match="group of 2 arrays"):
        soft_labels_dask.main(["ome.zarr", "x.zarr", "--classes", "4"])
    two = zarr.create_array("two.zarr", shape=(2, 6, 8, 8), chunks=(1, 6, 8, 8), dtype="u1", fill_value=0)
    with pytest.raises(SystemExit, match="with 2 along its axis 'c'"):
        soft_labels_dask.main(["two.zarr", "x.zarr", "--classes", "4"])
    assert two.shape[0] == 2

    wrong = labels.copy()
    wrong[4, 13, 19] = 9
    lazy = soft_labels_dask.encode(da.from_array(wrong, chunks=(3, 10, 10)), 4)
    with pytest.raises(ValueError, match=r"label 9 at voxel \[4, 13, 19\]"):
        lazy.compute(scheduler="synchronous")


def test_a_killed_run_goes_on(tmp_path, monkeypatch):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    labels = (np.indices((20, 30, 20)).sum(0) // 7 % 4).astype(np.uint8)
    source = zarr.create_array("in.zarr", shape=labels.shape, chunks=(5, 10, 20), dtype="u1", fill_value=0)
    source[:] = labels
    run = ["in.zarr", "soft.zarr", "--classes", "4", "--workers", "1"]

    class Killed(BaseException):
        pass

    # A process that is killed cleans up nothing.
    encoded = []
    whole = soft_labels_dask._Block.encode

    def some(self, maps, block_id):
        encoded.append(tuple(block_id))
        if len(encoded) == 5:
            raise Killed
        return whole(self, maps, block_id)

    monkeypatch.setattr(soft_labels_dask._Block, "encode", some)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    in_process(monkeypatch)
    with pytest.raises(Killed):
        soft_labels_dask.main(run)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / ".soft-labels-soft.zarr" / "array").exists()
    # Labels that were changed meanwhile are read anew, with the blocks around them.
    source[0, 0, 0] = 3
    labels[0, 0, 0] = 3
    encoded.clear()
    monkeypatch.setattr(
        soft_labels_dask._Block, "encode", lambda self, maps, at: (encoded.append(tuple(at)), whole(self, maps, at))[1]
    )
    in_process(monkeypatch)
    soft_labels_dask.main(run)
    np.testing.assert_array_equal(zarr.open_array("soft.zarr")[:], encode(labels, 4))
    assert 0 < len(encoded) < 12 and (0, 0, 0) in encoded
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zarr", "soft.zarr"]


def in_process(monkeypatch):
    """Dask computes in this process, one block after the other."""
    import contextlib

    import distributed

    class Client:
        dashboard_link = "none"

        def __init__(self, cluster):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def run(self, *_):
            pass

        def compute(self, array):
            class Done:
                def result(self):
                    return None

            array.compute(scheduler="synchronous")
            return Done()

    monkeypatch.setattr(distributed, "Client", Client)
    monkeypatch.setattr(distributed, "LocalCluster", lambda **_: contextlib.nullcontext())
    monkeypatch.setattr(distributed, "progress", lambda *_, **__: None)
    monkeypatch.setattr(distributed, "wait", lambda *_: None)


def test_what_is_wrong_is_told_at_once():
    labels = da.zeros((8, 8), np.uint8, chunks=4)
    for wrong in ({"dtype": "i4"}, {"weights": [1.0, 2.0]}, {"weights": [-1.0]}):
        with pytest.raises((TypeError, ValueError)):
            soft_labels_dask.encode(labels, 2, **wrong)
    whole = soft_labels_dask.encode(labels.astype(float), 2)
    np.testing.assert_array_equal(whole.compute(), encode(np.zeros((8, 8), int), 2))
