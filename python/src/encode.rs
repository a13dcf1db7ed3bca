//! Soft labels of label maps.

use std::ops::Range;

use ndarray::{ArrayD, ArrayView, ArrayViewD, IxDyn};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArrayDescr, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn,
    PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Label, PerAxis, Raters, SoftEncoder, SoftFloat, Window, quantize};

use crate::arrays::{each_float, each_label, first, read, read_all, typed, views};
use crate::error::value;
use crate::objects::{Classes, Encoding};
use crate::{slabs, threads};

/// What is encoded, and how.
struct Request<'a> {
    classes: &'a soft_labels::Classes,
    encoding: &'a soft_labels::Encoding,
    window: Option<Vec<Range<usize>>>,
    weights: Option<Vec<f64>>,
}

impl Request<'_> {
    fn raters<'a, L: Label>(&self, maps: &[ArrayView<'a, L, IxDyn>]) -> soft_labels::Result<Raters<'a, L, IxDyn>> {
        match &self.weights {
            Some(weights) => Raters::weighted(maps, weights),
            None => Raters::new(maps),
        }
    }

    fn window<L: Label>(&self, raters: &Raters<'_, L, IxDyn>) -> soft_labels::Result<Window> {
        match &self.window {
            Some(ranges) => Window::new(raters.shape(), ranges),
            None => Ok(Window::whole(raters.shape())),
        }
    }

    /// The shape of the result.
    fn soft_shape(&self, window: &Window) -> PyResult<Vec<usize>> {
        let channels = self.encoding.channel_count(self.classes).map_err(value)?;
        Ok(window.soft_shape(channels))
    }

    /// How far the encoding reaches along each axis.
    fn radius<L: Label>(&self, raters: &Raters<'_, L, IxDyn>) -> PyResult<Vec<usize>> {
        self.encoding.radius(raters.shape().len()).map_err(value)
    }

    /// How many labels and probabilities are read and written, at most.
    fn values<L: Label>(&self, maps: &[ArrayViewD<'_, L>]) -> usize {
        let labels = maps.iter().map(ArrayView::len).fold(0, usize::saturating_add);
        // The number of channels is told where they do not fit.
        let channels = self.encoding.channel_count(self.classes).unwrap_or(0);
        labels.saturating_mul(channels + 1)
    }
}

/// Soft labels (C, ..) of the mean of raters. Label maps are of one type, in native byte order. The result is new, or `out`.
#[pyfunction]
#[pyo3(signature = (maps, classes, encoding, dtype, window, weights, out))]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python function")]
pub(crate) fn encode<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
    encoding: &Bound<'py, Encoding>,
    dtype: &Bound<'py, PyArrayDescr>,
    window: Option<Vec<(usize, usize)>>,
    weights: Option<Vec<f64>>,
    out: Option<Bound<'py, PyUntypedArray>>,
) -> PyResult<Bound<'py, PyAny>> {
    let request = Request {
        classes: &classes.get().0,
        encoding: &encoding.get().0,
        window: window.map(|window| window.into_iter().map(|(start, end)| start..end).collect()),
        weights,
    };
    let bytes = dtype.is_equiv_to(&numpy::dtype::<u8>(py));
    each_label!(first(&maps)?.dtype(), L => {
        if bytes {
            return encode_bytes::<L>(py, &maps, &request, dtype, out);
        }
        each_float!(dtype.clone(), F => encode_floats::<L, F>(py, &maps, &request, dtype, out))
    })
}

static ZEROS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Imports what is used here, and NumPy's functions for C.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    ZEROS.import(py, "numpy", "zeros")?;
    let _array = PyArray1::<u8>::zeros(py, 1, false);
    Ok(())
}

/// Zeros for a result. NumPy asks for large pages, so they are several times as fast to write to as memory of Rust's allocator.
pub(crate) fn zeros<'py>(dtype: &Bound<'py, PyArrayDescr>, shape: &[usize]) -> PyResult<Bound<'py, PyUntypedArray>> {
    let py = dtype.py();
    let zeros = ZEROS
        .import(py, "numpy", "zeros")?
        .call1((PyTuple::new(py, shape)?, dtype));
    let too_large = || soft_labels::Error::TooLarge { shape: shape.to_vec() };
    let zeros = zeros.map_err(|_| value(too_large()))?;
    Ok(zeros.cast_into()?)
}

