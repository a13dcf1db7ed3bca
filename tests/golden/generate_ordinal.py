"""Writes dlordinal.rs: the rows of dlordinal's matrices for ordered classes.

dlordinal 2.7.0 with SciPy 1.17.1 and NumPy 2.4.6. The package itself imports torch; the two files with the numbers do not.

    pip install numpy scipy && pip install --no-deps dlordinal==2.7.0
    python tests/golden/generate_ordinal.py
"""

import importlib.util
import pathlib

here = pathlib.Path(__file__).parent
package = pathlib.Path(importlib.util.find_spec("dlordinal").submodule_search_locations[0])


def function(file, name):
    spec = importlib.util.spec_from_file_location(file, package / "soft_labelling" / f"{file}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


exponential = function("exponential_distribution", "get_exponential_soft_labels")
binomial = function("binomial_distribution", "get_binomial_soft_labels")
matrices = [exponential(5, p=1.0, tau=1.0), exponential(4, p=2.0, tau=0.5), binomial(5)]
rows = [f"    vec![{', '.join(repr(float(entry)) for entry in matrix.ravel())}],\n" for matrix in matrices]
(here / "dlordinal.rs").write_text(f"[\n{''.join(rows)}]\n")
