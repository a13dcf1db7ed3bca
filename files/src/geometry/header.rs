//! Geometry in the header of NIfTI, whose fields are 32-bit floats.

use nifti::NiftiHeader;

use super::unit::Unit;

/// An affine, as three rows.
type Rows = [[f64; 4]; 3];

pub(super) fn unit(header: &NiftiHeader) -> Unit {
    match header.xyzt_units & 7 {
        1 => Unit::Metre,
        2 => Unit::Millimetre,
        3 => Unit::Micrometre,
        _ => Unit::Unknown,
    }
}

/// The voxel spacing along each spatial axis in the header's unit: of the field for it, or else by the affine.
pub(super) fn spacing(header: &NiftiHeader) -> Vec<f64> {
    let axes = header.dim().map_or(3, |dim| dim.len().min(3));
    let of_affine = |axis: usize| affine(header).map(|row| row[axis].powi(2)).iter().sum::<f64>().sqrt();
    let fields = header.pixdim[1..=axes].iter().enumerate();
    fields
        .map(|(axis, &step)| match f64::from(step).abs() {
            step if step > 0.0 && step.is_finite() => step,
            _ => of_affine(axis),
        })
        .collect()
}

/// The affine in the header's unit: that of the sform if its code is set, else that of the qform, else that of the spacing
/// alone (methods 3, 2 and 1 of nifti1.h).
pub(super) fn affine(header: &NiftiHeader) -> Rows {
    if header.sform_code > 0 {
        return [header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from));
    }
    if header.qform_code > 0 {
        let columns = qform_columns(header);
        let origin = [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from);
        return std::array::from_fn(|row| [columns[0][row], columns[1][row], columns[2][row], origin[row]]);
    }
    let step = |axis: usize| f64::from(header.pixdim[axis + 1]).abs();
    std::array::from_fn(|row| std::array::from_fn(|column| if row == column { step(row) } else { 0.0 }))
}

/// Where a step along each axis leads, by the quaternion of the header (nifti1.h, method 2).
fn qform_columns(header: &NiftiHeader) -> [[f64; 3]; 3] {
    let [mut b, mut c, mut d] = [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from);
    let of_vector = b * b + c * c + d * d;
    // A turn by 180 degrees, of which rounding may leave a little more than 1.
    if of_vector > 1.0 {
        let length = of_vector.sqrt();
        (b, c, d) = (b / length, c / length, d / length);
    }
    let a = (1.0 - of_vector).max(0.0).sqrt();
    let [x, y, z] = [1, 2, 3].map(|axis| f64::from(header.pixdim[axis]).abs());
    let z = if header.pixdim[0] < 0.0 { -z } else { z };
    [
        [
            a * a + b * b - c * c - d * d,
            2.0 * (b * c + a * d),
            2.0 * (b * d - a * c),
        ]
        .map(|step| step * x),
        [
            2.0 * (b * c - a * d),
            a * a + c * c - b * b - d * d,
            2.0 * (c * d + a * b),
        ]
        .map(|step| step * y),
        [
            2.0 * (b * d + a * c),
            2.0 * (c * d - a * b),
            a * a + d * d - c * c - b * b,
        ]
        .map(|step| step * z),
    ]
}

/// Moves the header to boxes of `size` voxels along some axis, of which the first begins at voxel `start`.
pub(super) fn coarsen(header: &mut NiftiHeader, axes: &[(usize, usize)]) {
    let rotation = qform_columns(header);
    for (axis, &(start, size)) in axes.iter().enumerate().take(3) {
        let size = size as f32;
        let voxels = start as f32 + (size - 1.0) / 2.0;
        header.srow_x[3] += header.srow_x[axis] * voxels;
        header.srow_y[3] += header.srow_y[axis] * voxels;
        header.srow_z[3] += header.srow_z[axis] * voxels;
        header.quatern_x += rotation[axis][0] as f32 * voxels;
        header.quatern_y += rotation[axis][1] as f32 * voxels;
        header.quatern_z += rotation[axis][2] as f32 * voxels;
        for row in [&mut header.srow_x, &mut header.srow_y, &mut header.srow_z] {
            row[axis] *= size;
        }
        header.pixdim[axis + 1] *= size;
    }
}

/// Stretches the axes to another spacing in the header's unit.
pub(super) fn respace(header: &mut NiftiHeader, spacing: &[f64]) {
    for (axis, &new) in spacing.iter().enumerate().take(3) {
        let (new, old) = (new as f32, header.pixdim[axis + 1]);
        for row in [&mut header.srow_x, &mut header.srow_y, &mut header.srow_z] {
            row[axis] *= if old > 0.0 { new / old } else { 1.0 };
        }
        header.pixdim[axis + 1] = new;
    }
}

/// A header for a geometry that came from another format.
pub(super) fn plain(spacing: Option<&[f64]>, affine: &Rows) -> NiftiHeader {
    let [srow_x, srow_y, srow_z] = affine.map(|row| row.map(|value| value as f32));
    let mut header = NiftiHeader {
        sform_code: 1,
        // A quaternion tells no other affine.
        qform_code: 0,
        xyzt_units: 2,
        pixdim: [1.0; 8],
        srow_x,
        srow_y,
        srow_z,
        ..NiftiHeader::default()
    };
    for (pixdim, &step) in header.pixdim[1..4].iter_mut().zip(spacing.unwrap_or_default()) {
        *pixdim = step as f32;
    }
    header
}
