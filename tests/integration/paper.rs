//! The paper's numbers and toy cases, worked out by hand.
//!
//! With s the weight of a side neighbour in 2D and c that of a corner, 4 s + 4 c = 1 and the whole weighs 2. With f, e
//! and k for faces, edges and corners in 3D, 6 f + 12 e + 8 k = 1. Fractions follow where the weights are known: all
//! alike for a sigma without bounds (s = c = 1/8; f = e = k = 1/26), all on the nearest for one that goes to 0 (s = 1/4;
//! f = 1/6).

use ndarray::{Array, Array2, Array3, ArrayD, Ix2, Ix3, IxDyn, array};
use soft_labels::{Classes, SoftEncoder, SpatialDim, Svls, SvlsKernel};

use crate::real::{Real, for_every_real};

const FLAT: f64 = 1e9;
const SHARP: f64 = 1e-3;

/// The probability of class 1 at a voxel of a map of two classes.
fn p<D: SpatialDim>(sigma: f64, labels: &Array<u8, D>, voxel: &[usize]) -> f64 {
    let svls = Svls::new(SvlsKernel::isotropic(sigma).unwrap());
    let labels = labels.view().into_dyn();
    let soft: ArrayD<f64> = svls.encode(&labels, &Classes::contiguous(2).unwrap()).unwrap();
    soft[IxDyn(&[&[1], voxel].concat())]
}

#[track_caller]
fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
}

#[test]
fn printed_weights_of_the_3d_kernel() {
    let w = SvlsKernel::default().weights(3).unwrap();
    for (at, &w) in w.indexed_iter() {
        let moved = [at[0], at[1], at[2]].iter().filter(|&&x| x != 1).count();
        let printed = [1.0, 0.06164695, 0.03739076, 0.02267864][moved];
        assert!((w - printed).abs() < 5e-9, "{w} at {at:?}");
    }
}

#[test]
fn printed_weights_of_the_2d_kernel() {
    let w = SvlsKernel::default().weights(2).unwrap();
    for (at, &w) in w.indexed_iter() {
        let moved = [at[0], at[1]].iter().filter(|&&x| x != 1).count();
        let printed = [1.0, 0.15561483, 0.09438517][moved];
        assert!((w - printed).abs() < 5e-9, "{w} at {at:?}");
    }
}

#[test]
fn weights_are_quotients_of_exponentials() {
    // exp(-1/2), exp(-1) and exp(-3/2) over their sum around the centre.
    let (side, corner) = ((-0.5_f64).exp(), (-1.0_f64).exp());
    let w = SvlsKernel::default().weights(2).unwrap();
    assert_near(w[[0, 1]], side / (4.0 * (side + corner)));
    assert_near(w[[0, 0]], corner / (4.0 * (side + corner)));

    let (face, edge, corner) = ((-0.5_f64).exp(), (-1.0_f64).exp(), (-1.5_f64).exp());
    let sum = 6.0 * face + 12.0 * edge + 8.0 * corner;
    let w = SvlsKernel::default().weights(3).unwrap();
    assert_near(w[[0, 1, 1]], face / sum);
    assert_near(w[[0, 1, 0]], edge / sum);
    assert_near(w[[0, 0, 0]], corner / sum);
}

/// The centre weighs 1 and so do all others together, so that an isolated voxel ties: 1/2 and 1/2, whatever the kernel.
fn an_isolated_voxel_ties<F: Real, D: SpatialDim>() {
    let axes = D::NDIM.unwrap();
    for sigma in [1e-300, 1e-3, 0.15, 0.3, 0.5, 0.7, 1.0, 1.3, 2.0, 3.0, 10.0, 1e9, 1e300] {
        for radius in 1..=3 {
            let kernel = SvlsKernel::builder().sigma([sigma]).radius([radius]).build().unwrap();
            let mut labels = ArrayD::from_elem(vec![2 * radius + 1; axes], 0_u8);
            let middle = vec![radius; axes];
            labels[IxDyn(&middle)] = 1;
            let labels = labels.into_dimensionality::<D>().unwrap();
            let soft: Array<F, D::Larger> = Svls::new(kernel)
                .encode(&labels, &Classes::contiguous(3).unwrap())
                .unwrap();
            let soft = soft.into_dyn();
            let at = |class: usize| soft[IxDyn(&[&[class][..], &middle].concat())].bits();
            let half = F::rounded(0.5).bits();
            assert_eq!([at(0), at(1), at(2)], [half, half, 0], "sigma {sigma}, radius {radius}");
        }
    }
}

