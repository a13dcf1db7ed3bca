//! Label maps from files.

use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use ndarray::{Array2, ArrayD, Axis};
use ndarray_npy::{ReadNpyError, ReadNpyExt};
use nifti::{DataElement, InMemNiftiVolume, IntoNdArray, NiftiHeader, NiftiType};

use crate::command::Failure;

/// Label maps of one element type, one of each rater.
#[derive(Debug)]
pub(crate) enum Labels {
    Bool(Vec<ArrayD<bool>>),
    U8(Vec<ArrayD<u8>>),
    U16(Vec<ArrayD<u16>>),
    U32(Vec<ArrayD<u32>>),
    U64(Vec<ArrayD<u64>>),
    I8(Vec<ArrayD<i8>>),
    I16(Vec<ArrayD<i16>>),
    I32(Vec<ArrayD<i32>>),
    I64(Vec<ArrayD<i64>>),
}

/// Runs the same code for whichever element type label maps have.
macro_rules! each_type {
    ($labels:expr, $maps:ident => $body:expr) => {
        match $labels {
            $crate::read::Labels::Bool($maps) => $body,
            $crate::read::Labels::U8($maps) => $body,
            $crate::read::Labels::U16($maps) => $body,
            $crate::read::Labels::U32($maps) => $body,
            $crate::read::Labels::U64($maps) => $body,
            $crate::read::Labels::I8($maps) => $body,
            $crate::read::Labels::I16($maps) => $body,
            $crate::read::Labels::I32($maps) => $body,
            $crate::read::Labels::I64($maps) => $body,
        }
    };
}
pub(crate) use each_type;

impl Labels {
    /// The label maps of these raters and then of more; as `i64` if their element types differ.
    pub(crate) fn join(self, more: Self) -> Result<Self, Failure> {
        macro_rules! same_type {
            ($($kind:ident)*) => {
                match (self, more) {
                    $((Self::$kind(mut maps), Self::$kind(more)) => {
                        maps.extend(more);
                        Ok(Self::$kind(maps))
                    })*
                    (maps, more) => {
                        let mut wide = maps.widen()?;
                        wide.extend(more.widen()?);
                        Ok(Self::I64(wide))
                    }
                }
            };
        }
        same_type!(Bool U8 U16 U32 U64 I8 I16 I32 I64)
    }

    pub(crate) fn widen(self) -> Result<Vec<ArrayD<i64>>, Failure> {
        let wide = |label| {
            i64::try_from(label).map_err(|_| "has labels beyond i64, which cannot be compared with other types")
        };
        each_type!(self, maps => maps.iter().map(|map| {
            let labels = map.iter().map(|&label| wide(i128::from(label))).collect::<Result<Vec<_>, _>>()?;
            Ok(ArrayD::from_shape_vec(map.raw_dim(), labels)?)
        }).collect())
    }

    /// The label maps of the raters along the first axis.
    pub(crate) fn unstack(self) -> Self {
        macro_rules! each {
            ($($kind:ident)*) => {
                match self {
                    $(Self::$kind(maps) => {
                        let raters = maps.iter().filter(|map| map.ndim() > 0).flat_map(|map| map.outer_iter());
                        Self::$kind(raters.map(|rater| rater.to_owned()).collect())
                    })*
                }
            };
        }
        each!(Bool U8 U16 U32 U64 I8 I16 I32 I64)
    }
}

/// A label map, and its header if it came from NIfTI.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) labels: Labels,
    pub(crate) header: Option<NiftiHeader>,
}

/// Reads a label map in the format that the file's name tells.
pub(crate) fn read(path: &Path) -> Result<Volume, Failure> {
    let name = path.to_string_lossy().to_lowercase();
    let plain = |labels| Volume { labels, header: None };
    if name.ends_with(".npy") {
        npy(path).map(plain)
    } else if name.ends_with(".png") {
        png(path).map(plain)
    } else if name.ends_with(".nii") || name.ends_with(".nii.gz") {
        nifti(path, name.ends_with(".gz"))
    } else {
        Err("is neither .npy, .nii, .nii.gz nor .png".into())
    }
}

fn npy(path: &Path) -> Result<Labels, Failure> {
    check_npy_size(path)?;
    macro_rules! first_that_fits {
        ($($kind:ident)*) => {$(
            match ArrayD::read_npy(BufReader::new(File::open(path)?)) {
                Ok(map) => return Ok(Labels::$kind(vec![map])),
                Err(ReadNpyError::WrongDescriptor(_)) => {}
                Err(error) => return Err(error.into()),
            }
        )*};
    }
    first_that_fits!(U8 Bool U16 U32 U64 I8 I16 I32 I64);
    Err("holds no integers; save the label map with an integer type or bool".into())
}

