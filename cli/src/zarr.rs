//! Zarr arrays, versions 2 and 3.

use std::fs::{self, Metadata};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use ndarray::ArrayD;
use soft_labels::Classes;
use zarrs::array::chunk_cache::{ChunkCache, ChunkCacheDecodedLruSizeLimit};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{Array, ArrayBuilder, ArraySubset, CodecOptions, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableStorageTraits;

use crate::command::{Failure, guarded};
use crate::files::labels::{FileLabel, LabelType, Labels, Volume};
use crate::files::{TEXT, check_unpacked};

/// Decoded chunks of a label map that are kept: neighbouring blocks share them.
const CACHE: u64 = 96 << 20;

/// The largest chunk that is read. A chunk is decoded as a whole.
const CHUNK: u64 = 256 << 20;

/// What describes an array of version 3 and of version 2.
const METADATA: [&str; 2] = ["zarr.json", ".zarray"];

/// The most bytes that a codec adds to a chunk.
const CODEC: u64 = 4096;

/// A label map of which parts are read.
pub(crate) struct LabelArray {
    cache: ChunkCacheDecodedLruSizeLimit,
    pub(crate) folder: PathBuf,
    /// Of a chunk when it is decoded.
    chunk_bytes: u64,
    pub(crate) kind: LabelType,
    pub(crate) shape: Vec<usize>,
}

impl LabelArray {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        guarded(|| Self::open_unguarded(path))
    }

    fn open_unguarded(path: &Path) -> Result<Self, Failure> {
        for name in METADATA {
            // Of pipes and devices there may be no end.
            if let Ok(file) = path.join(name).metadata()
                && (!file.is_file() || file.len() > TEXT)
            {
                return Err(format!("has a {name} that is no small file; save it again").into());
            }
        }
        let store: Arc<dyn ReadableStorageTraits> = Arc::new(FilesystemStore::new(path)?);
        let open = Array::open(store, "/");
        let array =
            Arc::new(open.map_err(|error| format!("is no Zarr array that is read here ({error}); name an array"))?);
        let kind = kind(&array)?;
        let shape = array
            .shape()
            .iter()
            .map(|&len| usize::try_from(len))
            .collect::<Result<Vec<_>, _>>()?;
        if shape.contains(&0) {
            return Err("has no voxels".into());
        }
        let chunk = array.chunk_shape(&vec![0; shape.len()])?;
        let size = array.data_type().fixed_size().unwrap_or(8) as u64;
        let bytes = chunk.iter().try_fold(size, |bytes, len| bytes.checked_mul(len.get()));
        match bytes {
            Some(chunk_bytes) if chunk_bytes <= CHUNK => Ok(Self {
                cache: ChunkCacheDecodedLruSizeLimit::new(array, CACHE),
                folder: path.to_path_buf(),
                kind,
                shape,
                chunk_bytes,
            }),
            _ => Err(format!("has chunks of more than {} MB; save it with smaller ones", CHUNK >> 20).into()),
        }
    }

    /// The labels of a window.
    pub(crate) fn read(&self, window: &[Range<usize>]) -> Result<Labels, Failure> {
        guarded(|| self.read_types(window))
    }

    fn read_types(&self, window: &[Range<usize>]) -> Result<Labels, Failure> {
        let window = ArraySubset::new_with_ranges(
            &window
                .iter()
                .map(|range| range.start as u64..range.end as u64)
                .collect::<Vec<_>>(),
        );
        match self.kind {
            LabelType::Bool => self.part::<bool>(&window),
            LabelType::U8 => self.part::<u8>(&window),
            LabelType::U16 => self.part::<u16>(&window),
            LabelType::U32 => self.part::<u32>(&window),
            LabelType::U64 => self.part::<u64>(&window),
            LabelType::I8 => self.part::<i8>(&window),
            LabelType::I16 => self.part::<i16>(&window),
            LabelType::I32 => self.part::<i32>(&window),
            LabelType::I64 => self.part::<i64>(&window),
        }
    }

    fn part<T: FileLabel + ElementOwned>(&self, window: &ArraySubset) -> Result<Labels, Failure> {
        self.check_chunks(window)?;
        // Blocks are what runs in parallel.
        let options = CodecOptions::default().with_concurrent_target(1);
        let values = self.cache.retrieve_array_subset::<ArrayD<T>>(window, &options);
        T::labels(values.map_err(|error| format!("has chunks that are not read ({error}); save it again"))?)
    }

    /// A chunk with more bytes than it has to hold, and some for its codec, may unpack to anything.
    fn check_chunks(&self, window: &ArraySubset) -> Result<(), Failure> {
        let array = self.cache.array();
        let Some(chunks) = array.chunks_in_array_subset(window)? else {
            return Ok(());
        };
        for chunk in &chunks.indices() {
            let file = self.folder.join(array.chunk_key(&chunk).as_str()).metadata();
            if file.is_ok_and(|file| !file.is_file() || file.len() > 2 * self.chunk_bytes + CODEC) {
                return Err(format!("has a broken chunk at {chunk:?}; save it again").into());
            }
        }
        Ok(())
    }
}