#[test]
fn an_isolated_pixel_ties_at_exactly_one_half() {
    for_every_real!(tie_in_2d());
}

fn tie_in_2d<F: Real>() {
    an_isolated_voxel_ties::<F, Ix2>();
}

#[test]
fn an_isolated_voxel_ties_at_exactly_one_half() {
    for_every_real!(tie_in_3d());
}

fn tie_in_3d<F: Real>() {
    an_isolated_voxel_ties::<F, Ix3>();
}

#[test]
fn beside_an_isolated_pixel() {
    let labels = array![[0_u8, 0, 0], [0, 1, 0], [0, 0, 0]];
    // The pixel is one side neighbour of (0, 1) and one corner of (0, 0); no padding repeats it.
    assert_near(p(FLAT, &labels, &[0, 1]), 1.0 / 16.0);
    assert_near(p(FLAT, &labels, &[0, 0]), 1.0 / 16.0);
    assert_near(p(SHARP, &labels, &[0, 1]), 1.0 / 8.0);
    assert_eq!(p(SHARP, &labels, &[0, 0]), 0.0);
    assert!((p(1.0, &labels, &[0, 1]) - 0.15561483 / 2.0).abs() < 5e-9);
    assert!((p(1.0, &labels, &[0, 0]) - 0.09438517 / 2.0).abs() < 5e-9);
}

#[test]
fn a_straight_edge_in_2d() {
    let labels = Array2::from_shape_fn((5, 6), |(_, w)| u8::from(w >= 3));
    // Beside the edge, s + 2 c of 2 lie across it.
    let (s, c) = (0.15561483, 0.09438517);
    for row in 0..5 {
        // Padding continues the edge, so that rows at the border are like the others.
        assert_near(p(FLAT, &labels, &[row, 2]), 3.0 / 16.0);
        assert_near(p(FLAT, &labels, &[row, 3]), 13.0 / 16.0);
        assert_near(p(SHARP, &labels, &[row, 2]), 1.0 / 8.0);
        assert_near(p(SHARP, &labels, &[row, 3]), 7.0 / 8.0);
        assert!((p(1.0, &labels, &[row, 2]) - (s + 2.0 * c) / 2.0).abs() < 2e-8);
        assert_eq!(p(1.0, &labels, &[row, 1]), 0.0);
        assert_eq!(p(1.0, &labels, &[row, 4]), 1.0);
    }
}

#[test]
fn a_corner_in_2d() {
    let labels = Array2::from_shape_fn((6, 6), |(h, w)| u8::from(h >= 3 && w >= 3));
    // Inside the corner, 2 s + 3 c of 2 are outside.
    assert_near(p(FLAT, &labels, &[3, 3]), 11.0 / 16.0);
    assert_near(p(SHARP, &labels, &[3, 3]), 3.0 / 4.0);
    // Diagonally outside it, c; beside its end, s + c.
    assert_near(p(FLAT, &labels, &[2, 2]), 1.0 / 16.0);
    assert_near(p(FLAT, &labels, &[2, 3]), 2.0 / 16.0);
    assert_near(p(SHARP, &labels, &[2, 3]), 1.0 / 8.0);
}

#[test]
fn a_plane_an_edge_and_a_corner_in_3d() {
    let cube = |axes: usize| {
        Array3::from_shape_fn((6, 6, 6), |(d, h, w)| {
            u8::from([d, h, w][..axes].iter().all(|&x| x >= 3))
        })
    };
    // Behind a plane lie 9 of 26 neighbours, one of them a face; outside an edge 15, two of them faces; outside a corner
    // 19, the three other faces among them. Half of that share is lost.
    for (axes, neighbours, faces) in [(1, 9.0, 1.0), (2, 15.0, 2.0), (3, 19.0, 3.0)] {
        assert_near(p(FLAT, &cube(axes), &[3, 3, 3]), 1.0 - neighbours / 52.0);
        assert_near(p(SHARP, &cube(axes), &[3, 3, 3]), 1.0 - faces / 12.0);
    }
    // At sigma 1: f + 4 e + 4 k of 2 behind a plane.
    let (f, e, k) = (0.06164695, 0.03739076, 0.02267864);
    let behind = (f + 4.0 * e + 4.0 * k) / 2.0;
    assert!((p(1.0, &cube(1), &[2, 3, 3]) - behind).abs() < 3e-8);
}

