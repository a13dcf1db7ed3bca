//! Where the voxels of a NIfTI file are.

use nifti::NiftiHeader;

/// The voxel spacing along each spatial axis, in the header's unit, which is millimetres.
pub(crate) fn spacing(header: &NiftiHeader) -> Vec<f64> {
    let axes = header.dim().map_or(3, |dim| dim.len().min(3));
    header.pixdim[1..=axes]
        .iter()
        .map(|&step| f64::from(step).abs())
        .collect()
}

/// Where a step along each axis leads, by the quaternion of the header (nifti1.h, method 2).
pub(crate) fn qform_columns(header: &NiftiHeader) -> [[f32; 3]; 3] {
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

/// Whether voxels of the two files lie at the same places, within a thousandth.
pub(crate) fn same_space(a: &NiftiHeader, b: &NiftiHeader) -> bool {
    let places = |header: &NiftiHeader| match header.sform_code {
        0 => {
            let origin = [header.quatern_x, header.quatern_y, header.quatern_z];
            [qform_columns(header).concat(), origin.to_vec()].concat()
        }
        _ => [header.srow_x, header.srow_y, header.srow_z].concat(),
    };
    places(a).iter().zip(&places(b)).all(|(a, b)| (a - b).abs() < 1e-3)
}
