//! A method and its settings.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use soft_labels::{Channels, SoftEncoder, SvlsKernel};

use super::{Classes, channels, dumped, fields, hash, made, maker, of_json};
use crate::error::{in_range, value};

/// A method and its settings: one-hot labels, label smoothing or SVLS.
///
/// One object is for label maps of 2 and of 3 axes, unless a setting is a list. Every setting can be read under its name and is
/// None where the method has none; `radius` is a method, since how far an encoding reaches depends on the number of axes. An
/// encoding compares, hashes and pickles, and cannot be changed.
///
/// Parameters
/// ----------
/// method : {"svls", "one_hot", "label_smoothing", "label_smoothing_over_others"}
///     Uniform label smoothing gives each class alpha / C, as in the paper; over the others it gives alpha / (C - 1) to each
///     other class.
/// sigma : float or list of float
///     Of SVLS, in voxels, one for all axes or one for each. By default 1.
/// sigma_mm, spacing_mm : float or list of float
///     Of SVLS, instead of `sigma`: the same in millimetres, and the size of a voxel.
/// radius : int or list of int
///     Of SVLS, how many voxels the kernel reaches along each axis. By default 1, whatever sigma is.
/// truncate : float
///     Of SVLS, instead of `radius`: the radius in sigmas, rounded up.
/// strength : float
///     Of SVLS, above 0 and at most 1: how much of SVLS is mixed with one-hot labels. By default 1, which is the paper's.
/// alpha : float
///     Of label smoothing, from 0 to 1. It has to be given.
/// channels : dict or matrix
///     What the first axis is, if it is not the classes, as for `encode`.
///
/// Raises
/// ------
/// ValueError
///     If a setting is unknown, out of range or that of another method, or two settings exclude one another.
/// TypeError
///     If a setting is no number or list of numbers.
///
/// Examples
/// --------
/// >>> from soft_labels import Encoding
/// >>> Encoding("svls", sigma=1.5, truncate=3).radius(3)
/// [5, 5, 5]
/// >>> Encoding("svls", radius=[1, 2, 2], strength=0.5)
/// Encoding('svls', radius=[1, 2, 2], strength=0.5)
/// >>> Encoding("svls", sigma_mm=1.0, spacing_mm=[3.0, 1.0, 1.0]).spacing_mm
/// [3.0, 1.0, 1.0]
/// >>> Encoding("label_smoothing", alpha=0.1).alpha
/// 0.1
#[expect(clippy::doc_markdown, reason = "Python shows it, and lists parameters so")]
#[pyclass(frozen, eq, module = "soft_labels", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Encoding(pub(crate) soft_labels::Encoding);