fn kind(array: &Array<dyn ReadableStorageTraits>) -> Result<LabelType, Failure> {
    let found = array.data_type();
    let kinds = [
        (data_type::bool(), LabelType::Bool),
        (data_type::uint8(), LabelType::U8),
        (data_type::uint16(), LabelType::U16),
        (data_type::uint32(), LabelType::U32),
        (data_type::uint64(), LabelType::U64),
        (data_type::int8(), LabelType::I8),
        (data_type::int16(), LabelType::I16),
        (data_type::int32(), LabelType::I32),
        (data_type::int64(), LabelType::I64),
    ];
    let kind = kinds.into_iter().find(|(kind, _)| kind == found);
    kind.map(|(_, kind)| kind)
        .ok_or_else(|| format!("holds {found:?}, not labels; save it with an integer type or bool").into())
}

/// Whether a folder is a Zarr array.
pub(crate) fn is_array(path: &Path) -> bool {
    METADATA.iter().any(|name| path.join(name).is_file())
}

/// A whole label map.
pub(crate) fn labels(path: &Path) -> Result<Volume, Failure> {
    let array = LabelArray::open(path)?;
    let voxels = array
        .shape
        .iter()
        .try_fold(1_u64, |voxels, &len| voxels.checked_mul(len as u64));
    check_unpacked(voxels, State::of(path, 4)?.bytes)?;
    let window: Vec<_> = array.shape.iter().map(|&len| 0..len).collect();
    Ok(Volume {
        labels: array.read(&window)?,
        kind: array.kind,
        header: None,
    })
}

/// What tells whether a file, or an array with all its chunks, was changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    files: u64,
    bytes: u64,
    /// When the last of them was changed, in nanoseconds since 1970.
    changed: u128,
}

impl State {
    /// Of a file, or of all files of a folder, so deep and no deeper. Links in it are not followed.
    pub(crate) fn of(path: &Path, depth: usize) -> Result<Self, Failure> {
        let mut state = Self::default();
        state.add(path, &path.metadata()?, depth)?;
        Ok(state)
    }

    fn add(&mut self, path: &Path, metadata: &Metadata, depth: usize) -> Result<(), Failure> {
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

/// An array of soft labels (C, ..) that is written chunk by chunk.
pub(crate) type SoftArray = Array<FilesystemStore>;

/// Types of soft labels in Zarr.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SoftType {
    F32,
    F64,
    F16,
    U8,
}

/// Makes an array, or opens it if it is there. Its metadata are version 3, its chunks are compressed by zstd.
pub(crate) fn soft_array(
    path: &Path,
    shape: &[usize],
    chunk: &[usize],
    kind: SoftType,
    classes: &Classes,
) -> Result<SoftArray, Failure> {
    let store = Arc::new(FilesystemStore::new(path)?);
    let wide = |axes: &[usize]| axes.iter().map(|&len| len as u64).collect::<Vec<_>>();
    let (shape, chunk) = (wide(shape), wide(chunk));
    let mut builder = match kind {
        SoftType::F32 => ArrayBuilder::new(shape, chunk, data_type::float32(), 0.0_f32),
        SoftType::F64 => ArrayBuilder::new(shape, chunk, data_type::float64(), 0.0_f64),
        SoftType::F16 => ArrayBuilder::new(shape, chunk, data_type::float16(), half::f16::ZERO),
        SoftType::U8 => ArrayBuilder::new(shape, chunk, data_type::uint8(), 0_u8),
    };
    builder.bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(3, false))]);
    builder.attributes_mut().insert(
        "labels".into(),
        classes.values().iter().map(ToString::to_string).collect(),
    );
    let array = builder.build(store, "/")?;
    array.store_metadata()?;
    Ok(array)
}
