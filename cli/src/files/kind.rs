//! File formats by name.

use std::ffi::OsString;
use std::path::Path;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Npy,
    Nifti,
    Png,
    Tiff,
    #[cfg(feature = "zarr")]
    Zarr,
}

/// Endings of names, in small letters.
const ENDINGS: &[(&str, Kind)] = &[
    (".npy", Kind::Npy),
    (".nii.gz", Kind::Nifti),
    (".nii", Kind::Nifti),
    (".png", Kind::Png),
    (".tif", Kind::Tiff),
    (".tiff", Kind::Tiff),
    #[cfg(feature = "zarr")]
    (".zarr", Kind::Zarr),
];

pub(crate) const READ: &str = if cfg!(feature = "zarr") {
    ".npy, .nii, .nii.gz, .png, .tif or .zarr"
} else {
    ".npy, .nii, .nii.gz, .png or .tif"
};

impl Kind {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        split(path).map(|(_, kind)| kind)
    }
}

/// Whether a folder is a Zarr array, whatever it is called.
#[cfg(feature = "zarr")]
pub(crate) fn is_array(path: &Path) -> bool {
    crate::zarr::is_array(path)
}

#[cfg(not(feature = "zarr"))]
pub(crate) fn is_array(_: &Path) -> bool {
    false
}

/// What a case is called, which is the file's name without its ending, and the format.
pub(crate) fn split(path: &Path) -> Option<(OsString, Kind)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    #[cfg(feature = "zarr")]
    if !name.ends_with(".zarr") && is_array(path) {
        return Some((path.file_name()?.to_owned(), Kind::Zarr));
    }
    let &(ending, kind) = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending))?;
    let mut stem = path.to_path_buf();
    for _ in ending.matches('.') {
        stem = stem.file_stem()?.into();
    }
    Some((stem.into_os_string(), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_a_name_without_its_ending() {
        let of = |name: &str| split(Path::new(name)).map(|(stem, kind)| (stem.into_string().unwrap(), kind));
        assert_eq!(of("a/b.c_001.NII.GZ"), Some(("b.c_001".into(), Kind::Nifti)));
        assert_eq!(of("x.nii"), Some(("x".into(), Kind::Nifti)));
        assert_eq!(of("case.1.npy"), Some(("case.1".into(), Kind::Npy)));
        assert_eq!(of("dataset.json"), None);
        assert_eq!(of("nii.gz"), None);
    }
}
