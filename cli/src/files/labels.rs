//! Label maps from files.

use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use ndarray::{ArrayD, Axis, concatenate};
use nifti::{DataElement, InMemNiftiVolume, IntoNdArray, NiftiHeader, NiftiType};

use super::kind::{Kind, READ};
use super::{check_memory, check_unpacked, npy, open, read_exactly, tiff};
use crate::command::{Failure, guarded};

/// Label maps of one element type, one of each rater. Two types are enough: each more makes the program larger.
#[derive(Debug)]
pub(crate) enum Labels {
    U8(Vec<ArrayD<u8>>),
    I64(Vec<ArrayD<i64>>),
}

/// Runs the same code for whichever element type label maps have.
macro_rules! each_type {
    ($labels:expr, $maps:ident => $body:expr) => {
        match $labels {
            $crate::files::labels::Labels::U8($maps) => $body,
            $crate::files::labels::Labels::I64($maps) => $body,
        }
    };
}
pub(crate) use each_type;

impl Labels {
    /// The label maps of these raters and then of more; as `i64` if their element types differ.
    pub(crate) fn join(self, more: Self) -> Self {
        match (self, more) {
            (Self::U8(mut maps), Self::U8(more)) => {
                maps.extend(more);
                Self::U8(maps)
            }
            (maps, more) => {
                let mut maps = maps.widen();
                maps.extend(more.widen());
                Self::I64(maps)
            }
        }
    }

    /// As `i64` in standard order, because metrics read them many times.
    pub(crate) fn widen(self) -> Vec<ArrayD<i64>> {
        fn in_order<L: Copy + Into<i64>>(map: &ArrayD<L>) -> ArrayD<i64> {
            let mut wide = ArrayD::zeros(map.raw_dim());
            wide.zip_mut_with(map, |wide, &label| *wide = label.into());
            wide
        }
        match self {
            Self::U8(maps) => maps.iter().map(in_order).collect(),
            Self::I64(maps) if maps.iter().all(ArrayD::is_standard_layout) => maps,
            Self::I64(maps) => maps.iter().map(in_order).collect(),
        }
    }

    /// One label map, of which these are the slices.
    pub(crate) fn stack(self) -> Result<Self, Failure> {
        fn stacked<L: Clone>(mut slices: Vec<ArrayD<L>>) -> Result<Vec<ArrayD<L>>, Failure> {
            if slices.len() > 1 {
                let views: Vec<_> = slices.iter().map(|slice| slice.view().insert_axis(Axis(0))).collect();
                slices = vec![concatenate(Axis(0), &views)?];
            }
            Ok(slices)
        }
        Ok(match self {
            Self::U8(slices) => Self::U8(stacked(slices)?),
            Self::I64(slices) => Self::I64(stacked(slices)?),
        })
    }

    /// The label maps of the raters along the first axis.
    pub(crate) fn unstack(self) -> Self {
        fn raters<L: Clone>(maps: &[ArrayD<L>]) -> Vec<ArrayD<L>> {
            let stacks = maps.iter().filter(|map| map.ndim() > 0);
            stacks
                .flat_map(|map| map.outer_iter())
                .map(|rater| rater.to_owned())
                .collect()
        }
        match self {
            Self::U8(maps) => Self::U8(raters(&maps)),
            Self::I64(maps) => Self::I64(raters(&maps)),
        }
    }
}

/// Element types in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelType {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
}

/// A type of which files hold labels.
pub(crate) trait FileLabel: Copy + 'static {
    const TYPE: LabelType;
    fn labels(map: ArrayD<Self>) -> Result<Labels, Failure>;
}

macro_rules! file_labels {
    ($($kind:ty, $name:ident, $map:ident => $labels:expr;)*) => {$(
        impl FileLabel for $kind {
            const TYPE: LabelType = LabelType::$name;

            fn labels($map: ArrayD<Self>) -> Result<Labels, Failure> {
                Ok($labels)
            }
        }
    )*};
}
file_labels! {
    bool, Bool, map => Labels::U8(vec![map.mapv(u8::from)]);
    u8, U8, map => Labels::U8(vec![map]);
    u16, U16, map => Labels::I64(vec![map.mapv(i64::from)]);
    u32, U32, map => Labels::I64(vec![map.mapv(i64::from)]);
    i8, I8, map => Labels::I64(vec![map.mapv(i64::from)]);
    i16, I16, map => Labels::I64(vec![map.mapv(i64::from)]);
    i32, I32, map => Labels::I64(vec![map.mapv(i64::from)]);
    i64, I64, map => Labels::I64(vec![map]);
    u64, U64, map => {
        let wide = |&label: &u64| i64::try_from(label).map_err(|_| format!("has label {label}; the largest is 2^63 - 1"));
        let labels = map.iter().map(wide).collect::<Result<_, _>>()?;
        Labels::I64(vec![ArrayD::from_shape_vec(map.shape(), labels)?])
    };
}

