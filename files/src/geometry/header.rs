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

/// The voxel spacing along each spatial axis in the header's unit.
pub(super) fn spacing(header: &NiftiHeader) -> Vec<f64> {
    let axes = header.dim().map_or(3, |dim| dim.len().min(3));
    header.pixdim[1..=axes]
        .iter()
        .map(|&step| f64::from(step).abs())
        .collect()
}

/// The affine in the header's unit: that of the sform if its code is set, else that of the qform.
pub(super) fn affine(header: &NiftiHeader) -> Option<Rows> {
    if header.sform_code > 0 {
        return Some([header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from)));
    }
    (header.qform_code > 0).then(|| {
        let columns = qform_columns(header);
        let origin = [header.quatern_x, header.quatern_y, header.quatern_z];
        std::array::from_fn(|row| [columns[0][row], columns[1][row], columns[2][row], origin[row]].map(f64::from))
    })
}

/// Where a step along each axis leads, by the quaternion of the header (nifti1.h, method 2).
fn qform_columns(header: &NiftiHeader) -> [[f32; 3]; 3] {
    let (b, c, d) = (header.quatern_b, header.quatern_c, header.quatern_d);
    let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
    let [x, y, z] = [1, 2, 3].map(|axis| header.pixdim[axis]);
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
        header.quatern_x += rotation[axis][0] * voxels;
        header.quatern_y += rotation[axis][1] * voxels;
        header.quatern_z += rotation[axis][2] * voxels;
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
