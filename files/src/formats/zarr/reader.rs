//! Parts of label maps from Zarr.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;
use ndarray::{ArrayD, Axis};
use serde_json::Value;
use zarrs::array::chunk_cache::{ChunkCache, ChunkCacheDecodedLruSizeLimit};
use zarrs::array::{Array, ArraySubset, CodecOptions, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableStorageTraits;

use super::group::{self, Level};
use super::limited;
use crate::elements::ElementType;
use crate::error::{Error, Fault};
use crate::geometry::Geometry;
use crate::labels::Labels;
use crate::limits::{TEXT, check_memory, guarded, reserve};
use crate::numbers::{Numbers, whole};

/// Decoded chunks of a label map that are kept: neighbouring blocks share them.
const CACHE: u64 = 96 << 20;

/// The largest chunk that is read. A chunk is decoded as a whole.
pub(super) const CHUNK: u64 = 256 << 20;

/// What describes an array of version 3 and of version 2.
pub(super) const METADATA: [&str; 2] = ["zarr.json", ".zarray"];

/// The attribute with the voxel spacing in millimetres, along the axes of space.
pub(super) const SPACING: &str = "spacing_mm";

/// The name of the axis that has the classes.
pub(super) const CLASS: &str = "class";

/// More chunks take minutes to look for, also where none of them is there.
const MOST_CHUNKS: u64 = 1 << 22;

/// The most bytes that a codec adds to a chunk.
const CODEC: u64 = 4096;

/// Which axes of an image of OME-Zarr are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Those of space.
    Space,
    /// Those of space, and the channels of probabilities.
    Channels,
}

/// A label map of which parts are read. Decoded chunks are kept for a while, because neighbouring parts share them.
///
/// ```
/// use ndarray::Array3;
/// use soft_labels_files::zarr::LabelArray;
/// use soft_labels_files::{Geometry, write_labels};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.zarr");
/// write_labels(&path, &Array3::from_elem([70, 80, 90], 3_u16), &Geometry::unknown())?;
///
/// let array = LabelArray::open(&path)?;
/// assert_eq!(array.shape(), [70, 80, 90]);
/// let part = array.read(&[60..70, 0..8, 0..9])?.cast::<u16>()?;
/// assert_eq!(part.shape(), [10, 8, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LabelArray {
    cache: ChunkCacheDecodedLruSizeLimit,
    /// The folder that was asked for, which may be a group.
    named: PathBuf,
    folder: PathBuf,
    /// Of a chunk when it is decoded.
    chunk_bytes: u64,
    /// Whether chunks are packed by blosc as version 2 has it, whose codec the library does not let us limit.
    is_blosc_2: bool,
    element_type: ElementType,
    /// Without the axes that are left out.
    shape: Vec<usize>,
    /// Axes of length 1 that are no axes of space.
    dropped: Vec<usize>,
    geometry: Geometry,
}

