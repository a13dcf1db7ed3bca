"""Runs the blocks of training.md whose libraries are installed."""

import ast
import importlib.util
import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

PAGE = next((folder / "training.md" for folder in Path(__file__).parents if (folder / "training.md").exists()), None)


def blocks():
    """The block of each section, with its title."""
    sections = re.split(r"^##? ", PAGE.read_text() if PAGE else "", flags=re.M)
    for section in sections:
        for block in re.findall(r"^```python\n(.*?)^```", section, re.M | re.S):
            yield section.splitlines()[0], block


BLOCKS = dict(blocks())


def libraries(block):
    """What a block imports, and what it needs beside that."""
    found = {"ignite"} if "SupervisedTrainer" in block else set()
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return {name.split(".")[0] for name in found}


def run(title, folder):
    """Runs a block with what the page takes as given."""
    block = BLOCKS[title]
    # Keras without TensorFlow.
    os.environ["KERAS_BACKEND"] = "jax" if importlib.util.find_spec("jax") else "torch"
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    maps = [(np.indices((20, 18, 16)).sum(0) // 9 % 4 + at).astype(np.uint8) % 4 for at in range(4)]
    images = [(one + random.normal(0, 0.3, one.shape)).astype(np.float32) for one in maps]
    given = {
        "cases": [
            {"image": torch.from_numpy(image[None]), "label": torch.from_numpy(labels[None])}
            for image, labels in zip(images, maps)
        ],
        "slices": [(image[0, ..., None], labels[0]) for image, labels in zip(images, maps)],
        "network": torch.nn.Conv3d(1, 4, 3, padding=1),
        "network_2d": torch.nn.Conv2d(1, 4, 3, padding=1),
        "folder": folder,
        # Classes that are defined in a block have a module.
        "__name__": "training_page",
    }
    given["optimizer"] = torch.optim.SGD(given["network"].parameters(), 0.1)
    given["loader"] = [
        (torch.from_numpy(image[None, None]), torch.from_numpy(labels[None])) for image, labels in zip(images, maps)
    ]
    exec(compile(block, f"training.md, {title}", "exec"), given)
    value = given.get("value", 0.0)
    assert np.isfinite(float(value.detach() if isinstance(value, torch.Tensor) else value))
    # A network that the page takes as given was trained.
    for network in ("network", "network_2d"):
        if re.search(rf"(?<!\.)\b{network}\(|network={network}\b", block):
            assert any(one.grad is not None and one.grad.any() for one in given[network].parameters())


@pytest.fixture(scope="module")
def process():
    """A process of its own: JAX has threads, after which no process may be forked."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.skipif(PAGE is None, reason="the page is not beside the tests")
@pytest.mark.parametrize("title", BLOCKS)
def test_blocks(title, process, tmp_path):
    missing = sorted(one for one in libraries(BLOCKS[title]) if importlib.util.find_spec(one) is None)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    process.submit(run, title, tmp_path).result()


@pytest.mark.skipif(PAGE is None, reason="the page is not beside the tests")
def test_the_page_is_read():
    assert len(BLOCKS) == 8 and all(map(libraries, BLOCKS.values()))