/// Label maps from files, and the header if they came from NIfTI.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) labels: Labels,
    /// The element type in the file.
    pub(crate) kind: LabelType,
    pub(crate) header: Option<NiftiHeader>,
}

impl Volume {
    pub(crate) fn of<T: FileLabel>(map: ArrayD<T>) -> Result<Self, Failure> {
        Ok(Self {
            labels: T::labels(map)?,
            kind: T::TYPE,
            header: None,
        })
    }
}

/// Reads a label map in the format that the file's name tells.
pub(crate) fn read(path: &Path) -> Result<Volume, Failure> {
    let kind = Kind::of(path).ok_or_else(|| format!("is none of {READ}"))?;
    guarded(|| match kind {
        Kind::Npy => npy::labels(path),
        Kind::Nifti => nifti_labels(open_nifti(path)?),
        Kind::Png => png(path),
        Kind::Tiff => tiff::labels(path),
        #[cfg(feature = "zarr")]
        Kind::Zarr => crate::zarr::labels(path),
    })
}

/// A NIfTI file.
struct Nifti {
    header: NiftiHeader,
    kind: NiftiType,
    volume: InMemNiftiVolume,
}

impl Nifti {
    /// Whether values are written as they are, without a slope.
    fn is_scaled(&self) -> bool {
        self.header.scl_slope != 0.0 && (self.header.scl_slope, self.header.scl_inter) != (1.0, 0.0)
    }

    fn is_float(&self) -> bool {
        self.is_scaled() || matches!(self.kind, NiftiType::Float32 | NiftiType::Float64)
    }
}

fn open_nifti(path: &Path) -> Result<Nifti, Failure> {
    let mut file = open(path)?;
    let size = file.metadata()?.len();
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic)?;
    file.rewind()?;
    if magic == [0x1f, 0x8b] {
        let mut decoder = MultiGzDecoder::new(BufReader::new(file));
        let nifti = read_nifti(&mut decoder, |bytes| check_unpacked(bytes, size))?;
        // The checksum comes last.
        match io::copy(&mut decoder, &mut io::sink()) {
            Ok(_) => Ok(nifti),
            Err(error) => Err(broken(error.into())),
        }
    } else {
        let check = |bytes: Option<u64>| {
            let bytes = bytes.filter(|&bytes| bytes <= size);
            bytes.ok_or_else(|| "is shorter than its header says; save it again".into())
        };
        read_nifti(BufReader::new(file), check)
    }
}

/// `check` tells whether the file can hold so many bytes.
fn read_nifti(mut reader: impl Read, check: impl Fn(Option<u64>) -> Result<u64, Failure>) -> Result<Nifti, Failure> {
    let start = read_exactly(reader.by_ref(), 352)?;
    let header = NiftiHeader::from_reader(Cursor::new(&start)).map_err(broken)?;
    let kind = header.data_type().map_err(broken)?;
    if usize::try_from(header.bitpix).ok() != Some(8 * kind.size_of()) {
        return Err("has a broken header: its data type and bits per voxel disagree; save it again".into());
    }
    let axes = header.dim().map_err(broken)?.iter().map(|&len| u64::from(len));
    let bytes = axes.into_iter().try_fold(kind.size_of() as u64, u64::checked_mul);
    if check(bytes)? == 0 {
        return Err("has no voxels".into());
    }
    // Between header and voxels there may be extensions.
    let extensions = (header.vox_offset.max(352.0) as u64).saturating_sub(352);
    if io::copy(&mut reader.by_ref().take(extensions), &mut io::sink())? != extensions {
        return Err("ends before its voxels; save it again".into());
    }
    let volume = InMemNiftiVolume::from_reader(reader, &header).map_err(broken)?;
    Ok(Nifti { header, kind, volume })
}

