//! Zarr arrays, versions 2 and 3, as a whole or part by part.
//!
//! Needs feature `zarr`. [`read_labels`](crate::read_labels) and [`write_probabilities`](crate::write_probabilities) handle whole
//! arrays. For those larger than memory, [`LabelArray`] reads windows and [`ArrayWriter`] writes chunks.

use std::fs::{self, Metadata};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use half::f16;
use ndarray::{ArrayD, ArrayRef, ArrayViewD, Dimension};
use zarrs::array::chunk_cache::{ChunkCache, ChunkCacheDecodedLruSizeLimit};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{
    Array, ArrayBuilder, ArraySubset, CodecOptions, Element as ZarrElement, ElementOwned, FillValue, data_type,
};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableStorageTraits;

use crate::elements::{Element, ElementType, LabelElement, Values, each_value};
use crate::error::{Error, Fault};
use crate::geometry::Geometry;
use crate::labels::{LabelMap, Labels};
use crate::limits::{TEXT, check_unpacked, guarded};

/// Decoded chunks of a label map that are kept: neighbouring blocks share them.
const CACHE: u64 = 96 << 20;

/// The largest chunk that is read. A chunk is decoded as a whole.
const CHUNK: u64 = 256 << 20;

/// What describes an array of version 3 and of version 2.
const METADATA: [&str; 2] = ["zarr.json", ".zarray"];

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

    fn open_unguarded(path: &Path) -> Result<Self, Fault> {
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
        let array = Arc::new(Array::open(store, "/").map_err(|error| broken(&error))?);
        let element_type = element_type(&array)?;
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
            }),
            _ => Err(Fault::too_large(format!(
                "has chunks of more than {} MB; save it with smaller ones",
                CHUNK >> 20
            ))),
        }
    }

    fn read_unguarded(&self, window: &[Range<usize>]) -> Result<Labels, Fault> {
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
        // Blocks are what runs in parallel.
        let options = CodecOptions::default().with_concurrent_target(1);
        let values = self.cache.retrieve_array_subset::<ArrayD<T>>(window, &options);
        let broken = |error| Fault::broken(format!("has chunks that are not read ({error}); save it again"));
        T::labels(values.map_err(broken)?)
    }

    /// A chunk with more bytes than it has to hold, and some for its codec, may unpack to anything.
    fn check_chunks(&self, window: &ArraySubset) -> Result<(), Fault> {
        let array = self.cache.array();
        let Ok(Some(chunks)) = array.chunks_in_array_subset(window) else {
            return Ok(());
        };
        for chunk in &chunks.indices() {
            let file = self.folder.join(array.chunk_key(&chunk).as_str()).metadata();
            if file.is_ok_and(|file| !file.is_file() || file.len() > 2 * self.chunk_bytes + CODEC) {
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

/// Whether a folder is a Zarr array.
pub(super) fn is_array(path: &Path) -> bool {
    METADATA.iter().any(|name| path.join(name).is_file())
}

/// A whole label map.
pub(super) fn labels(path: &Path) -> Result<LabelMap, Fault> {
    let array = LabelArray::open_unguarded(path)?;
    let voxels = array
        .shape
        .iter()
        .try_fold(1_u64, |voxels, &len| voxels.checked_mul(len as u64));
    check_unpacked(voxels, State::read(path, 4)?.bytes)?;
    let window: Vec<_> = array.shape.iter().map(|&len| 0..len).collect();
    Ok(LabelMap {
        labels: array.read_unguarded(&window)?,
        element_type: array.element_type,
        geometry: Geometry::unknown(),
    })
}

/// What tells whether a file, or an array with all its chunks, was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    files: u64,
    bytes: u64,
    /// When the last of them was changed, in nanoseconds since 1970.
    changed: u128,
}

impl State {
    /// Of a file, or of all files of a folder, so deep and no deeper. Links in it are not followed.
    ///
    /// # Errors
    ///
    /// If the file or the folder cannot be read.
    pub fn of(path: &Path, depth: usize) -> Result<Self, Error> {
        Self::read(path, depth).map_err(|fault| fault.at(path))
    }

    fn read(path: &Path, depth: usize) -> Result<Self, Fault> {
        let mut state = Self::default();
        state.add(path, &path.metadata()?, depth)?;
        Ok(state)
    }

    fn add(&mut self, path: &Path, metadata: &Metadata, depth: usize) -> Result<(), Fault> {
        if metadata.is_file() {
            self.files += 1;
            self.bytes += metadata.len();
            let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            self.changed = self.changed.max(changed.as_nanos());
        } else if metadata.is_dir() && depth > 0 {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                self.add(&entry.path(), &entry.metadata()?, depth - 1)?;
            }
        }
        Ok(())
    }
}

/// An array that is written chunk by chunk: version 3, and chunks compressed by zstd. Threads may write different chunks at
/// the same time.
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
        Self::create_unnamed(path, shape, chunk, element_type, labels).map_err(|fault| fault.at(path))
    }

    fn create_unnamed(
        path: &Path,
        shape: &[usize],
        chunk: &[usize],
        element_type: ElementType,
        labels: &[String],
    ) -> Result<Self, Fault> {
        let store = FilesystemStore::new(path).map_err(failed)?;
        let wide = |axes: &[usize]| axes.iter().map(|&len| len as u64).collect::<Vec<_>>();
        let (shape, chunk) = (wide(shape), wide(chunk));
        let mut builder = match element_type {
            ElementType::Bool => ArrayBuilder::new(shape, chunk, data_type::bool(), FillValue::from(false)),
            ElementType::U8 => ArrayBuilder::new(shape, chunk, data_type::uint8(), 0_u8),
            ElementType::U16 => ArrayBuilder::new(shape, chunk, data_type::uint16(), 0_u16),
            ElementType::U32 => ArrayBuilder::new(shape, chunk, data_type::uint32(), 0_u32),
            ElementType::U64 => ArrayBuilder::new(shape, chunk, data_type::uint64(), 0_u64),
            ElementType::I8 => ArrayBuilder::new(shape, chunk, data_type::int8(), 0_i8),
            ElementType::I16 => ArrayBuilder::new(shape, chunk, data_type::int16(), 0_i16),
            ElementType::I32 => ArrayBuilder::new(shape, chunk, data_type::int32(), 0_i32),
            ElementType::I64 => ArrayBuilder::new(shape, chunk, data_type::int64(), 0_i64),
            ElementType::F16 => ArrayBuilder::new(shape, chunk, data_type::float16(), f16::ZERO),
            ElementType::F32 => ArrayBuilder::new(shape, chunk, data_type::float32(), 0.0_f32),
            ElementType::F64 => ArrayBuilder::new(shape, chunk, data_type::float64(), 0.0_f64),
        };
        builder.bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(3, false))]);
        if !labels.is_empty() {
            let labels = labels.iter().map(String::as_str).collect();
            builder.attributes_mut().insert("labels".into(), labels);
        }
        let array = builder.build(Arc::new(store), "/").map_err(failed)?;
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

    fn store<T: ZarrElement + Copy + Default>(&self, chunk: &[u64], values: &ArrayViewD<'_, T>) -> Result<(), Fault> {
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

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::format(format!("cannot be written as Zarr ({error})"))
}

