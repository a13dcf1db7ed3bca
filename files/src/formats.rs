//! The table of formats. A new format is a file in `formats/` and a row here.

mod detached;
mod gunzip;
mod metaimage;
mod nifti;
mod npy;
mod npz;
pub(crate) mod nrrd;
mod pixels;
mod png;
mod raw;
mod tiff;
#[cfg(feature = "zarr")]
pub mod zarr;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use ndarray::IxDyn;
use soft_labels::sparse::SparseLabels;

use crate::elements::{ElementType, Values};
use crate::error::Fault;
use crate::geometry::{Axes, Geometry};
use crate::numbers::Image;
use crate::probabilities::Prediction;

/// What is known of a format. What it does not do is `None`.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Endings of file names, in small letters.
    pub(crate) endings: &'static [&'static str],
    /// The one of `endings` for files in a folder.
    pub(crate) ending: &'static str,
    /// The order of axes in the file.
    pub(crate) axes: Axes,
    /// The one array in a file: labels or probabilities.
    pub(crate) read: Option<Read>,
    /// Probabilities alone, for formats that have no label maps.
    pub(crate) prediction: Option<ReadPrediction>,
    pub(crate) write_labels: Option<Write>,
    /// The element type of labels that are written, if there is no choice.
    pub(crate) label_type: Option<ElementType>,
    /// Probabilities come with the classes first.
    pub(crate) write_probabilities: Option<Write>,
    pub(crate) write_sparse: Option<WriteSparse>,
    /// Whether a folder is of this format, whatever its name is. Files of such a format are folders.
    pub(crate) is_folder: Option<fn(&Path) -> bool>,
    /// Whether a folder was written by this crate and holds nothing else, so that it may be replaced.
    pub(crate) is_ours: Option<fn(&Path) -> bool>,
}

pub(crate) type Read = fn(&Path) -> Result<Image, Fault>;
/// Of a label map of so many axes, in this order.
pub(crate) type ReadPrediction = fn(&Path, usize, Axes) -> Result<Prediction, Fault>;
pub(crate) type WriteSparse = fn(&Path, &SparseLabels<f32, IxDyn>) -> Result<(), Fault>;