fn encode_floats<'py, L: Label + Element, F: SoftFloat + Element>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    request: &Request<'_>,
    dtype: &Bound<'py, PyArrayDescr>,
    out: Option<Bound<'py, PyUntypedArray>>,
) -> PyResult<Bound<'py, PyAny>> {
    let read = read_all::<L>(maps)?;
    let views = views(&read);
    let raters = request.raters(&views).map_err(value)?;
    let window = request.window(&raters).map_err(value)?;
    let out = out.map_or_else(|| zeros(dtype, &request.soft_shape(&window)?), Ok)?;
    let mut write = typed::<F>(&out)?.try_readwrite().map_err(value)?;
    let mut target = write.as_array_mut();
    slabs::run(
        py,
        &request.radius(&raters)?,
        window.ranges(),
        &mut target,
        |ranges, slab| {
            threads::run_encoder(py, request.values(&views), || {
                let classes = request.classes;
                request
                    .encoding
                    .encode_raters_window_into(&raters, classes, ranges, slab)
            })?
            .map_err(value)
        },
    )?;
    Ok(out.into_any())
}

/// Soft labels in 255ths.
fn encode_bytes<'py, L: Label + Element>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    request: &Request<'_>,
    dtype: &Bound<'py, PyArrayDescr>,
    out: Option<Bound<'py, PyUntypedArray>>,
) -> PyResult<Bound<'py, PyAny>> {
    let read = read_all::<L>(maps)?;
    let views = views(&read);
    let raters = request.raters(&views).map_err(value)?;
    let window = request.window(&raters).map_err(value)?;
    let out = out.map_or_else(|| zeros(dtype, &request.soft_shape(&window)?), Ok)?;
    let mut write = typed::<u8>(&out)?.try_readwrite().map_err(value)?;
    let mut target = write.as_array_mut();
    slabs::run(
        py,
        &request.radius(&raters)?,
        window.ranges(),
        &mut target,
        |ranges, slab| {
            threads::run(py, || {
                quantize::encode_into(request.encoding, &raters, request.classes, ranges, slab)
            })?
            .map_err(value)
        },
    )?;
    Ok(out.into_any())
}

/// The arrays of the sparse form.
#[pyfunction]
pub(crate) fn encode_sparse<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
    encoding: &Bound<'py, Encoding>,
    weights: Option<Vec<f64>>,
) -> PyResult<Bound<'py, PyDict>> {
    let request = Request {
        classes: &classes.get().0,
        encoding: &encoding.get().0,
        window: None,
        weights,
    };
    each_label!(first(&maps)?.dtype(), L => encode_sparse_typed::<L>(py, &maps, &request))
}

fn encode_sparse_typed<'py, L: Label + Element>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    request: &Request<'_>,
) -> PyResult<Bound<'py, PyDict>> {
    let read = read_all::<L>(maps)?;
    let views = views(&read);
    let arrays = threads::run_encoder(py, request.values(&views), || {
        let raters = request.raters(&views).map_err(value)?;
        SparseArrays::of(&sparse::encode_raters(request.encoding, &raters, request.classes).map_err(value)?)
    })??;
    let result = PyDict::new(py);
    result.set_item("class_map", arrays.class_map.into_pyarray(py))?;
    result.set_item("uncertain", arrays.uncertain.into_pyarray(py))?;
    result.set_item("ends", arrays.ends.into_pyarray(py))?;
    result.set_item("pair_class", arrays.pair_class.into_pyarray(py))?;
    result.set_item("pair_probability", arrays.pair_probability.into_pyarray(py))?;
    result.set_item("channel_count", arrays.channel_count)?;
    result.set_item("sums_to_one", arrays.sums_to_one)?;
    Ok(result)
}

/// Sparse soft labels as NumPy takes them. They are copied while other threads of Python run.
struct SparseArrays {
    class_map: ArrayD<u16>,
    uncertain: Vec<i64>,
    ends: Vec<i64>,
    pair_class: Vec<u16>,
    pair_probability: Vec<f32>,
    channel_count: usize,
    sums_to_one: bool,
}

