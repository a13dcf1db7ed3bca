"""The examples of what `soft_labels.torch` and `soft_labels.nnunet` take from other modules."""

import doctest
import importlib

import pytest

pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["torch", "nnunet"])
def test_examples(name):
    pytest.importorskip({"nnunet": "nnunetv2"}.get(name, name))
    module = importlib.import_module(f"soft_labels.{name}")
    runner, finder = doctest.DocTestRunner(), doctest.DocTestFinder(recurse=False)
    for public in module.__all__:
        found = getattr(module, public)
        assert found.__doc__ and "{" not in found.__doc__.splitlines()[0]
        for test in finder.find(found, public, module=False, globs=vars(module).copy()):
            runner.run(test)
    assert runner.tries > 3 and runner.failures == 0
