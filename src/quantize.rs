//! Soft labels in 8 bits: whole numbers of 255ths that sum to exactly 255.
//!
//! Stored soft labels are four times smaller so than in `f32`, and compress well, because almost every voxel is 0 or 255. The
//! method is that of the largest remainder:
//!
//! ```text
//! n_c = ⌊255 p_c⌋, and the 255 - Σ_c n_c classes with the largest remainders 255 p_c - n_c get one more
//! ```
//!
//! Of equal remainders the lower class comes first. The most probable class stays the largest. If several are, and the only
//! rater's class is one of them, it is that class. No entry is off by 1/255 or more. Ignored voxels stay 0.

use std::ops::Range;

use ndarray::{ArrayRef, ArrayViewMut, Axis, Ix1, RemoveAxis};

use crate::common::{arrays, parallel};
use crate::input::window;
use crate::{Classes, Label, Raters, Result, SoftEncoder, SpatialDim};

/// Writes the soft labels of a window (C, H, W) or (C, D, H, W) as 255ths.
///
/// They are computed in `f64`, a few planes at a time. On an error the contents of `out` are unspecified.
///
/// # Errors
/// Those of [`SoftEncoder::encode_raters_window_into`].
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, Raters, Svls, quantize};
///
/// let labels = array![[0_u8, 0, 0, 1], [0, 0, 0, 1]];
/// let classes = Classes::contiguous(2)?;
/// let mut out = Array3::zeros((2, 2, 4));
/// quantize::encode_into(&Svls::default(), &Raters::one(labels.view())?, &classes, &[0..2, 0..4], &mut out)?;
/// assert_eq!(out, array![[[255, 255, 211, 44], [255, 255, 211, 44]], [[0, 0, 44, 211], [0, 0, 44, 211]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_into<E: SoftEncoder, L: Label, D: SpatialDim>(
    encoder: &E,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
    out: &mut ArrayRef<u8, D::Larger>,
) -> Result<()> {
    window::check_output(raters.shape(), classes.len(), window, out.shape())?;
    let Some((planes, others)) = window.split_first() else {
        return Ok(());
    };
    let of_plane: usize = others.iter().map(ExactSizeIterator::len).product::<usize>() * classes.len();
    let step = (SLAB / of_plane.max(1)).max(1);
    let (values, slabs) = (out.len(), out.axis_chunks_iter_mut(Axis(1), step).enumerate());
    let results = parallel::map(values.saturating_mul(5), slabs, |(i, mut out)| {
        let start = planes.start + i * step;
        let mut slab = window.to_vec();
        slab[0] = start..start + out.len_of(Axis(1));
        let soft = encoder.encode_raters_window::<_, f64, D>(raters, classes, &slab)?;
        let annotated = |uncertain: &[bool]| match raters.maps() {
            [map] => {
                let part = map.slice_each_axis(|axis| slab[axis.axis.index()].clone().into());
                marked(part.iter(), uncertain)
                    .map(|&label| classes.class_of(label))
                    .collect()
            }
            _ => Vec::new(),
        };
        write(&soft, annotated, &mut out)
    });
    if let Some(error) = results.into_iter().find_map(Result::err) {
        // Of the whole label map an error tells more than of a slab.
        raters.check(classes)?;
        return Err(error);
    }
    Ok(())
}

/// Writes soft labels (C, ..) as 255ths: those of [`pool`](crate::pool), for example.
///
/// Each voxel's probabilities sum to 1, or all are 0; for others the sum of the 255ths is not specified.
///
/// # Errors
/// [`ShapeMismatch`](crate::Error::ShapeMismatch) and [`TooLarge`](crate::Error::TooLarge).
///
/// ```
/// use ndarray::{Array3, array};
/// let mut out = Array3::zeros((3, 1, 1));
/// soft_labels::quantize::soft_into(&array![[[0.25]], [[0.5]], [[0.25]]], &mut out)?;
/// assert_eq!(out, array![[[64]], [[127]], [[64]]]); // of 63.75, 127.5 and 63.75
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn soft_into<D: RemoveAxis>(soft: &ArrayRef<f64, D>, out: &mut ArrayRef<u8, D>) -> Result<()> {
    arrays::check_shape("the output", soft.shape(), out.shape())?;
    if soft.ndim() == 0 {
        return Ok(());
    }
    write(soft, |_| Vec::new(), &mut out.view_mut())
}

/// Values that are computed in `f64` at once.
const SLAB: usize = 1 << 17;

/// Fractions nearer to one another than this part of 1 are equal: they differ by rounding alone.
const EQUAL: f64 = 1e9;