impl SparseArrays {
    fn of(sparse: &SparseLabels<f32, IxDyn>) -> PyResult<Self> {
        let parts = sparse.parts();
        let (certain, uncertain) = (parts.class.len(), parts.uncertain.len());
        let copies = certain
            .saturating_add(uncertain.saturating_mul(16))
            .saturating_add(parts.pair_class.len());
        threads::check_memory(copies.saturating_mul(6))?;
        let wide = |values: &[usize]| values.iter().map(|&value| value as i64).collect();
        let class_map = ArrayViewD::from_shape(sparse.shape(), parts.class).map_err(value)?;
        Ok(Self {
            class_map: class_map.to_owned(),
            uncertain: wide(parts.uncertain),
            ends: wide(parts.ends),
            pair_class: parts.pair_class.to_vec(),
            pair_probability: parts.pair_probability.to_vec(),
            channel_count: sparse.class_count(),
            sums_to_one: sparse.is_distribution(),
        })
    }
}

/// Where at least one rater did not ignore the voxel.
#[pyfunction]
pub(crate) fn valid_mask<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
) -> PyResult<Bound<'py, PyArrayDyn<bool>>> {
    let classes = &classes.get().0;
    each_label!(first(&maps)?.dtype(), L => {
        let read = read_all::<L>(&maps)?;
        let views = views(&read);
        let mask = threads::run(py, || soft_labels::multirater::valid_mask(&views, classes))?;
        Ok(mask.map_err(value)?.into_pyarray(py))
    })
}

/// Soft labels (C, ..) averaged over boxes of voxels, in 255ths if they are given so. Without a mask, those count that are not
/// 0 in all channels.
#[pyfunction]
pub(crate) fn average<'py>(
    py: Python<'py>,
    soft: &Bound<'py, PyUntypedArray>,
    box_size: Vec<usize>,
    valid: Option<PyReadonlyArrayDyn<'py, bool>>,
) -> PyResult<Bound<'py, PyAny>> {
    let valid = valid.as_ref().map(|valid| valid.as_array());
    if soft.dtype().is_equiv_to(&numpy::dtype::<u8>(py)) {
        return average_bytes(soft, &box_size, valid.as_ref());
    }
    each_float!(soft.dtype(), F => {
        let read = read::<F>(soft)?;
        let view = read.as_array();
        let pooled = threads::run_encoder(py, view.len(), || average_of(&view, &box_size, valid.as_ref()))?;
        Ok(pooled.map_err(value)?.into_pyarray(py).into_any())
    })
}

fn average_of<F: SoftFloat>(
    soft: &ArrayViewD<'_, F>,
    box_size: &[usize],
    valid: Option<&ArrayViewD<'_, bool>>,
) -> soft_labels::Result<ArrayD<F>> {
    match valid {
        None => soft_labels::pool::average(soft, PerAxis::from(box_size)),
        Some(valid) => soft_labels::pool::average_memberships(soft, PerAxis::from(box_size), valid),
    }
}

/// The mean of 255ths as 255ths. Where a mask says what counts, channels may be memberships, so each is rounded alone.
fn average_bytes<'py>(
    soft: &Bound<'py, PyUntypedArray>,
    box_size: &[usize],
    valid: Option<&ArrayViewD<'_, bool>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = soft.py();
    let read = read::<u8>(soft)?;
    let view = read.as_array();
    // The probabilities, and at most as many twice after they are averaged.
    threads::check_memory(view.len().saturating_mul(24))?;
    let pooled = threads::run_encoder(py, view.len(), || {
        let probabilities = view.mapv(|n| f64::from(n) / 255.0);
        average_of(&probabilities.view(), box_size, valid)
    })?;
    let pooled = pooled.map_err(value)?;
    let out = zeros(&soft.dtype(), pooled.shape())?;
    let mut write = typed::<u8>(&out)?.try_readwrite().map_err(value)?;
    let mut target = write.as_array_mut();
    let rounded = threads::run_encoder(py, pooled.len(), || match valid {
        None => quantize::soft_into(&pooled, &mut target),
        Some(_) => quantize::each_into(&pooled, &mut target),
    })?;
    rounded.map_err(value)?;
    Ok(out.into_any())
}

/// The weights of SVLS for label maps of so many axes.
#[pyfunction]
pub(crate) fn kernel<'py>(
    py: Python<'py>,
    encoding: &Bound<'py, Encoding>,
    axes: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let soft_labels::Encoding::Svls(svls) = encoding.get().without_channels() else {
        return Err(value("only SVLS has a kernel"));
    };
    threads::check_memory(0)?;
    let weights = svls.kernel().normalized(axes).map_err(value)?;
    Ok(weights.into_pyarray(py).into_any())
}
