//! The judge: soft labels as the equations say, one voxel and one neighbour after the other, in `f64`.

use std::ops::Range;

use ndarray::{ArrayD, Axis, Dimension, IxDyn, Slice};

/// The class of each voxel; an ignored one has none.
pub(crate) type Map = ArrayD<Option<usize>>;

/// The soft labels of one map, classes first.
pub(crate) type Soft = ArrayD<f64>;

/// What `p(voxel, class)` says of every voxel that is not ignored; the others are all zero.
fn soft(map: &Map, classes: usize, p: impl Fn(&[usize], usize) -> f64) -> Soft {
    let shape: Vec<usize> = [&[classes], map.shape()].concat();
    Soft::from_shape_fn(shape, |at| {
        let (class, voxel) = (at[0], &at.slice()[1..]);
        if map[voxel].is_some() { p(voxel, class) } else { 0.0 }
    })
}

pub(crate) fn one_hot(map: &Map, classes: usize) -> Soft {
    soft(map, classes, |voxel, c| if map[voxel] == Some(c) { 1.0 } else { 0.0 })
}

/// Equation 1: p (1 - α) + α / N.
pub(crate) fn label_smoothing(map: &Map, classes: usize, alpha: f64) -> Soft {
    let given = alpha / classes as f64;
    soft(map, classes, |voxel, c| {
        if map[voxel] == Some(c) {
            1.0 - alpha + given
        } else {
            given
        }
    })
}

/// The other convention: α is shared among the other classes.
pub(crate) fn label_smoothing_over_others(map: &Map, classes: usize, alpha: f64) -> Soft {
    let given = if classes == 1 { 0.0 } else { alpha };
    soft(map, classes, |voxel, c| {
        if map[voxel] == Some(c) {
            1.0 - given
        } else {
            given / (classes - 1) as f64
        }
    })
}

/// Offsets and weights: a Gaussian, its centre replaced by the sum of all others, everything divided by the centre.
pub(crate) fn kernel(sigma: &[f64], radius: &[usize]) -> Vec<(Vec<isize>, f64)> {
    let grid = ndarray::indices(radius.iter().map(|r| 2 * r + 1).collect::<Vec<_>>());
    let offsets: Vec<Vec<isize>> = grid
        .into_iter()
        .map(|at| {
            (0..radius.len())
                .map(|a| at[a].cast_signed() - radius[a].cast_signed())
                .collect()
        })
        .collect();
    let is_centre = |x: &[isize]| x.iter().all(|&x| x == 0);
    let exponent = |x: &[isize]| {
        x.iter()
            .zip(sigma)
            .map(|(&x, s)| 0.5 * (x as f64 / s).powi(2))
            .sum::<f64>()
    };
    let neighbours = || offsets.iter().filter(|x| !is_centre(x));

    // Relative to the heaviest neighbour, so that not all of them vanish when sigma is small.
    let smallest = neighbours().map(|x| exponent(x)).fold(f64::INFINITY, f64::min);
    let g = |x: &[isize]| (smallest - exponent(x)).exp();
    let centre: f64 = neighbours().map(|x| g(x)).sum();
    offsets
        .iter()
        .map(|x| (x.clone(), if is_centre(x) { 1.0 } else { g(x) / centre }))
        .collect()
}

/// Equation 2, `p_c(v) = Σ_u w(u) [label(v+u) = c] / Σ_u w(u)`, over the neighbours that are not ignored.
pub(crate) fn svls(map: &Map, classes: usize, sigma: &[f64], radius: &[usize]) -> Soft {
    let kernel = kernel(sigma, radius);
    let mut soft = Soft::zeros([&[classes], map.shape()].concat());
    for (voxel, _) in map.indexed_iter().filter(|(_, label)| label.is_some()) {
        let mut weight = 0.0;
        let mut found = vec![0.0; classes];
        for (offset, w) in &kernel {
            // Replicate padding: past the border is the nearest voxel.
            let nearest: Vec<usize> = (0..map.ndim())
                .map(|a| voxel[a].saturating_add_signed(offset[a]).min(map.len_of(Axis(a)) - 1))
                .collect();
            if let Some(class) = map[IxDyn(&nearest)] {
                found[class] += w;
                weight += w;
            }
        }
        for (class, found) in found.iter().enumerate() {
            soft[IxDyn(&[&[class], voxel.slice()].concat())] = found / weight;
        }
    }
    soft
}

/// Beyond the paper: (1 - λ) one-hot + λ SVLS.
pub(crate) fn svls_of_strength(map: &Map, classes: usize, sigma: &[f64], radius: &[usize], strength: f64) -> Soft {
    one_hot(map, classes) * (1.0 - strength) + svls(map, classes, sigma, radius) * strength
}

/// Equation 4 as its text words it: the weighted mean of the raters' soft labels, over those who labelled the voxel.
pub(crate) fn average(maps: &[Map], softs: &[Soft], weights: &[f64]) -> Soft {
    let mut mean = Soft::zeros(softs[0].raw_dim());
    for (at, p) in mean.indexed_iter_mut() {
        let voxel = &at.slice()[1..];
        let labelled = || (0..maps.len()).filter(|&rater| maps[rater][voxel].is_some());
        let mass: f64 = labelled().map(|rater| weights[rater]).sum();
        if mass > 0.0 {
            *p = labelled().map(|rater| weights[rater] * softs[rater][&at]).sum::<f64>() / mass;
        }
    }
    mean
}

/// A window of soft labels, all classes.
pub(crate) fn window(soft: &Soft, window: &[Range<usize>]) -> Soft {
    let mut part = soft.view();
    for (axis, range) in window.iter().enumerate() {
        part.slice_axis_inplace(Axis(axis + 1), Slice::from(range.clone()));
    }
    part.to_owned()
}

#[test]
fn the_judge_knows_a_straight_edge() {
    let map = ndarray::array![[Some(0), Some(0), Some(1), None]].into_dyn();
    // Flat: 8 neighbours of 1/8. At the third pixel 3 are of class 0 and 3 are ignored.
    let soft = svls(&map, 2, &[1e9; 2], &[1; 2]);
    let expected = ndarray::array![
        [[1.0, 13.0 / 16.0, 3.0 / 13.0, 0.0]],
        [[0.0, 3.0 / 16.0, 10.0 / 13.0, 0.0]]
    ];
    assert!(soft.abs_diff_eq(&expected.into_dyn(), 1e-15), "{soft}");
}
