//! Overlapping structures, a mask at a time.

use ndarray::IxDyn;
use numpy::{IntoPyArray, PyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use soft_labels::structures::StructuresBuilder;

use crate::arrays::{each_label, read};
use crate::error::value;
use crate::objects::{Classes, Encoding};
use crate::threads;

/// Builds the label map of patterns.
#[pyclass(module = "soft_labels")]
pub(crate) struct Structures(Option<StructuresBuilder<IxDyn>>);

#[pymethods]
impl Structures {
    #[new]
    fn new() -> Self {
        Self(Some(StructuresBuilder::new()))
    }

    /// Adds the next mask.
    fn add(&mut self, py: Python<'_>, mask: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
        let builder = self.0.as_mut().ok_or_else(|| value("these structures are built"))?;
        each_label!(mask.dtype(), L => {
            let read = read::<L>(mask)?;
            let view = read.as_array();
            threads::run(py, || builder.add(&view))?.map_err(value)
        })
    }

    /// The label map of patterns, its classes, and the encoding with the channels.
    fn build<'py>(
        &mut self,
        py: Python<'py>,
        encoding: &Bound<'py, Encoding>,
    ) -> PyResult<(Bound<'py, PyArrayDyn<u16>>, Classes, Encoding)> {
        let builder = self.0.take().ok_or_else(|| value("these structures are built"))?;
        let structures = threads::run(py, || builder.build())?.map_err(value)?;
        let encoding = encoding.get().with(structures.channels())?;
        let classes = Classes(structures.classes().clone());
        Ok((structures.into_patterns().into_pyarray(py), classes, encoding))
    }
}