impl std::fmt::Debug for LabelArray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelArray")
            .field("folder", &self.folder)
            .field("element_type", &self.element_type)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl LabelArray {
    /// Opens the array in a folder, or the highest resolution of a group of OME-Zarr.
    ///
    /// # Errors
    ///
    /// If the folder holds no array that is read here, other elements than integers, `bool` or floats, or chunks of more than
    /// 256 MB.
    pub fn open(path: &Path) -> Result<Self, Error> {
        guarded(|| Self::open_unguarded(path, Keep::Space)).map_err(|fault| fault.at(path))
    }

    /// The folder that was opened: the array, or a group of OME-Zarr.
    pub fn path(&self) -> &Path {
        &self.named
    }

    /// Where the voxels are.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Voxels along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the labels in the array.
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// The labels of a window: a range of voxels for each axis.
    ///
    /// # Errors
    ///
    /// If the window does not lie in the array, a chunk is broken, or a float is no whole number.
    pub fn read(&self, window: &[Range<usize>]) -> Result<Labels, Error> {
        guarded(|| self.read_unguarded(window)).map_err(|fault| fault.at(&self.named))
    }

    pub(super) fn open_unguarded(path: &Path, keep: Keep) -> Result<Self, Fault> {
        for name in METADATA {
            // Of pipes and devices there may be no end.
            if let Ok(file) = path.join(name).metadata()
                && (!file.is_file() || file.len() > TEXT)
            {
                return Err(Fault::broken(format!(
                    "has a {name} that is no small file; save it again"
                )));
            }
        }
        let level = group::level(path)?;
        if level.is_none() && group::is_group(path) {
            return Err(Fault::content("is a group without an image; name an array in it"));
        }
        let Some(level) = level else {
            return Self::open_array(path, path, None, keep);
        };
        Self::open_array(path, &level.folder, Some(&level), keep)
    }

    /// Opens an array, without the axes of length 1 that a group says are none of space.
    fn open_array(named: &Path, path: &Path, level: Option<&Level>, keep: Keep) -> Result<Self, Fault> {
        let broken = |error: &dyn std::fmt::Display| {
            Fault::broken(format!("is no Zarr array that is read here ({error}); name an array"))
        };
        let store = FilesystemStore::new(path).map_err(|error| broken(&error))?;
        let store: Arc<dyn ReadableStorageTraits> = Arc::new(store);
        let array = Arc::new(limited::opened(|| Array::open(store, "/")).map_err(|error| broken(&error))?);
        let element_type = element_type(&array)?;
        let metadata = serde_json::to_value(array.metadata()).unwrap_or_default();
        let is_blosc_2 = metadata["compressor"]["id"] == "blosc";
        let shape = array
            .shape()
            .iter()
            .map(|&len| usize::try_from(len).map_err(|_| Fault::too_large("has more voxels than memory has bytes")))
            .collect::<Result<Vec<_>, _>>()?;
        if shape.contains(&0) {
            return Err(Fault::broken("has no voxels"));
        }
        let axes = shape.len();
        if let Some(level) = level.filter(|level| level.axes != axes) {
            return Err(Fault::broken(format!(
                "names {} axes, but its array has {axes}; save it again",
                level.axes
            )));
        }
        let is_kept = |level: &Level, axis: usize| {
            let has_channels = level.is_ours || shape.get(axis).is_some_and(|&len| len > 1);
            keep == Keep::Channels && level.channel == Some(axis) && has_channels
        };
        let dropped = level.map(|level| {
            let dropped = level.dropped.iter().copied();
            dropped.filter(|&axis| !is_kept(level, axis)).collect::<Vec<_>>()
        });
        let dropped = dropped.unwrap_or_default();
        let long = dropped
            .iter()
            .find_map(|&axis| shape.get(axis).filter(|&&len| len != 1));
        if let Some(len) = long {
            return Err(Fault::content(format!(
                "has {len} times or channels, and a label map has one; save one of them in an array of its own"
            )));
        }
        let chunk = array.chunk_shape(&vec![0; axes]).map_err(|error| broken(&error))?;
        let size = array.data_type().fixed_size().unwrap_or(8) as u64;
        let bytes = chunk.iter().try_fold(size, |bytes, len| bytes.checked_mul(len.get()));
        match bytes {
            Some(chunk_bytes) if chunk_bytes <= CHUNK => Ok(Self {
                cache: ChunkCacheDecodedLruSizeLimit::new(array, CACHE),
                named: named.to_path_buf(),
                folder: path.to_path_buf(),
                element_type,
                shape: (0..axes)
                    .filter(|axis| !dropped.contains(axis))
                    .map(|axis| shape[axis])
                    .collect(),
                dropped,
                geometry: match level {
                    Some(level) => level.geometry.clone(),
                    None => geometry(&metadata["attributes"], axes),
                },
                chunk_bytes,
                is_blosc_2,
            }),
            _ => Err(Fault::too_large(format!(
                "has chunks of more than {} MB; save it with smaller ones",
                CHUNK >> 20
            ))),
        }
    }

    fn read_unguarded(&self, window: &[Range<usize>]) -> Result<Labels, Fault> {
        match self.numbers(window)? {
            Numbers::Labels(labels) => Ok(labels),
            Numbers::Floats(values) => Ok(Labels::I64(whole(&values)?)),
        }
    }

    pub(super) fn numbers(&self, window: &[Range<usize>]) -> Result<Numbers, Fault> {
        let within = |(range, len): (&Range<usize>, &usize)| range.start <= range.end && range.end <= *len;
        if window.len() != self.shape.len() || !window.iter().zip(&self.shape).all(within) {
            let shape = &self.shape;
            return Err(Fault::content(format!(
                "has shape {shape:?}, in which there is no {window:?}; give a range within it for each axis"
            )));
        }
        macro_rules! integers {
            ($kind:ty) => {
                Numbers::Labels(Labels::I64(self.part::<$kind, _>(window, i64::from)?))
            };
        }
        macro_rules! floats {
            ($kind:ty) => {
                Numbers::Floats(self.part::<$kind, _>(window, f64::from)?)
            };
        }
        Ok(match self.element_type {
            ElementType::Bool => Numbers::Labels(Labels::U8(self.part::<bool, _>(window, u8::from)?)),
            ElementType::U8 => Numbers::Labels(Labels::U8(self.part::<u8, _>(window, |label| label)?)),
            ElementType::U16 => integers!(u16),
            ElementType::U32 => integers!(u32),
            ElementType::U64 => {
                let mut largest = 0;
                let labels = self.part::<u64, _>(window, |label| {
                    largest = largest.max(label);
                    label as i64
                })?;
                if i64::try_from(largest).is_err() {
                    return Err(Fault::content(format!("has label {largest}; the largest is 2^63 - 1")));
                }
                Numbers::Labels(Labels::I64(labels))
            }
            ElementType::I8 => integers!(i8),
            ElementType::I16 => integers!(i16),
            ElementType::I32 => integers!(i32),
            ElementType::I64 => integers!(i64),
            ElementType::F16 => floats!(f16),
            ElementType::F32 => floats!(f32),
            ElementType::F64 => floats!(f64),
        })
    }

    /// The elements of a window, chunk by chunk: what is allocated for a whole array may fail, and the library's own may not.
    fn part<T: ElementOwned + Copy, W: Copy + Default>(
        &self,
        window: &[Range<usize>],
        mut widen: impl FnMut(T) -> W,
    ) -> Result<ArrayD<W>, Fault> {
        // With the axes that are left out.
        let mut window = window.to_vec();
        for &axis in &self.dropped {
            window.insert(axis.min(window.len()), 0..1);
        }
        let lengths: Vec<_> = window.iter().map(Range::len).collect();
        let len = lengths.iter().try_fold(1_usize, |all, &len| all.checked_mul(len));
        let len = len.ok_or_else(|| Fault::too_large("has more voxels than memory has bytes"))?;
        let mut values = reserve(len)?;
        values.resize(len, W::default());
        let mut values = ArrayD::from_shape_vec(lengths, values)?;
        let spatial = |values: ArrayD<W>| {
            let dropped = self.dropped.iter().rev();
            dropped.fold(values, |values, &axis| values.index_axis_move(Axis(axis), 0))
        };
        if len == 0 {
            return Ok(spatial(values));
        }
        let whole = ArraySubset::new_with_ranges(
            &window
                .iter()
                .map(|range| range.start as u64..range.end as u64)
                .collect::<Vec<_>>(),
        );
        let unread = |error: &dyn std::fmt::Display| {
            Fault::broken(format!("has chunks that are not read ({error}); save it again"))
        };
        let array = self.cache.array();
        let chunks = array.chunks_in_array_subset(&whole).map_err(|error| unread(&error))?;
        let chunks = chunks.ok_or_else(|| unread(&"its chunks form no grid"))?;
        if chunks.num_elements() > MOST_CHUNKS {
            return Err(Fault::too_large(format!(
                "has {} chunks, of which {MOST_CHUNKS} are read at once; save it with larger ones",
                chunks.num_elements()
            )));
        }
        // A chunk packed, unpacked and kept.
        check_memory(4 * self.chunk_bytes)?;
        // Blocks are what runs in parallel.
        let options = CodecOptions::default().with_concurrent_target(1);
        for chunk in &chunks.indices() {
            self.check_chunk(&chunk)?;
            let of_chunk = array.chunk_subset(&chunk).map_err(|error| unread(&error))?;
            let overlap = of_chunk.overlap(&whole).map_err(|error| unread(&error))?;
            let elements = self.cache.retrieve_array_subset::<ArrayD<T>>(&overlap, &options);
            let elements = elements.map_err(|error| unread(&error))?;
            let within = overlap.relative_to(whole.start()).map_err(|error| unread(&error))?;
            let ranges = within.to_ranges();
            let mut to = values.slice_each_axis_mut(|axis| {
                let range = ranges.get(axis.axis.index()).cloned().unwrap_or_default();
                (range.start as usize..range.end as usize).into()
            });
            if to.shape() != elements.shape() {
                return Err(unread(&"a chunk has another shape"));
            }
            to.zip_mut_with(&elements, |to, &element| *to = widen(element));
        }
        Ok(spatial(values))
    }

    /// A chunk with more bytes than it has to hold, and some for its codec, may unpack to anything.
    fn check_chunk(&self, chunk: &[u64]) -> Result<(), Fault> {
        let path = self.folder.join(self.cache.array().chunk_key(chunk).as_str());
        let file = path.metadata();
        let broken = file.is_ok_and(|file| !file.is_file() || file.len() > 2 * self.chunk_bytes + CODEC);
        if broken || (self.is_blosc_2 && limited::claimed_by_blosc(&path)? > self.chunk_bytes) {
            return Err(Fault::broken(format!("has a broken chunk at {chunk:?}; save it again")));
        }
        Ok(())
    }
}

