//! Arrays to Zarr, chunk by chunk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{ArrayD, ArrayRef, ArrayViewD, Dimension};
use serde_json::{Map, Value};
use zarrs::array::{Array, CodecOptions, Element as ZarrElement};
use zarrs::filesystem::FilesystemStore;

use super::layout::Layout;
use super::ome_writer;
use super::ours::MADE_BY;
use super::reader::{CLASS, SPACING};
use crate::elements::{Element, ElementType, Values, each_value};
use crate::error::{Error, Fault};
use crate::geometry::ome::{Ome, Version};
use crate::geometry::{Axes, Geometry};

/// An array that is written chunk by chunk: version 3, or 2 in OME-Zarr 0.4, and chunks compressed by zstd. Threads may write
/// different chunks at the same time.
///
/// ```
/// use ndarray::{Array2, ArrayD};
/// use soft_labels_files::ElementType;
/// use soft_labels_files::zarr::ArrayWriter;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("soft.zarr");
/// // Two classes, 100 x 100 pixels in chunks of 64 x 64.
/// let writer = ArrayWriter::create(&path, &[2, 100, 100], &[2, 64, 64], ElementType::F32, &["0".into(), "1".into()])?;
/// writer.write(&[0, 1, 1], &ArrayD::from_elem(vec![2, 36, 36], 0.5_f32))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ArrayWriter {
    folder: PathBuf,
    array: Array<FilesystemStore>,
}

/// What the attributes of an array say.
pub(super) struct About<'a> {
    /// Names of the classes, or none.
    pub(super) labels: &'a [String],
    pub(super) geometry: &'a Geometry,
    /// Whether the first axis has the classes.
    pub(super) soft: bool,
}

impl About<'_> {
    /// The image of OME-Zarr that an array of so many axes is written as, in a group.
    fn ome(&self, axes: usize) -> Option<&Ome> {
        let ome = self.geometry.ome()?;
        (ome.axes.len() + usize::from(self.soft) == axes).then_some(ome)
    }

    /// The names of so many axes, or none.
    fn names(&self, axes: usize) -> Vec<String> {
        if let Some(ome) = self.ome(axes) {
            return ome_writer::names(ome, self.soft);
        }
        let spatial = axes.saturating_sub(usize::from(self.soft));
        let space: &[&str] = match (self.geometry.axes(), spatial) {
            (Axes::Dhw, 2) => &["y", "x"],
            (Axes::Dhw, 3) => &["z", "y", "x"],
            (Axes::Xyz, 2) => &["x", "y"],
            (Axes::Xyz, 3) => &["x", "y", "z"],
            _ => return Vec::new(),
        };
        let class = self.soft.then_some(CLASS);
        class.iter().chain(space).map(ToString::to_string).collect()
    }

    fn attributes(&self, names: &[String], element_type: ElementType) -> Map<String, Value> {
        let mut attributes = Map::new();
        if !names.is_empty() {
            attributes.insert("axes".into(), names.into());
        }
        if !self.labels.is_empty() {
            attributes.insert("labels".into(), self.labels.into());
        }
        if self.soft && element_type == ElementType::U8 {
            attributes.insert("scale_factor".into(), (1.0 / 255.0).into());
        }
        if let Some(spacing) = self.geometry.spacing_mm() {
            attributes.insert(SPACING.into(), spacing.into());
        }
        attributes.insert(MADE_BY.into(), env!("CARGO_PKG_VERSION").into());
        attributes
    }
}

impl ArrayWriter {
    /// Makes an array in a folder, or opens it if the same array is there. `labels` names the classes in the attributes, or
    /// is empty.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written, or a chunk has another number of axes than the array or none along one.
    pub fn create(
        path: &Path,
        shape: &[usize],
        chunk: &[usize],
        element_type: ElementType,
        labels: &[String],
    ) -> Result<Self, Error> {
        Self::create_at(path, shape, chunk, element_type, labels, &Geometry::unknown())
    }

