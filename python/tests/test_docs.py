"""The examples of the docstrings."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["soft_labels", "soft_labels.torch", "soft_labels.monai", "soft_labels.dask"])
def test_examples_of_docstrings(name):
    pytest.importorskip(name.removeprefix("soft_labels.").replace("soft_labels", "numpy"))
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 2 and found.failed == 0
