"""Rules that hold for every call: bools, whole floats, raters, batches, interruptions, memory."""

import os
import pickle
import signal
import subprocess
import sys
import time

import naive
import numpy as np
import pytest

import soft_labels
from soft_labels import Classes, Encoding, encode, encode_sparse, fuse, metrics, valid_mask


def test_bools_of_other_bytes_are_true():
    rng = naive.generator(3)
    bytes_ = rng.integers(0, 4, (6, 9, 8)).astype(np.uint8) * 60
    odd, clean = bytes_.view(np.bool_), bytes_ != 0
    for view in (lambda a: a, lambda a: a[::2, ::-1], lambda a: a.T, lambda a: np.broadcast_to(a[:1], a.shape)):
        a, b = view(odd), view(clean)
        np.testing.assert_array_equal(encode(a, 2), encode(b, 2))
        np.testing.assert_array_equal(encode([a, b], 2, dtype="uint8"), encode(b, 2, dtype="uint8"))
        np.testing.assert_array_equal(encode_sparse(a, 2).to_dense(), encode(b, 2))
        vote = fuse.majority_vote([a, a, ~b], 2)
        assert vote.dtype == np.bool_ and vote.view(np.uint8).max() <= 1
        np.testing.assert_array_equal(vote, b)
        np.testing.assert_array_equal(metrics.confusion_matrix(a, b, 2), metrics.confusion_matrix(b, b, 2))
        assert metrics.dice(a, b.astype(np.int16), 2) == 1
        np.testing.assert_array_equal(valid_mask(a, Classes(1, ignore=1)), ~b)
    huge = np.broadcast_to(np.bool_(True), (10**6, 10**6, 10**3))
    with pytest.raises(ValueError, match="memory"):
        encode(huge, 2)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4", "float64", "longdouble"])
