//! Probabilities as whole numbers of 255ths that sum to 255.

use std::ops::Range;

use ndarray::{ArrayD, ArrayViewMutD, Axis, IxDyn};
use soft_labels::{Classes, Label, Raters};

/// Fractions nearer to one another than this are equal: they differ by rounding alone.
const EQUAL: f64 = 1e9;

/// Writes soft labels (C, ..) as 255ths. The method is that of the largest remainder, ties to the lower class.
///
/// `annotated` is the class of each voxel, if there is one. It remains the largest if it was. Ignored voxels stay zero.
pub(crate) fn quantize(soft: &ArrayD<f64>, annotated: Option<&ArrayD<usize>>, out: &mut ArrayViewMutD<'_, u8>) {
    let classes = soft.len_of(Axis(0));
    let voxels = soft.len() / classes.max(1);
    let mut annotated = annotated.map(|classes| classes.iter());
    let mut all = vec![0; soft.len()];
    let mut voxel = Voxel::default();
    let values: Vec<_> = soft.axis_iter(Axis(0)).collect();
    let mut iters: Vec<_> = values.iter().map(|values| values.iter()).collect();
    for at in 0..voxels {
        voxel.probabilities.clear();
        voxel.probabilities.extend(iters.iter_mut().filter_map(Iterator::next));
        let keep = annotated.as_mut().and_then(Iterator::next).copied();
        for (class, &part) in voxel.parts(keep).iter().enumerate() {
            all[class * voxels + at] = part;
        }
    }
    if let Ok(all) = ArrayD::from_shape_vec(soft.raw_dim(), all) {
        out.assign(&all);
    }
}

/// The classes of one voxel.
#[derive(Default)]
struct Voxel {
    probabilities: Vec<f64>,
    parts: Vec<u8>,
    fractions: Vec<f64>,
    order: Vec<usize>,
}

impl Voxel {
    fn parts(&mut self, annotated: Option<usize>) -> &[u8] {
        let Self {
            probabilities,
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
        for p in probabilities.iter() {
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

/// The class of each voxel of a window, as the first rater labelled it; ignored voxels have none, which is `usize::MAX`.
pub(crate) fn annotated<L: Label>(
    raters: &Raters<'_, L, IxDyn>,
    classes: &Classes,
    window: &[Range<usize>],
) -> ArrayD<usize> {
    let map = &raters.maps()[0];
    let part = map.slice_each_axis(|axis| window[axis.axis.index()].clone().into());
    part.mapv(|label| classes.class_of(label).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    fn of(probabilities: &[f64], annotated: Option<usize>) -> Vec<u8> {
        let soft = ArrayD::from_shape_vec(vec![probabilities.len(), 1], probabilities.to_vec()).unwrap();
        let mut out = ArrayD::zeros(soft.raw_dim());
        let class = annotated.map(|class| array![class].into_dyn());
        quantize(&soft, class.as_ref(), &mut out.view_mut());
        out.into_raw_vec_and_offset().0
    }

    fn sums(parts: &ArrayD<u8>) -> Vec<u32> {
        let sum = |lane: ndarray::ArrayView1<'_, u8>| lane.iter().map(|&part| u32::from(part)).sum();
        parts.lanes(Axis(0)).into_iter().map(sum).collect()
    }

    #[test]
    fn by_hand() {
        assert_eq!(of(&[1.0, 0.0], None), [255, 0]);
        assert_eq!(of(&[0.0, 0.0], None), [0, 0]);
        // 85 each.
        assert_eq!(of(&[1.0 / 3.0; 3], None), [85, 85, 85]);
        // 63.75 each: three of four get one more.
        assert_eq!(of(&[0.25; 4], None), [64, 64, 64, 63]);
        // 76.5 and 178.5: the lower class gets the rest.
        assert_eq!(of(&[0.3, 0.7], None), [77, 178]);
        assert_eq!(of(&[0.7, 0.3], None), [179, 76]);
        // An isolated pixel.
        assert_eq!(of(&[0.5, 0.5], Some(0)), [128, 127]);
        assert_eq!(of(&[0.5, 0.5], Some(1)), [127, 128]);
        assert_eq!(of(&[0.25, 0.25, 0.25, 0.25], Some(3)), [63, 64, 64, 64]);
    }

    #[test]
    fn sums_are_255_and_nobody_is_off_by_one() {
        let mut random = Pcg64::seed_from_u64(1);
        for classes in 1..8 {
            let mut soft = ArrayD::from_shape_fn(vec![classes, 500], |_| {
                // Ties and zeros are frequent.
                f64::from(random.random_range(0..5_u8)).powi(2)
            });
            for mut lane in soft.lanes_mut(Axis(0)) {
                let sum = lane.sum();
                lane.mapv_inplace(|p| if sum > 0.0 { p / sum } else { 0.0 });
            }
            let mut parts = ArrayD::zeros(soft.raw_dim());
            quantize(&soft, None, &mut parts.view_mut());
            for (sum, lane) in sums(&parts).into_iter().zip(soft.lanes(Axis(0))) {
                assert_eq!(sum, if lane.sum() > 0.0 { 255 } else { 0 });
            }
            for (&part, &p) in parts.iter().zip(&soft) {
                assert!((f64::from(part) - 255.0 * p).abs() < 1.0);
            }
            for (parts, lane) in parts.lanes(Axis(0)).into_iter().zip(soft.lanes(Axis(0))) {
                let most = lane.iter().copied().fold(0.0, f64::max);
                let largest = lane.iter().position(|&p| p == most).unwrap();
                assert!(parts.iter().all(|&part| part <= parts[largest]));
            }
        }
    }
}
