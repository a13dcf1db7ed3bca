//! Parts of label maps from Zarr.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::ArrayD;
use zarrs::array::chunk_cache::{ChunkCache, ChunkCacheDecodedLruSizeLimit};
use zarrs::array::{Array, ArraySubset, CodecOptions, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableStorageTraits;

use super::limited;
use crate::elements::ElementType;
use crate::error::{Error, Fault};
use crate::labels::{LabelElement, Labels};
use crate::limits::{TEXT, check_memory, guarded};

/// Decoded chunks of a label map that are kept: neighbouring blocks share them.
const CACHE: u64 = 96 << 20;

/// The largest chunk that is read. A chunk is decoded as a whole.
pub(super) const CHUNK: u64 = 256 << 20;

/// What describes an array of version 3 and of version 2.
pub(super) const METADATA: [&str; 2] = ["zarr.json", ".zarray"];

/// The most bytes that a codec adds to a chunk.
const CODEC: u64 = 4096;

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
    folder: PathBuf,
    /// Of a chunk when it is decoded.
    chunk_bytes: u64,
    /// Whether chunks are packed by blosc as version 2 has it, whose codec the library does not let us limit.
    is_blosc_2: bool,
    element_type: ElementType,
    shape: Vec<usize>,
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
    /// Opens the array in a folder.
    ///
    /// # Errors
    ///
    /// If the folder holds no array that is read here, other elements than integers or `bool`, or chunks of more than 256 MB.
    pub fn open(path: &Path) -> Result<Self, Error> {
        guarded(|| Self::open_unguarded(path)).map_err(|fault| fault.at(path))
    }

    /// The folder of the array.
    pub fn path(&self) -> &Path {
        &self.folder
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
    /// If the window does not lie in the array, or a chunk is broken.
    pub fn read(&self, window: &[Range<usize>]) -> Result<Labels, Error> {
        guarded(|| self.read_unguarded(window)).map_err(|fault| fault.at(&self.folder))
    }

    pub(super) fn open_unguarded(path: &Path) -> Result<Self, Fault> {
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
        let chunk = array
            .chunk_shape(&vec![0; shape.len()])
            .map_err(|error| broken(&error))?;
        let size = array.data_type().fixed_size().unwrap_or(8) as u64;
        let bytes = chunk.iter().try_fold(size, |bytes, len| bytes.checked_mul(len.get()));
        match bytes {
            Some(chunk_bytes) if chunk_bytes <= CHUNK => Ok(Self {
                cache: ChunkCacheDecodedLruSizeLimit::new(array, CACHE),
                folder: path.to_path_buf(),
                element_type,
                shape,
                chunk_bytes,
                is_blosc_2,
            }),
            _ => Err(Fault::too_large(format!(
                "has chunks of more than {} MB; save it with smaller ones",
                CHUNK >> 20
            ))),
        }
    }

    pub(super) fn read_unguarded(&self, window: &[Range<usize>]) -> Result<Labels, Fault> {
        let within = |(range, len): (&Range<usize>, &usize)| range.start <= range.end && range.end <= *len;
        if window.len() != self.shape.len() || !window.iter().zip(&self.shape).all(within) {
            let shape = &self.shape;
            return Err(Fault::content(format!(
                "has shape {shape:?}, in which there is no {window:?}; give a range within it for each axis"
            )));
        }
        let window = ArraySubset::new_with_ranges(
            &window
                .iter()
                .map(|range| range.start as u64..range.end as u64)
                .collect::<Vec<_>>(),
        );
        match self.element_type {
            ElementType::Bool => self.part::<bool>(&window),
            ElementType::U8 => self.part::<u8>(&window),
            ElementType::U16 => self.part::<u16>(&window),
            ElementType::U32 => self.part::<u32>(&window),
            ElementType::U64 => self.part::<u64>(&window),
            ElementType::I8 => self.part::<i8>(&window),
            ElementType::I16 => self.part::<i16>(&window),
            ElementType::I32 => self.part::<i32>(&window),
            _ => self.part::<i64>(&window),
        }
    }

    fn part<T: LabelElement + ElementOwned>(&self, window: &ArraySubset) -> Result<Labels, Fault> {
        self.check_chunks(window)?;
        // The values as they are and as labels, and a chunk packed, unpacked and kept.
        let values = window
            .num_elements()
            .saturating_mul(size_of::<T>() as u64 + T::LABEL_BYTES);
        check_memory(values.saturating_add(4 * self.chunk_bytes))?;
        // Blocks are what runs in parallel.
        let options = CodecOptions::default().with_concurrent_target(1);
        let values = self.cache.retrieve_array_subset::<ArrayD<T>>(window, &options);
        let broken = |error| Fault::broken(format!("has chunks that are not read ({error}); save it again"));
        T::labels(values.map_err(broken)?)
    }

    /// A chunk with more bytes than it has to hold, and some for its codec, may unpack to anything.
    fn check_chunks(&self, window: &ArraySubset) -> Result<(), Fault> {
        let array = self.cache.array();
        let chunks = array.chunks_in_array_subset(window);
        let unread = |error| Fault::broken(format!("has chunks that are not read ({error}); save it again"));
        let Some(chunks) = chunks.map_err(unread)? else {
            return Ok(());
        };
        for chunk in &chunks.indices() {
            let path = self.folder.join(array.chunk_key(&chunk).as_str());
            let file = path.metadata();
            let broken = file.is_ok_and(|file| !file.is_file() || file.len() > 2 * self.chunk_bytes + CODEC);
            if broken || (self.is_blosc_2 && limited::claimed_by_blosc(&path)? > self.chunk_bytes) {
                return Err(Fault::broken(format!("has a broken chunk at {chunk:?}; save it again")));
            }
        }
        Ok(())
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
    ];
    let kind = kinds.into_iter().find(|(kind, _)| kind == found);
    kind.map(|(_, kind)| kind).ok_or_else(|| {
        Fault::content(format!(
            "holds {found:?}, not labels; save it with an integer type or bool"
        ))
    })
}