    /// The same with the geometry of the label map. Of soft labels, which have classes, the attributes say the order of axes,
    /// the voxel spacing in millimetres where it is known, and of 255ths the factor, as xarray reads it.
    ///
    /// If the geometry is that of an image of OME-Zarr, so is the result: a group of the same version, with the channels as
    /// the first axis, and the array in it.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    pub fn create_at(
        path: &Path,
        shape: &[usize],
        chunk: &[usize],
        element_type: ElementType,
        labels: &[String],
        geometry: &Geometry,
    ) -> Result<Self, Error> {
        let about = About {
            labels,
            geometry,
            soft: !labels.is_empty(),
        };
        Self::create_unnamed(path, shape, chunk, element_type, &about).map_err(|fault| fault.at(path))
    }

    pub(super) fn create_unnamed(
        path: &Path,
        shape: &[usize],
        chunk: &[usize],
        element_type: ElementType,
        about: &About<'_>,
    ) -> Result<Self, Fault> {
        let ome = about.ome(shape.len());
        if let Some(ome) = ome {
            ome_writer::write(path, ome, about.soft)?;
        }
        let names = about.names(shape.len());
        let layout = Layout {
            shape,
            chunk,
            element_type,
            attributes: about.attributes(&names, element_type),
            names,
        };
        let metadata = match ome {
            Some(ome) if ome.version == Version::V04 => layout.version_2()?,
            _ => layout.version_3()?,
        };
        let node = ome.map_or_else(|| "/".to_owned(), |_| format!("/{}", ome_writer::ARRAY));
        let store = Arc::new(FilesystemStore::new(path).map_err(failed)?);
        let array = Array::new_with_metadata(store, &node, metadata).map_err(failed)?;
        array.store_metadata().map_err(failed)?;
        Ok(Self {
            folder: path.to_path_buf(),
            array,
        })
    }

    /// Writes the chunk with this index along each axis. Chunks at the end of an axis may be given without what lies beyond
    /// the array; they are filled up with zeros.
    ///
    /// # Errors
    ///
    /// If the array has no such chunk or other elements, or if the disk fails.
    pub fn write<T: Element, D: Dimension>(&self, chunk: &[u64], values: &ArrayRef<T, D>) -> Result<(), Error> {
        let values = T::values(values.view().into_dyn());
        self.write_values(chunk, &values)
            .map_err(|fault| fault.at(&self.folder))
    }

    fn write_values(&self, chunk: &[u64], values: &Values<'_>) -> Result<(), Fault> {
        each_value!(values, array => self.store(chunk, array))
    }

    pub(super) fn store<T: ZarrElement + Copy + Default>(
        &self,
        chunk: &[u64],
        values: &ArrayViewD<'_, T>,
    ) -> Result<(), Fault> {
        let full = self.array.chunk_shape(chunk).map_err(failed)?;
        let full: Vec<_> = full.iter().map(|len| len.get() as usize).collect();
        if values.ndim() != full.len() || values.shape().iter().zip(&full).any(|(len, full)| len > full) {
            return Err(Fault::content(format!(
                "has chunks of shape {full:?}, in which {:?} values do not fit",
                values.shape()
            )));
        }
        let begins = chunk.iter().zip(&full).map(|(&at, &len)| at.saturating_mul(len as u64));
        if begins.zip(self.array.shape()).any(|(begin, &len)| begin >= len) {
            let shape = self.array.shape();
            return Err(Fault::content(format!(
                "has shape {shape:?} in chunks of {full:?}, so no chunk {chunk:?}"
            )));
        }
        let mut padded = ArrayD::from_elem(full, T::default());
        padded
            .slice_each_axis_mut(|axis| (0..values.len_of(axis.axis)).into())
            .assign(values);
        // Chunks are what runs in parallel.
        let options = CodecOptions::default().with_concurrent_target(1);
        self.array.store_chunk_opt(chunk, padded, &options).map_err(failed)
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::format(format!("cannot be written as Zarr ({error})"))
}
