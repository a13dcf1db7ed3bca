//! Zarr arrays, versions 2 and 3.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ndarray::ArrayD;
use soft_labels::Classes;
use zarrs::array::chunk_cache::{ChunkCache, ChunkCacheDecodedLruSizeLimit};
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{Array, ArrayBuilder, ArraySubset, CodecOptions, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableStorageTraits;

use crate::command::Failure;
use crate::files::check_unpacked;
use crate::files::labels::{FileLabel, LabelType, Labels, Volume};

/// Decoded chunks of a label map that are kept: neighbouring blocks share them.
const CACHE: u64 = 96 << 20;

/// The largest chunk that is read. A chunk is decoded as a whole.
const CHUNK: u64 = 256 << 20;

/// A label map of which parts are read.
pub(crate) struct LabelArray {
    cache: ChunkCacheDecodedLruSizeLimit,
    pub(crate) kind: LabelType,
    pub(crate) shape: Vec<usize>,
}

impl LabelArray {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let store: Arc<dyn ReadableStorageTraits> = Arc::new(FilesystemStore::new(path)?);
        let array = Arc::new(Array::open(store, "/")?);
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
            Some(bytes) if bytes <= CHUNK => Ok(Self {
                cache: ChunkCacheDecodedLruSizeLimit::new(array, CACHE),
                kind,
                shape,
            }),
            _ => Err(format!("has chunks of more than {} MB; save it with smaller ones", CHUNK >> 20).into()),
        }
    }

    /// The labels of a window.
    pub(crate) fn read(&self, window: &[Range<usize>]) -> Result<Labels, Failure> {
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
        // Blocks are what runs in parallel.
        let options = CodecOptions::default().with_concurrent_target(1);
        T::labels(self.cache.retrieve_array_subset::<ArrayD<T>>(window, &options)?)
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
    path.join("zarr.json").is_file() || path.join(".zarray").is_file()
}

/// A whole label map.
pub(crate) fn labels(path: &Path) -> Result<Volume, Failure> {
    let array = LabelArray::open(path)?;
    let voxels = array
        .shape
        .iter()
        .try_fold(1_u64, |voxels, &len| voxels.checked_mul(len as u64));
    check_unpacked(voxels, size_of_files(path, 4)?)?;
    let window: Vec<_> = array.shape.iter().map(|&len| 0..len).collect();
    Ok(Volume {
        labels: array.read(&window)?,
        kind: array.kind,
        header: None,
    })
}

/// The size of all files of a folder, so deep and no deeper. Links are not followed.
fn size_of_files(folder: &Path, depth: usize) -> Result<u64, Failure> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            size += entry.metadata()?.len();
        } else if kind.is_dir() && depth > 0 {
            size += size_of_files(&entry.path(), depth - 1)?;
        }
    }
    Ok(size)
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