#[test]
fn the_border_voxel_is_repeated_past_the_border() {
    // One row: those above and below repeat it, so that 3 of 8 neighbours are on the right.
    assert_near(p(FLAT, &array![[0_u8, 1]], &[0, 0]), 3.0 / 16.0);
    // A corner pixel is repeated above, to the left and between; zeros would give it 8 of 8 neighbours unlike it, and
    // reflection other 8. As it is, 5 are unlike it: the corner of a larger structure.
    assert_near(p(FLAT, &array![[1_u8, 0], [0, 0]], &[0, 0]), 11.0 / 16.0);
    assert_near(p(SHARP, &array![[1_u8, 0], [0, 0]], &[0, 0]), 3.0 / 4.0);
    // In the volume's corner 7 neighbours of 26 repeat it, the three faces at the border among them.
    let mut corner = Array3::<u8>::zeros((2, 2, 2));
    corner[[0, 0, 0]] = 1;
    assert_near(p(FLAT, &corner, &[0, 0, 0]), 1.0 - 19.0 / 52.0);
    assert_near(p(SHARP, &corner, &[0, 0, 0]), 3.0 / 4.0);
    // One voxel is nothing but its own repetition.
    assert_eq!(p(1.0, &array![[1_u8]], &[0, 0]), 1.0);
}

#[test]
fn a_wide_kernel_repeats_the_border_voxel_too() {
    // Radius 3 on three pixels, flat: columns -3..=3 around the first hold 0 0 0 0 1 2 2, each 7 rows high.
    let kernel = SvlsKernel::builder().sigma([FLAT]).radius([3]).build().unwrap();
    let soft: Array3<f64> = Svls::new(kernel)
        .encode(&array![[0_u8, 1, 2]], &Classes::contiguous(3).unwrap())
        .unwrap();
    // 49 weights: the centre has half, the 48 others share the other half.
    assert_near(soft[[0, 0, 0]], 0.5 + 27.0 / 96.0);
    assert_near(soft[[1, 0, 0]], 7.0 / 96.0);
    assert_near(soft[[2, 0, 0]], 14.0 / 96.0);
}

#[test]
fn three_labels_around_one_pixel() {
    let labels = array![[0_u8, 0, 1], [2, 0, 1], [2, 2, 1]];
    let soft: Array3<f64> = Svls::new(SvlsKernel::isotropic(FLAT).unwrap())
        .encode(&labels, &Classes::contiguous(3).unwrap())
        .unwrap();
    // Of the eight neighbours 2, 3 and 3.
    assert_near(soft[[0, 1, 1]], 10.0 / 16.0);
    assert_near(soft[[1, 1, 1]], 3.0 / 16.0);
    assert_near(soft[[2, 1, 1]], 3.0 / 16.0);
}

#[test]
fn an_ignored_neighbour_lends_no_weight() {
    let labels = array![[0_u8, 255, 1], [0, 0, 1], [0, 255, 1]];
    let soft: Array3<f64> = Svls::new(SvlsKernel::isotropic(FLAT).unwrap())
        .encode(&labels, &Classes::contiguous(2).unwrap().with_ignore(255).unwrap())
        .unwrap();
    // In eighths: 8 for the centre, 3 of either class; 14 remain.
    assert_near(soft[[0, 1, 1]], 11.0 / 14.0);
    assert_near(soft[[1, 1, 1]], 3.0 / 14.0);
    assert_eq!((soft[[0, 0, 1]], soft[[1, 0, 1]]), (0.0, 0.0));
}

#[test]
fn two_raters_average_by_equation_4() {
    // One sees an isolated pixel, the other nothing: (1/2 + 0) / 2, and beside it (1/16 + 0) / 2.
    let (saw, missed) = (array![[0_u8, 0, 0], [0, 1, 0], [0, 0, 0]], Array2::zeros((3, 3)));
    let svls = Svls::new(SvlsKernel::isotropic(FLAT).unwrap());
    let classes = Classes::contiguous(2).unwrap();
    let raters = [saw.view(), missed.view()];
    let soft: Array3<f64> = soft_labels::multirater::average(&svls, &raters, &classes).unwrap();
    assert_eq!(soft[[1, 1, 1]], 0.25);
    assert_near(soft[[1, 1, 2]], 1.0 / 32.0);
    let soft: Array3<f64> = soft_labels::multirater::weighted_average(&svls, &raters, &[3.0, 1.0], &classes).unwrap();
    assert_eq!(soft[[1, 1, 1]], 0.375);
}