#[pymethods]
impl Encoding {
    #[new]
    #[pyo3(
        signature = (method="svls", **settings),
        text_signature = "(method='svls', *, sigma=None, sigma_mm=None, spacing_mm=None, radius=None, truncate=None, \
                          strength=None, alpha=None, channels=None)"
    )]
    fn new(py: Python<'_>, method: &str, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let fields = settings.map_or_else(|| Ok(PyDict::new(py)), |settings| settings.copy())?;
        fields.set_item("method", method)?;
        if let Some(given) = fields.get_item("channels")?
            && !given.is_none()
        {
            fields.set_item("channels", channels(given)?)?;
        }
        Self::parse(&dumped(&fields)?)
    }

    /// The name of the method.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "method")
    }

    /// Of SVLS: sigma in voxels, one number or one for each axis; None where it is given in millimetres.
    #[getter]
    fn sigma<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "sigma")
    }

    /// Of SVLS: sigma in millimetres, if it is given so.
    #[getter]
    fn sigma_mm<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "sigma_mm")
    }

    /// Of SVLS: the size of a voxel, if sigma is given in millimetres.
    #[getter]
    fn spacing_mm<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "spacing_mm")
    }

    /// Of SVLS: the radius in sigmas, if it is given so.
    #[getter]
    fn truncate<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "truncate")
    }

    /// Of SVLS: how much of it is mixed with one-hot labels.
    #[getter]
    fn strength<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "strength")
    }

    /// Of label smoothing: the probability that is spread.
    #[getter]
    fn alpha<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "alpha")
    }

    /// What the first axis is as a dict, or None if it is the classes.
    #[getter]
    fn channels<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.setting(py, "channels")
    }

    /// All settings as a dict, those that were left out included: ``Encoding(**encoding.settings)`` is the same encoding.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let settings = fields(py, &self.to_json()?)?;
        if let soft_labels::Encoding::Svls(svls) = self.without_channels() {
            // JSON leaves out what the paper has.
            let paper = SvlsKernel::default();
            if !settings.contains("sigma_mm")? && !settings.contains("sigma")? {
                settings.set_item("sigma", paper.sigma(2).map_err(value)?.first())?;
            }
            if !settings.contains("truncate")? && !settings.contains("radius")? {
                settings.set_item("radius", paper.radius(2).map_err(value)?.first())?;
            }
            settings.set_item("strength", svls.kernel().strength())?;
        }
        Ok(settings)
    }

    /// The JSON form, which the command and the Rust library read, too.
    ///
    /// Returns
    /// -------
    /// str
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Encoding
    /// >>> Encoding("svls", sigma=1.5).to_json()
    /// '{"method":"svls","sigma":1.5}'
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }

    /// An encoding of its JSON form.
    ///
    /// Parameters
    /// ----------
    /// text : str
    ///
    /// Returns
    /// -------
    /// Encoding
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the text is no such JSON.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Encoding
    /// >>> Encoding.from_json('{"method": "svls", "sigma": 1.5}')
    /// Encoding('svls', sigma=1.5)
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        Self::parse(text)
    }

    /// The same encoding with channels that are not the classes.
    ///
    /// Parameters
    /// ----------
    /// channels : dict, matrix or str
    ///     As for `encode`, or their JSON form.
    ///
    /// Returns
    /// -------
    /// Encoding
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the encoding has channels already, or these are none.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Encoding
    /// >>> Encoding().with_channels({"regions": [[1, 2], [2]]})
    /// Encoding('svls', channels={'regions': [[1, 2], [2]]})
    #[pyo3(signature = (channels))]
    fn with_channels(&self, channels: Bound<'_, PyAny>) -> PyResult<Self> {
        let text = match channels.cast::<PyString>() {
            Ok(text) => text.extract()?,
            Err(_) => dumped(&super::channels(channels)?)?,
        };
        self.with(serde_json::from_str(&text).map_err(of_json)?)
    }

    /// How many channels the soft labels of some classes have: the length of their first axis.
    ///
    /// Parameters
    /// ----------
    /// classes : Classes
    ///
    /// Returns
    /// -------
    /// int
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the channels are not for these classes.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Classes, Encoding
    /// >>> Encoding(channels={"regions": [[1, 2], [2]]}).channel_count(Classes(3))
    /// 2
    fn channel_count(&self, classes: &Classes) -> PyResult<usize> {
        self.0.channel_count(&classes.0).map_err(value)
    }

    /// Whether the channels of a voxel sum to 1. Those of regions and structures do not.
    ///
    /// Parameters
    /// ----------
    /// classes : Classes
    ///
    /// Returns
    /// -------
    /// bool
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the channels are not for these classes.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Classes, Encoding
    /// >>> Encoding().is_distribution(Classes(3))
    /// True
    fn is_distribution(&self, classes: &Classes) -> PyResult<bool> {
        self.0.is_distribution(&classes.0).map_err(value)
    }

    /// How far the method reaches along each axis of a label map, in voxels.
    ///
    /// A block of a larger map needs so many more voxels around it to have the soft labels of the whole. The setting itself is
    /// ``settings["radius"]``.
    ///
    /// Parameters
    /// ----------
    /// axes : int
    ///     How many axes label maps have, 2 or 3.
    ///
    /// Returns
    /// -------
    /// list of int
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If label maps cannot have so many axes, or a setting is a list of another length.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Encoding
    /// >>> Encoding("svls", sigma_mm=2, spacing_mm=[4, 1, 0.8], truncate=2).radius(3)
    /// [1, 4, 5]
    fn radius(&self, axes: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        self.0.radius(in_range(axes.extract(), axes)?).map_err(value)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        made("Encoding", &fields(py, &self.to_json()?)?, "method")
    }

    fn __hash__(&self) -> PyResult<u64> {
        Ok(hash(&self.to_json()?))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((maker(slf.py(), "encoding")?, (slf.get().to_json()?,)))
    }
}

impl Encoding {
    /// This encoding with channels, if it has none.
    pub(crate) fn with(&self, channels: Channels) -> PyResult<Self> {
        if matches!(self.0, soft_labels::Encoding::WithChannels(_)) {
            return Err(value("the method has channels already; give them once"));
        }
        Ok(Self(self.0.clone().with_channels(channels).into()))
    }

    /// The encoding of the classes, whatever the channels are.
    pub(crate) fn without_channels(&self) -> &soft_labels::Encoding {
        match &self.0 {
            soft_labels::Encoding::WithChannels(encoder) => encoder.encoder(),
            encoding => encoding,
        }
    }

    fn setting<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.settings(py)?.get_item(name)
    }

    fn parse(text: &str) -> PyResult<Self> {
        let parsed: serde_json::Result<soft_labels::Encoding> = serde_json::from_str(text);
        parsed.map(Self).map_err(of_json)
    }
}