/// The spacing by the attributes of an array of so many axes, as arrays that are written here have it.
fn geometry(attributes: &Value, axes: usize) -> Geometry {
    let spatial = axes.saturating_sub(usize::from(attributes["axes"][0] == CLASS));
    let spacing = attributes[SPACING].as_array();
    let spacing: Option<Vec<_>> = spacing.and_then(|steps| steps.iter().map(Value::as_f64).collect());
    let is_spacing =
        |steps: &Vec<f64>| steps.len() == spatial && steps.iter().all(|&step| step.is_finite() && step > 0.0);
    match spacing.filter(is_spacing) {
        Some(spacing) => Geometry::from_spacing_mm(&spacing),
        None => Geometry::unknown(),
    }
}

fn element_type(array: &Array<dyn ReadableStorageTraits>) -> Result<ElementType, Fault> {
    let found = array.data_type();
    let kinds = [
        (data_type::bool(), ElementType::Bool),
        (data_type::uint8(), ElementType::U8),
        (data_type::uint16(), ElementType::U16),
        (data_type::uint32(), ElementType::U32),
        (data_type::uint64(), ElementType::U64),
        (data_type::int8(), ElementType::I8),
        (data_type::int16(), ElementType::I16),
        (data_type::int32(), ElementType::I32),
        (data_type::int64(), ElementType::I64),
        (data_type::float16(), ElementType::F16),
        (data_type::float32(), ElementType::F32),
        (data_type::float64(), ElementType::F64),
    ];
    let kind = kinds.into_iter().find(|(kind, _)| kind == found);
    kind.map(|(_, kind)| kind).ok_or_else(|| {
        Fault::content(format!(
            "holds {found:?}, not labels; save it with an integer type, bool, or floats"
        ))
    })
}