/// Edges of the chunks of whole arrays, by the number of spatial axes: 2, or 3 and more.
const EDGES: [usize; 2] = [1024, 64];

pub(super) fn write_labels(path: &Path, labels: &Values<'_>, _: &Geometry) -> Result<(), Fault> {
    write(path, labels, 0)
}

/// A chunk holds all classes, which are first.
pub(super) fn write_probabilities(path: &Path, soft: &Values<'_>, _: &Geometry) -> Result<(), Fault> {
    write(path, soft, 1)
}

/// `whole` axes at the beginning are not divided.
fn write(path: &Path, values: &Values<'_>, whole: usize) -> Result<(), Fault> {
    let shape = values.shape().to_vec();
    if shape.contains(&0) {
        return Err(Fault::content("has no voxels to write"));
    }
    let edge = EDGES[usize::from(shape.len() > 2 + whole)];
    let chunk: Vec<_> = shape
        .iter()
        .enumerate()
        .map(|(axis, &len)| if axis < whole { len } else { len.min(edge) })
        .collect();
    each_value!(values, array => {
        let writer = ArrayWriter::create_unnamed(path, &shape, &chunk, element_type_of(array), &[])?;
        let grid: Vec<_> = shape.iter().zip(&chunk).map(|(len, chunk)| len.div_ceil(*chunk)).collect();
        for place in ndarray::indices(grid) {
            let start = |axis: usize| place[axis] * chunk[axis];
            let part = array.slice_each_axis(|axis| {
                let (first, len) = (start(axis.axis.index()), axis.len);
                (first..(first + chunk[axis.axis.index()]).min(len)).into()
            });
            let place: Vec<_> = place.as_array_view().iter().map(|&at| at as u64).collect();
            writer.store(&place, &part)?;
        }
        Ok(())
    })
}

fn element_type_of<T: Element>(_: &ArrayViewD<'_, T>) -> ElementType {
    T::TYPE
}