/// A broken header must not make us ask for more memory than the file can fill.
pub(crate) fn check_npy_size(path: &Path) -> Result<(), Failure> {
    let mut start = Vec::new();
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    file.take(1 << 16).read_to_end(&mut start)?;
    let header = String::from_utf8_lossy(start.split(|&byte| byte == b'\n').next().unwrap_or_default());
    // The library's parser does not come back from deeply nested brackets.
    if header.matches(['(', '[', '{']).count() > 4 {
        return Err("is not an .npy file of plain numbers".into());
    }
    let shape = header
        .split_once("'shape': (")
        .and_then(|(_, rest)| rest.split_once(')'));
    let Some((shape, _)) = shape else {
        return Err("is not an .npy file".into());
    };
    let axes = shape.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let voxels = axes
        .map(|axis| axis.parse::<u64>().ok())
        .try_fold(1_u64, |all, axis| all.checked_mul(axis?));
    match voxels {
        Some(0) => Err("has no voxels".into()),
        Some(voxels) if voxels <= size.max(1) => Ok(()),
        _ => Err("is shorter than its header says; save it again".into()),
    }
}

fn nifti(path: &Path, compressed: bool) -> Result<Volume, Failure> {
    let mut bytes = fs::read(path)?;
    if compressed || bytes.starts_with(&[0x1f, 0x8b]) {
        let packed = std::mem::take(&mut bytes);
        MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes)?;
    }
    let header = NiftiHeader::from_reader(Cursor::new(&bytes))?;
    if usize::try_from(header.bitpix).ok() != Some(8 * header.data_type()?.size_of()) {
        return Err("has a broken header: its data type and bits per voxel disagree; save it again".into());
    }
    // Between header and voxels there may be extensions.
    let voxels = bytes
        .get((header.vox_offset.max(352.0)) as usize..)
        .ok_or("ends before its voxels; save it again")?;
    let volume = InMemNiftiVolume::from_reader(voxels, &header)?;
    drop(bytes);
    let scaled = header.scl_slope != 0.0 && (header.scl_slope, header.scl_inter) != (1.0, 0.0);
    let labels = match header.data_type()? {
        kind if scaled || matches!(kind, NiftiType::Float32 | NiftiType::Float64) => {
            let values = array::<f64>(volume)?;
            if let Some(value) = values.iter().find(|&&value| value != (value as i64) as f64) {
                return Err(format!("holds {value}, which is no label; labels are whole numbers").into());
            }
            Labels::I64(vec![values.mapv(|value| value as i64)])
        }
        NiftiType::Uint8 => Labels::U8(vec![array(volume)?]),
        NiftiType::Int8 => Labels::I8(vec![array(volume)?]),
        NiftiType::Uint16 => Labels::U16(vec![array(volume)?]),
        NiftiType::Int16 => Labels::I16(vec![array(volume)?]),
        NiftiType::Uint32 => Labels::U32(vec![array(volume)?]),
        NiftiType::Int32 => Labels::I32(vec![array(volume)?]),
        NiftiType::Uint64 => Labels::U64(vec![array(volume)?]),
        NiftiType::Int64 => Labels::I64(vec![array(volume)?]),
        kind => return Err(format!("holds {kind:?}, not labels; save it with an integer type").into()),
    };
    Ok(Volume {
        labels,
        header: Some(header),
    })
}

/// The array on the header's axes, without those of length 1 beyond the third.
fn array<T: DataElement>(volume: InMemNiftiVolume) -> Result<ArrayD<T>, Failure> {
    let mut map = volume.into_ndarray()?;
    while map.ndim() > 3 && map.shape().last() == Some(&1) {
        let last = Axis(map.ndim() - 1);
        map = map.index_axis_move(last, 0);
    }
    Ok(map)
}

fn png(path: &Path) -> Result<Labels, Failure> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path)?));
    // Grey levels and palette indices as they are in the file.
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info()?;
    let (color, depth) = reader.output_color_type();
    if !matches!(color, png::ColorType::Grayscale | png::ColorType::Indexed) {
        return Err(format!("is {color:?}; save labels as grey levels or as a palette").into());
    }
    let size = reader.output_buffer_size().ok_or("is too large")?;
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes)?;
    let (height, width) = (info.height as usize, info.width as usize);
    let rows = bytes.chunks_exact(info.line_size).take(height);
    match depth {
        png::BitDepth::Sixteen => {
            let pixels = rows
                .flat_map(|row| row.as_chunks().0.iter().map(|&pixel| u16::from_be_bytes(pixel)))
                .collect();
            Ok(Labels::U16(vec![
                Array2::from_shape_vec((height, width), pixels)?.into_dyn(),
            ]))
        }
        _ => {
            // Pixels of less than a byte are packed from the highest bit down.
            let bits = depth as usize;
            let pixel = |row: &[u8], x: usize| row[x * bits / 8] >> (8 - bits - x * bits % 8) & (0xff >> (8 - bits));
            let pixels = rows.flat_map(|row| (0..width).map(move |x| pixel(row, x))).collect();
            Ok(Labels::U8(vec![
                Array2::from_shape_vec((height, width), pixels)?.into_dyn(),
            ]))
        }
    }
}
