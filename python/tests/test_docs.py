"""The help: its examples, and that everything public has what is needed to call it."""

import ast
import doctest
import importlib
import inspect
import pathlib

import pytest

import soft_labels
from soft_labels import _native, fuse, metrics


@pytest.mark.parametrize(
    "name",
    [
        "soft_labels",
        "soft_labels.fuse",
        "soft_labels.metrics",
        "soft_labels.torch",
        "soft_labels.monai",
        "soft_labels.dask",
    ],
)
def test_examples_of_docstrings(name):
    library = name.removeprefix("soft_labels.")
    if library in ("torch", "monai", "dask"):
        pytest.importorskip(library)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 1 and found.failed == 0


def public():
    """Functions, classes and methods, each by the name under which it is met."""
    for module in (soft_labels, fuse, metrics):
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.ismodule(found) or isinstance(found, str):
                continue
            yield f"{module.__name__}.{name}", found
            if inspect.isclass(found):
                for member, value in inspect.getmembers(found):
                    if not member.startswith("_") and callable(value):
                        yield f"{module.__name__}.{name}.{member}", value


PUBLIC = dict(public())


@pytest.mark.parametrize("name", PUBLIC)
def test_help_has_parameters_errors_and_an_example(name):
    found = PUBLIC[name]
    text = inspect.getdoc(found)
    assert text and text.splitlines()[0].endswith("."), text
    test = doctest.DocTestFinder(recurse=False).find(found, name, module=False, globs={})
    runner = doctest.DocTestRunner()
    for example in test:
        runner.run(example)
    done = runner.summarize(verbose=False)
    assert done.attempted > 0 and done.failed == 0
    parameters = [one for one in inspect.signature(found).parameters if one != "self"]
    is_result = inspect.isclass(found) and "Attributes\n----------" in text
    if parameters and not is_result:
        assert "Parameters\n----------" in text and "Raises\n------" in text
        section = text.split("Parameters\n----------\n")[1].split("\n\n")[0]
        named = [one for line in section.splitlines() if line[0] != " " for one in line.split(" :")[0].split(", ")]
        assert sorted(named) == sorted(parameters)


def test_stubs_say_what_the_native_code_says():
    tree = ast.parse((pathlib.Path(soft_labels.__file__).parent / "_native.pyi").read_text())

    def members(body, at):
        for node in body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("__"):
                assert hasattr(at, node.name), node.name
                yield node, getattr(at, node.name)
                if isinstance(node, ast.ClassDef):
                    yield from members(node.body, getattr(at, node.name))

    count = 0
    for node, found in members(tree.body, _native):
        text = ast.get_docstring(node)
        if text is not None:
            assert text.splitlines()[0] == inspect.getdoc(found).splitlines()[0], node.name
            count += 1
    assert count > 30
    for name, found in inspect.getmembers(_native):
        if inspect.isclass(found) or inspect.isbuiltin(found):
            assert any(getattr(node, "name", None) == name for node in tree.body), name


def test_the_package_names_what_it_holds():
    for name in soft_labels.__all__:
        assert name.startswith("__") or f"`{name}`" in soft_labels.__doc__, name
    for name in fuse.__all__:
        assert hasattr(fuse, name)
        assert name[0].isupper() or f"`fuse.{name}`" in soft_labels.__doc__, name