def test_whole_floats_are_labels_everywhere(dtype):
    labels = (np.indices((5, 8, 9)).sum(0) // 4 % 3).astype(np.int64)
    whole = labels.astype(dtype)
    np.testing.assert_array_equal(encode(whole, 3), encode(labels, 3))
    np.testing.assert_array_equal(encode([whole, labels], 3), encode(labels, 3))
    np.testing.assert_array_equal(fuse.majority_vote([whole, labels], 3), labels)
    np.testing.assert_array_equal(metrics.dice(whole, labels, 3), [1, 1])
    assert metrics.judge(whole, labels, 3)["calibration"] is None
    whole[3, 2, 1] = 0.5
    for call in (encode, encode_sparse, valid_mask, lambda a, c: metrics.dice(labels, a, c)):
        with pytest.raises(ValueError, match=r"label 0.5 at voxel \[3, 2, 1\] is no whole number"):
            call(whole, 3)
    for wrong in (np.nan, np.inf, 2.0**63, -1e300):
        with pytest.raises(ValueError, match="no whole number"):
            encode(np.full((2, 2), wrong), 3)


def test_raters_are_a_list():
    maps = [np.zeros((4, 4), int), np.ones((4, 4), int), np.ones((4, 4), int)]
    np.testing.assert_array_equal(fuse.majority_vote(list(np.stack(maps)), 2), maps[1])
    for call in (fuse.majority_vote, fuse.staple):
        with pytest.raises(TypeError, match=r"list\(array\)"):
            call(np.stack(maps), 2)


def test_messages_have_short_numbers():
    with pytest.raises(ValueError) as error:
        Encoding("svls", sigma=-1e300)
    assert "-1e300" in str(error.value).replace("e+", "e") and len(str(error.value)) < 100
    with pytest.raises(ValueError) as error:
        metrics.nll(np.full((2, 3, 3), 1e300), np.zeros((3, 3), int), 2)
    assert len(str(error.value)) < 200


def test_a_matrix_of_many_classes():
    labels = np.array([[0, 65534], [5, 5]], np.int64)
    try:
        matrix = metrics.confusion_matrix(labels, labels, 65535)
    except ValueError as error:
        assert "memory" in str(error)
    else:
        assert matrix[5, 5] == 2 and matrix[65534, 65534] == 1
    small = metrics.confusion_matrix(labels % 7, labels % 5, 7)
    assert small.dtype == np.uint64 and small.sum() == 4


def run(script, *arguments, **settings):
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=300, **settings
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_during_the_first_call_does_not_wait():
    script = """
import os, sys, threading, warnings
import numpy as np, soft_labels
warnings.simplefilter("ignore")
labels = np.zeros((30, 120, 120), np.uint8)
threads = [threading.Thread(target=lambda: soft_labels.encode(labels, 3, {"method": "svls"})) for _ in range(3)]
for thread in threads:
    thread.start()
children = []
for _ in range(6):
    child = os.fork()
    if child == 0:
        soft_labels.encode(labels, 3, {"method": "svls", "sigma": 2})
        os._exit(0)
    children.append(child)
for thread in threads:
    thread.join()
print([os.waitpid(child, 0)[1] for child in children])
"""
    for _ in range(3):
        done = run(script)
        assert done.stdout.strip() == "[0, 0, 0, 0, 0, 0]", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_an_interruption_is_noticed_within_a_second():
    script = """
import signal
import numpy as np, soft_labels
# Where tests run in the background, it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
labels = np.random.default_rng(1).integers(0, 4, (200, 300, 300), np.uint8)
print("begins", flush=True)
soft_labels.encode(labels, 4, soft_labels.Encoding("svls", radius=10, sigma=[2.1, 2.3, 2.7]))
print("ends", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begins\n"
    # The call takes many times as long.
    time.sleep(0.5)
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=60)
    taken = time.monotonic() - start
    assert "KeyboardInterrupt" in errors and "ends" not in out
    # On a machine that has other work, too.
    assert taken < 5, taken


def test_parts_have_the_bits_of_the_whole():
    # Large enough for several parts, in either order.
    rng = naive.generator(4)
    labels = rng.integers(0, 3, (40, 64, 64), np.uint8)
    method = Encoding("svls", radius=[2, 6, 6])
    whole = encode_sparse(labels, 3, method).to_dense()
    np.testing.assert_array_equal(encode(labels, 3, method), whole)
    out = np.zeros((3, 64, 64, 40), np.float32).transpose(0, 3, 2, 1)
    np.testing.assert_array_equal(encode(labels, 3, method, out=out), whole)
    window = [(3, 39), (0, 64), (5, 60)]
    np.testing.assert_array_equal(encode(labels, 3, method, window=window), whole[:, 3:39, :, 5:60])
    labels[1, 2, 3] = labels[39, 5, 6] = 9
    with pytest.raises(ValueError, match=r"\[1, 2, 3\].*2 voxels"):
        encode(labels, 3, method)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits are others there")
@pytest.mark.parametrize(
    "call",
    [
        "metrics.confusion_matrix(a, a, 65535)",
        "encode_sparse(noise, 4)",
        "encode(a, 60000)",
        "encode(noise, 4, dtype='float64')",
        "kernel(Encoding('svls', radius=50), 3)",
        "metrics.overlap(a, a, 3, regions=[[1, 2]] * 3_000_000)",
        "Classes(values=range(10**9))",
        "Classes(values=list(range(65535)))",
        "fuse.staple([noise, noise[::-1]], 4)",
        "fuse.staple([a, a], 5000)",
        "fuse.disagreement([noise, noise[::-1]], 4)",
        "pool(np.broadcast_to(np.uint8(255), (4, 128, 128, 128)), 2)",
        "metrics.nll(np.broadcast_to(np.uint8(64), (4, 128, 128, 128)), noise, 4, scope='foreground')",
        "metrics.brier_soft(*[np.broadcast_to(np.float16(0.25), (4, 128, 128, 128))] * 2, scope=noise > 0)",
        "metrics.surface_distances(noise, noise[::-1], 4)",
        "metrics.judge(noise, noise[::-1], 4)",
    ],
)
def test_memory_that_is_not_to_be_had_is_an_exception(call):
    script = f"""
import resource
import numpy as np
from soft_labels import *
set_num_threads(2)
encode(np.zeros((64, 64, 64), np.uint8), 2)
a = np.ones((3, 3), np.uint8)
noise = np.random.default_rng(1).integers(0, 4, (128, 128, 128), np.uint8)
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for more in (40, 60, 90, 150):
    resource.setrlimit(resource.RLIMIT_AS, (held + (more << 20), -1))
    try:
        {call}
        print("well")
    except (ValueError, MemoryError) as error:
        print("error")
"""
    done = run(script)
    assert done.returncode == 0 and len(done.stdout.split()) == 4, (done.returncode, done.stdout, done.stderr[-500:])


@pytest.mark.parametrize(
    "made", [Classes(5), Classes(values=[0, 4], ignore=7), Encoding("svls", sigma=2.5), Encoding("one_hot")]
)
def test_checkpoints_load_with_weights_only(made, tmp_path):
    torch = pytest.importorskip("torch")
    import soft_labels.torch  # noqa: F401

    assert pickle.loads(pickle.dumps(made)) == made
    torch.save({"hyper_parameters": {"method": made}}, tmp_path / "a.ckpt")
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["hyper_parameters"]["method"] == made


def test_importing_the_package_after_torch_is_enough(tmp_path):
    pytest.importorskip("torch")
    script = """
import sys, torch, soft_labels
torch.save([soft_labels.Encoding("svls")], sys.argv[1])
assert torch.load(sys.argv[1], weights_only=True) == [soft_labels.Encoding("svls")]
"""
    done = run(script, str(tmp_path / "a.pt"))
    assert done.returncode == 0, done.stderr


def test_a_batch_has_its_own_call():
    torch = pytest.importorskip("torch")
    from soft_labels.torch import encode_batch

    labels = torch.from_numpy((np.indices((3, 20, 24)).sum(0) // 5 % 4).astype(np.int64))
    other = labels.flip(1)
    found = encode_batch(labels, 4)
    assert found.shape == (3, 4, 20, 24)
    two = encode_batch([labels, other], 4, weights=[1, 2], dtype=torch.float64)
    for at in range(3):
        np.testing.assert_array_equal(found[at].numpy(), encode(labels[at].numpy(), 4))
        pair = [labels[at].numpy(), other[at].numpy()]
        np.testing.assert_array_equal(two[at].numpy(), encode(pair, 4, weights=[1, 2], dtype="float64"))
    out = torch.zeros(3, 4, 20, 24)
    assert encode_batch(labels.float(), 4, out=out) is out and torch.equal(out, found)
    assert soft_labels.torch.encode(labels, 4).shape == (4, 3, 20, 24)
    for wrong in (labels[0], [], [labels, labels[:2]], labels.float() + 0.5):
        with pytest.raises(ValueError):
            encode_batch(wrong, 4)
    with pytest.raises(ValueError, match="give one for each"):
        encode_batch(labels, 4, out=out[:2])


def test_class_weights_keep_their_digits():
    torch = pytest.importorskip("torch")
    from soft_labels.torch import SoftCrossEntropyLoss

    weight = [0.1, 1 / 3, 2.7]
    logits = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    targets = torch.softmax(torch.randn(2, 3, 5, 6, dtype=torch.float64), 1)
    expected = torch.nn.CrossEntropyLoss(torch.tensor(weight, dtype=torch.float64))(logits, targets)
    for given in (weight, torch.tensor(weight, dtype=torch.float64), np.array(weight)):
        torch.testing.assert_close(SoftCrossEntropyLoss(given)(logits, targets), expected, rtol=1e-14, atol=0)
    loss = SoftCrossEntropyLoss(weight)
    assert loss.weight == tuple(weight) and not loss.state_dict()
    assert loss(logits.float(), targets.float()).dtype == torch.float32


def test_channels_are_no_raters_unless_told():
    monai = pytest.importorskip("monai")
    torch = pytest.importorskip("torch")
    from soft_labels.monai import SoftLabelsd

    labels = torch.from_numpy((np.indices((20, 24)).sum(0) // 5 % 4).astype(np.uint8))[None]
    one_hot = monai.transforms.AsDiscreted("label", to_onehot=4)({"label": labels})
    with pytest.raises(ValueError, match="raters=True"):
        SoftLabelsd("label", 4)(one_hot)
    raters = torch.cat([labels, labels.flip(1)])
    found = SoftLabelsd("label", 4, raters=True)({"label": raters})["label"]
    np.testing.assert_array_equal(found.numpy(), encode(list(raters.numpy()), 4))
    with pytest.raises(ValueError, match=r"0.5 at voxel"):
        SoftLabelsd("label", 4)({"label": labels.float() + 0.5})
