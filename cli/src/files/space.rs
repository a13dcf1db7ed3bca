//! Where the voxels of a NIfTI file are, and where those of a result are.

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