/// Writes a new file. What is in it is moved to its place afterwards.
pub(crate) type Write = fn(&Path, &Values<'_>, &Geometry) -> Result<(), Fault>;

impl Row {
    /// What a row begins with: a format that neither reads nor writes.
    const EMPTY: Self = Self {
        name: "",
        endings: &[],
        ending: "",
        axes: Axes::Dhw,
        read: None,
        prediction: None,
        write_labels: None,
        label_type: None,
        write_probabilities: None,
        write_sparse: None,
        is_folder: None,
        is_ours: None,
    };
}

static TABLE: &[Row] = &[
    Row {
        name: "NumPy",
        endings: &[".npy"],
        ending: ".npy",
        read: Some(npy::read),
        write_labels: Some(npy::write),
        write_probabilities: Some(npy::write),
        ..Row::EMPTY
    },
    Row {
        name: "NIfTI",
        endings: &[".nii", ".nii.gz"],
        ending: ".nii.gz",
        axes: Axes::Xyz,
        read: Some(nifti::read),
        write_labels: Some(nifti::write_labels),
        write_probabilities: Some(nifti::write_probabilities),
        ..Row::EMPTY
    },
    Row {
        name: "NIfTI, header and voxels",
        endings: &[".hdr"],
        ending: ".hdr",
        axes: Axes::Xyz,
        read: Some(nifti::read_pair),
        ..Row::EMPTY
    },
    Row {
        name: "NRRD",
        endings: &[".nrrd"],
        ending: ".nrrd",
        axes: Axes::Xyz,
        read: Some(nrrd::read),
        write_labels: Some(nrrd::write_labels),
        write_probabilities: Some(nrrd::write_probabilities),
        ..Row::EMPTY
    },
    Row {
        name: "NRRD, header and data",
        endings: &[".nhdr"],
        ending: ".nhdr",
        axes: Axes::Xyz,
        read: Some(nrrd::read),
        ..Row::EMPTY
    },
    Row {
        name: "MetaImage",
        endings: &[".mha", ".mhd"],
        ending: ".mha",
        axes: Axes::Xyz,
        read: Some(metaimage::read),
        ..Row::EMPTY
    },
    Row {
        name: "PNG",
        endings: &[".png"],
        ending: ".png",
        read: Some(png::read),
        write_labels: Some(png::write),
        label_type: Some(ElementType::U8),
        ..Row::EMPTY
    },
    Row {
        name: "TIFF",
        endings: &[".tif", ".tiff"],
        ending: ".tif",
        read: Some(tiff::read),
        prediction: Some(tiff::prediction),
        ..Row::EMPTY
    },
    #[cfg(feature = "zarr")]
    Row {
        name: "Zarr",
        endings: &[".zarr"],
        ending: ".zarr",
        read: Some(zarr::read),
        prediction: Some(zarr::prediction),
        write_labels: Some(zarr::write_labels),
        write_probabilities: Some(zarr::write_probabilities),
        is_folder: Some(zarr::is_array),
        is_ours: Some(zarr::is_ours),
        ..Row::EMPTY
    },
    Row {
        name: "NumPy, several arrays",
        endings: &[".npz"],
        ending: ".npz",
        prediction: Some(npz::prediction),
        write_sparse: Some(npz::write_sparse),
        ..Row::EMPTY
    },
];

/// A format of files: NumPy, NIfTI, NRRD, MetaImage, PNG, TIFF, and Zarr with feature `zarr`.
///
/// ```
/// use std::path::Path;
///
/// use soft_labels_files::{Axes, Format};
///
/// let (case, format) = Format::split(Path::new("labels/case_7.nii.gz")).unwrap();
/// assert_eq!(case, "case_7");
/// assert_eq!(format.name(), "NIfTI");
/// assert_eq!(format.axes(), Axes::Xyz);
/// assert!(format.reads_labels() && format.writes_probabilities());
/// ```
#[derive(Clone, Copy)]
pub struct Format(pub(crate) &'static Row);

impl Format {
    /// All formats of this build.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// The format that a file's name tells. A folder that is a Zarr array is Zarr, whatever it is called.
    pub fn of(path: &Path) -> Option<Self> {
        Self::split(path).map(|(_, format)| format)
    }

    /// The format that a name tells by its ending, in small or capital letters.
    pub fn of_name(path: &Path) -> Option<Self> {
        Some(ending(path)?.1)
    }

    /// What a case is called, which is the file's name without its ending, and the format.
    pub fn split(path: &Path) -> Option<(OsString, Self)> {
        if let Some((ending, format)) = ending(path) {
            let mut stem = path.to_path_buf();
            for _ in ending.matches('.') {
                stem = stem.file_stem()?.into();
            }
            // 3D Slicer ends the names of segmentations so, of whatever case.
            if ending == ".nrrd" && stem.extension().is_some_and(|end| end.eq_ignore_ascii_case("seg")) {
                stem = stem.file_stem()?.into();
            }
            return Some((stem.into_os_string(), format));
        }
        let format = Self::of_folder(path)?;
        Some((path.file_name()?.to_owned(), format))
    }

    /// The format of a folder, by what is in it.
    pub(crate) fn of_folder(path: &Path) -> Option<Self> {
        Self::all().find(|format| format.0.is_folder.is_some_and(|is_folder| is_folder(path)))
    }

    /// Whether a folder was written by this crate and holds nothing else.
    pub(crate) fn wrote_folder(path: &Path) -> bool {
        Self::all().any(|format| format.0.is_ours.is_some_and(|is_ours| is_ours(path)))
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The endings of its files, with their dots.
    pub fn endings(self) -> &'static [&'static str] {
        self.0.endings
    }

    /// The ending for new files, where none is asked for.
    pub fn default_ending(self) -> &'static str {
        self.0.ending
    }

    /// The order of axes in its files. With [`Axes::Xyz`] the first axis is the fastest in memory and in the file, and files
    /// have the classes of probabilities last.
    pub fn axes(self) -> Axes {
        self.0.axes
    }

    /// Whether a file of this format is a folder.
    pub fn is_folder(self) -> bool {
        self.0.is_folder.is_some()
    }

    /// Whether label maps are read.
    pub fn reads_labels(self) -> bool {
        self.0.read.is_some()
    }

    /// Whether predictions are read: label maps or probabilities.
    pub fn reads_predictions(self) -> bool {
        self.0.read.is_some() || self.0.prediction.is_some()
    }

    /// Whether label maps are written.
    pub fn writes_labels(self) -> bool {
        self.0.write_labels.is_some()
    }

    /// Whether probabilities are written.
    pub fn writes_probabilities(self) -> bool {
        self.0.write_probabilities.is_some()
    }

    /// Whether sparse soft labels are written.
    pub fn writes_sparse(self) -> bool {
        self.0.write_sparse.is_some()
    }

    /// The endings of some formats, for help and messages.
    ///
    /// ```
    /// use soft_labels_files::Format;
    ///
    /// assert_eq!(Format::list(Format::writes_sparse), ".npz");
    /// assert!(Format::list(Format::reads_labels).starts_with(".npy, .nii, .nii.gz, .hdr, .nrrd"));
    /// ```
    pub fn list(which: impl Fn(Self) -> bool) -> String {
        let formats = Self::all().filter(|format| which(*format));
        let endings: Vec<_> = formats.flat_map(|format| format.endings()).copied().collect();
        match endings.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => endings.concat(),
        }
    }
}

fn ending(path: &Path) -> Option<(&'static str, Format)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let endings = Format::all().flat_map(|format| format.endings().iter().map(move |&ending| (ending, format)));
    endings.into_iter().find(|(ending, _)| name.ends_with(ending))
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_a_name_without_its_ending() {
        let of = |name: &str| {
            Format::split(Path::new(name)).map(|(stem, format)| (stem.into_string().unwrap(), format.name()))
        };
        assert_eq!(of("a/b.c_001.NII.GZ"), Some(("b.c_001".into(), "NIfTI")));
        assert_eq!(of("x.nii"), Some(("x".into(), "NIfTI")));
        assert_eq!(of("case.1.npy"), Some(("case.1".into(), "NumPy")));
        assert_eq!(of("case_1.seg.nrrd"), Some(("case_1".into(), "NRRD")));
        assert_eq!(of("dataset.json"), None);
        assert_eq!(of("nii.gz"), None);
    }

    #[test]
    fn each_ending_is_of_one_format() {
        let endings: Vec<_> = Format::all().flat_map(|format| format.endings()).collect();
        for (at, ending) in endings.iter().enumerate() {
            assert!(ending.starts_with('.') && **ending == ending.to_lowercase());
            assert!(
                endings[..at]
                    .iter()
                    .all(|other| !ending.ends_with(*other) && !other.ends_with(*ending))
            );
        }
        assert!(Format::all().all(|format| format.endings().contains(&format.default_ending())));
    }
}