fn broken(error: nifti::NiftiError) -> Failure {
    let error = match error {
        nifti::NiftiError::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    format!("is no whole NIfTI file ({error}); save it again").into()
}

fn nifti_labels(file: Nifti) -> Result<Volume, Failure> {
    let is_float = file.is_float();
    let Nifti { header, kind, volume } = file;
    let labels = match kind {
        _ if is_float => {
            let values = array::<f64>(volume)?;
            if let Some(value) = values.iter().find(|&&value| value != (value as i64) as f64) {
                return Err(format!("holds {value}, which is no label; labels are whole numbers").into());
            }
            Volume::of(values.mapv(|value| value as i64))
        }
        NiftiType::Uint8 => Volume::of(array::<u8>(volume)?),
        NiftiType::Uint64 => Volume::of(array::<u64>(volume)?),
        NiftiType::Int8
        | NiftiType::Uint16
        | NiftiType::Int16
        | NiftiType::Uint32
        | NiftiType::Int32
        | NiftiType::Int64 => Volume::of(array::<i64>(volume)?),
        kind => return Err(format!("holds {kind:?}, not labels; save it with an integer type").into()),
    };
    Ok(Volume {
        kind: label_type(kind),
        header: Some(header),
        ..labels?
    })
}

/// What a NIfTI prediction holds.
pub(crate) enum Predicted {
    Labels(Volume),
    /// With the classes first.
    Probabilities(ArrayD<f64>, NiftiHeader),
}

/// A label map of so many axes, or probabilities, which have one more: the classes come last in the file.
pub(crate) fn predicted_nifti(path: &Path, axes: usize) -> Result<Predicted, Failure> {
    let file = open_nifti(path)?;
    let lengths = file.header.dim().map_err(broken)?;
    // An image has a third axis of length 1 if classes follow.
    if !(file.is_float() && lengths.len() == 4 && lengths[3] > 1) {
        return Ok(Predicted::Labels(nifti_labels(file)?));
    }
    let mut values = file.volume.into_ndarray::<f64>().map_err(broken)?;
    if axes == 2 && values.len_of(Axis(2)) == 1 {
        values = values.index_axis_move(Axis(2), 0);
    }
    let order: Vec<_> = std::iter::once(values.ndim() - 1).chain(0..values.ndim() - 1).collect();
    Ok(Predicted::Probabilities(values.permuted_axes(order), file.header))
}

/// The type to write labels with that came in this one.
fn label_type(kind: NiftiType) -> LabelType {
    match kind {
        NiftiType::Uint8 => LabelType::U8,
        NiftiType::Int8 => LabelType::I8,
        NiftiType::Uint16 => LabelType::U16,
        NiftiType::Int16 => LabelType::I16,
        NiftiType::Uint32 => LabelType::U32,
        NiftiType::Int32 => LabelType::I32,
        NiftiType::Uint64 => LabelType::U64,
        _ => LabelType::I64,
    }
}

/// The array on the header's axes, without those of length 1 beyond the third.
fn array<T: DataElement>(volume: InMemNiftiVolume) -> Result<ArrayD<T>, Failure> {
    let mut map = volume.into_ndarray().map_err(broken)?;
    while map.ndim() > 3 && map.shape().last() == Some(&1) {
        let last = Axis(map.ndim() - 1);
        map = map.index_axis_move(last, 0);
    }
    Ok(map)
}

fn png(path: &Path) -> Result<Volume, Failure> {
    let file = open(path)?;
    let packed = file.metadata()?.len();
    let mut decoder = png::Decoder::new(BufReader::new(file));
    // Grey levels and palette indices as they are in the file.
    decoder.set_transformations(png::Transformations::IDENTITY);
    let broken = |error: png::DecodingError| format!("is no whole PNG ({error}); save it again");
    let mut reader = decoder.read_info().map_err(broken)?;
    let (color, depth) = reader.output_color_type();
    if !matches!(color, png::ColorType::Grayscale | png::ColorType::Indexed) {
        return Err(format!("is {color:?}; save labels as grey levels or as a palette").into());
    }
    let size = reader.output_buffer_size();
    check_memory(check_unpacked(size.map(|size| size as u64), packed)?)?;
    let mut bytes = vec![0; size.unwrap_or(0)];
    let info = reader.next_frame(&mut bytes).map_err(broken)?;
    let (height, width) = (info.height as usize, info.width as usize);
    let shape = vec![height, width];
    if depth == png::BitDepth::Sixteen {
        let rows = bytes.chunks_exact(info.line_size).take(height);
        let pixels = rows.flat_map(|row| row.as_chunks().0.iter().map(|&pixel| u16::from_be_bytes(pixel)));
        Volume::of(ArrayD::from_shape_vec(shape, pixels.collect::<Vec<u16>>())?)
    } else {
        let pixels = unpack(&bytes, depth as usize, height, width, info.line_size)?;
        Volume::of(ArrayD::from_shape_vec(shape, pixels)?)
    }
}

/// Pixels of a byte or less. They are packed from the highest bit down, and each row begins with a new byte.
pub(crate) fn unpack(
    bytes: &[u8],
    bits: usize,
    height: usize,
    width: usize,
    row_bytes: usize,
) -> Result<Vec<u8>, Failure> {
    if bytes.len() < row_bytes * height || row_bytes * 8 < width * bits {
        return Err("is cut off; save it again".into());
    }
    let pixel = |row: &[u8], x: usize| row[x * bits / 8] >> (8 - bits - x * bits % 8) & (0xff >> (8 - bits));
    let rows = bytes.chunks_exact(row_bytes.max(1)).take(height);
    Ok(rows.flat_map(|row| (0..width).map(move |x| pixel(row, x))).collect())
}
