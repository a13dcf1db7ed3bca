//! Soft labels to files.

use std::io::{BufWriter, Write};
use std::path::Path;

use bytemuck::Pod;
use half::f16;
use ndarray::{ArrayD, Axis};
use ndarray_npy::{WritableElement, WriteNpyExt};
use nifti::writer::WriterOptions;
use nifti::{DataElement, NiftiHeader};
use soft_labels::SoftFloat;
use tempfile::NamedTempFile;

use crate::command::Failure;
use crate::space::qform_columns;

/// Element types that are encoded and written.
pub(crate) trait Element: SoftFloat + WritableElement + DataElement + Pod + Into<f64> {}
impl Element for f32 {}
impl Element for f64 {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    NpyHalf,
    Nifti,
}

impl Format {
    /// The format that the file's name tells.
    pub(crate) fn of(path: &Path, half: bool) -> Result<Self, Failure> {
        let name = path.to_string_lossy().to_lowercase();
        let nifti = name.ends_with(".nii") || name.ends_with(".nii.gz");
        match (name.ends_with(".npy"), nifti) {
            (true, _) => Ok(if half { Self::NpyHalf } else { Self::Npy }),
            (_, true) if half => Err("NIfTI has no 16-bit floats; write .npy, or --dtype f32".into()),
            (_, true) => Ok(Self::Nifti),
            _ => Err("is neither .npy, .nii nor .nii.gz".into()),
        }
    }
}

/// Writes soft labels beside `out` and puts them in its place when they are whole.
pub(crate) fn write<F: Element>(
    out: &Path,
    format: Format,
    soft: &ArrayD<F>,
    header: &NiftiHeader,
) -> Result<(), Failure> {
    let folder = out
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err("its folder does not exist; make it first".into());
    }
    // NIfTI's writer goes by the name.
    let suffix = if out.to_string_lossy().to_lowercase().ends_with(".gz") {
        ".nii.gz"
    } else {
        ".nii"
    };
    let mut file = tempfile::Builder::new()
        .prefix("soft-labels-")
        .suffix(suffix)
        .tempfile_in(folder)?;
    match format {
        Format::Npy => {
            let mut writer = BufWriter::new(&mut file);
            soft.write_npy(&mut writer)?;
            writer.flush()?;
        }
        Format::NpyHalf => npy_half(&mut file, soft)?,
        Format::Nifti => {
            if let Some(axis) = soft.shape().iter().find(|&&axis| i16::try_from(axis).is_err()) {
                return Err(format!("NIfTI's axes have at most 32767 entries, not {axis}; write .npy").into());
            }
            // Classes last, and always three spatial axes.
            let mut view = soft.view();
            if view.ndim() == 3 {
                view = view.insert_axis(Axis(3));
            }
            let view = view.permuted_axes(vec![1, 2, 3, 0]);
            WriterOptions::new(file.path())
                .reference_header(header)
                .write_nifti(&view)?;
        }
    }
    persist(file, out)
}

fn persist(file: NamedTempFile, out: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        // A temporary file is its owner's alone; the result is as any other new file of this folder.
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(out)?;
    Ok(())
}

/// `.npy` by hand: the library does not know 16-bit floats.
fn npy_half<F: Element>(file: &mut NamedTempFile, soft: &ArrayD<F>) -> Result<(), Failure> {
    let axes: String = soft.shape().iter().map(|axis| format!("{axis}, ")).collect();
    let mut header = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': ({axes}), }}");
    // Padded so that the data begin at a multiple of 64 bytes.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
    header = format!("{header:padded$}\n");
    let mut writer = BufWriter::new(file);
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&u16::try_from(header.len())?.to_le_bytes())?;
    writer.write_all(header.as_bytes())?;
    for &value in soft {
        writer.write_all(&f16::from_f64(value.into()).to_le_bytes())?;
    }
    writer.flush()?;
    Ok(())
}

/// The header for a result that starts at some voxel of the input, in boxes of `scale` voxels: the input's own, moved to the
/// middle of the first box, or a plain one.
pub(crate) fn header(
    input: Option<&NiftiHeader>,
    spacing: Option<&[f64]>,
    start: &[usize],
    scale: &[usize],
) -> NiftiHeader {
    let mut header = input.cloned().unwrap_or_else(|| plain_header(spacing));
    if let (Some(_), Some(spacing)) = (input, spacing) {
        set_spacing(&mut header, spacing);
    }
    // What the input says of its values and its fourth axis is not true of the result.
    (header.cal_max, header.cal_min, header.intent_code, header.pixdim[4]) = (0.0, 0.0, 0, 1.0);
    let rotation = qform_columns(&header);
    for (axis, &voxels) in start.iter().enumerate().take(3) {
        let size = scale.get(axis).or(scale.first()).copied().unwrap_or(1) as f32;
        let voxels = voxels as f32 + (size - 1.0) / 2.0;
        header.srow_x[3] += header.srow_x[axis] * voxels;
        header.srow_y[3] += header.srow_y[axis] * voxels;
        header.srow_z[3] += header.srow_z[axis] * voxels;
        header.quatern_x += rotation[axis][0] * voxels;
        header.quatern_y += rotation[axis][1] * voxels;
        header.quatern_z += rotation[axis][2] * voxels;
        for row in [&mut header.srow_x, &mut header.srow_y, &mut header.srow_z] {
            row[axis] *= size;
        }
        header.pixdim[axis + 1] *= size;
    }
    header
}

fn plain_header(spacing: Option<&[f64]>) -> NiftiHeader {
    let mut header = NiftiHeader {
        sform_code: 1,
        xyzt_units: 2,
        ..NiftiHeader::default()
    };
    header.pixdim = [1.0; 8];
    (header.srow_x, header.srow_y, header.srow_z) = ([1.0, 0., 0., 0.], [0., 1.0, 0., 0.], [0., 0., 1.0, 0.]);
    if let Some(spacing) = spacing {
        set_spacing(&mut header, spacing);
    }
    header
}

/// Stretches the axes to another spacing.
fn set_spacing(header: &mut NiftiHeader, spacing: &[f64]) {
    for axis in 0..3 {
        let Some(&new) = (if spacing.len() == 1 {
            spacing.first()
        } else {
            spacing.get(axis)
        }) else {
            continue;
        };
        let (new, old) = (new as f32, header.pixdim[axis + 1]);
        for row in [&mut header.srow_x, &mut header.srow_y, &mut header.srow_z] {
            row[axis] *= if old > 0.0 { new / old } else { 1.0 };
        }
        header.pixdim[axis + 1] = new;
    }
}