/// Writes soft labels as 255ths. `annotated` tells the class of each voxel that it is asked for, or nothing.
fn write<D: RemoveAxis>(
    soft: &ArrayRef<f64, D>,
    annotated: impl FnOnce(&[bool]) -> Vec<Option<usize>>,
    out: &mut ArrayViewMut<'_, u8, D>,
) -> Result<()> {
    let classes = soft.len_of(Axis(0));
    // Almost all voxels are certain: a plane of each class, without branches.
    let mut uncertain = arrays::filled(Ix1(soft.len() / classes.max(1)), false)?
        .into_raw_vec_and_offset()
        .0;
    for (mut out, soft) in out.axis_iter_mut(Axis(0)).zip(soft.axis_iter(Axis(0))) {
        match (out.as_slice_mut(), soft.as_slice()) {
            (Some(out), Some(soft)) => write_certain(out, soft, &mut uncertain),
            _ => write_certain(&mut out, &soft, &mut uncertain),
        }
    }
    let count = uncertain.iter().filter(|&&uncertain| uncertain).count();
    if count == 0 {
        return Ok(());
    }
    let mut probabilities = arrays::zeros(count * classes, soft.shape())?;
    for (class, plane) in soft.axis_iter(Axis(0)).enumerate() {
        let of_class = probabilities.iter_mut().skip(class).step_by(classes);
        for (probability, &p) in of_class.zip(marked(plane.iter(), &uncertain)) {
            *probability = p;
        }
    }
    let mut annotated = annotated(&uncertain).into_iter();
    let mut voxel = Voxel::default();
    let mut parts = arrays::zeros(count * classes, soft.shape())?;
    for (parts, probabilities) in parts.chunks_exact_mut(classes).zip(probabilities.chunks_exact(classes)) {
        parts.copy_from_slice(voxel.parts(probabilities, annotated.next().flatten()));
    }
    for (class, mut plane) in out.axis_iter_mut(Axis(0)).enumerate() {
        let of_class = parts.iter().skip(class).step_by(classes);
        for (out, &part) in marked(plane.iter_mut(), &uncertain).zip(of_class) {
            *out = part;
        }
    }
    Ok(())
}

/// Writes 255 where a class is certain, and marks where it is neither certain nor absent.
fn write_certain<'a>(
    out: impl IntoIterator<Item = &'a mut u8>,
    soft: impl IntoIterator<Item = &'a f64>,
    uncertain: &mut [bool],
) {
    for ((out, &p), uncertain) in out.into_iter().zip(soft).zip(uncertain) {
        *out = 255 * u8::from(p == 1.0);
        *uncertain |= (p != 1.0) & (p != 0.0);
    }
}

/// The items whose voxels are marked.
fn marked<T>(items: impl Iterator<Item = T>, marks: &[bool]) -> impl Iterator<Item = T> {
    items.zip(marks).filter_map(|(item, &mark)| mark.then_some(item))
}

/// The classes of one voxel.
#[derive(Default)]
struct Voxel {
    parts: Vec<u8>,
    fractions: Vec<f64>,
    order: Vec<usize>,
}

impl Voxel {
    fn parts(&mut self, probabilities: &[f64], annotated: Option<usize>) -> &[u8] {
        let Self {
            parts,
            fractions,
            order,
        } = self;
        parts.clear();
        // The lowest of the most probable classes.
        let (mut largest, mut most) = (None, 0.0);
        for (class, &p) in probabilities.iter().enumerate() {
            if p > most {
                (largest, most) = (Some(class), p);
            }
        }
        if largest.is_none() || most >= 1.0 {
            parts.extend((0..probabilities.len()).map(|class| if largest == Some(class) { 255 } else { 0 }));
            return parts;
        }
        let keep = annotated
            .filter(|&class| class < probabilities.len())
            .or(largest)
            .unwrap_or(0);
        fractions.clear();
        let mut rest = 255_u8;
        for &p in probabilities {
            let exact = 255.0 * p;
            // A whole number that rounding made a little smaller is whole.
            let whole = (exact + 0.5 / EQUAL) as u8;
            fractions.push(((exact - f64::from(whole)) * EQUAL).round());
            parts.push(whole);
            rest = rest.saturating_sub(whole);
        }
        order.clear();
        order.extend(0..parts.len());
        order.sort_by(|&a, &b| fractions[b].total_cmp(&fractions[a]));
        for &class in order.iter().take(usize::from(rest)) {
            parts[class] += 1;
        }
        // Classes as probable as the one to keep may have got one more.
        let above = |&class: &usize| parts[class] > parts[keep] && probabilities[class] <= probabilities[keep];
        if let Some(class) = (0..parts.len()).find(above) {
            parts.swap(class, keep);
        }
        parts
    }
}
