//! Several raters: who counts, masks of valid voxels and maps of disagreement.

use std::path::Path;

use ndarray::{Array2, Array3, Array4, ArrayD, Axis, Ix3, Slice, array};
use ndarray_npy::read_npy;
use soft_labels::{Classes, LabelSmoothing, OneHot, Raters, SoftEncoder, Svls, SvlsKernel, multirater};

use crate::layout::Layout;
use crate::naive;
use crate::real::{assert_close, assert_same_bits};
use crate::scene::{Scene, for_all};

const LN_2: f64 = std::f64::consts::LN_2;

fn classes(count: usize) -> Classes {
    Classes::contiguous(count).unwrap().with_ignore(255).unwrap()
}

#[test]
fn a_rater_without_weight_says_nothing() {
    let (a, c) = (array![[0_u8, 1, 1, 0]], array![[0_u8, 0, 255, 255]]);
    let weighted = |b: Array2<u8>| -> Array3<f64> {
        let raters = [a.view(), b.view(), c.view()];
        multirater::weighted_average(&Svls::default(), &raters, &[1.0, 0.0, 3.0], &classes(3)).unwrap()
    };
    let soft = weighted(array![[2, 2, 255, 1]]);
    assert!(soft.index_axis(Axis(0), 2).iter().all(|p| p.to_bits() == 0));
    assert_same_bits(&weighted(array![[255, 255, 255, 255]]), &soft);
    assert_same_bits(&weighted(array![[0, 0, 0, 0]]), &soft);
    let others = [a.view(), c.view()];
    let without: Array3<f64> =
        multirater::weighted_average(&Svls::default(), &others, &[1.0, 3.0], &classes(3)).unwrap();
    assert_close(&soft, &without);
}

#[test]
fn where_only_raters_without_weight_labelled_all_is_zero() {
    let (heavy, light) = (array![[0_u8, 255]], array![[0_u8, 1]]);
    let soft: Array3<f64> =
        multirater::weighted_average(&OneHot, &[heavy.view(), light.view()], &[2.0, 0.0], &classes(2)).unwrap();
    assert_eq!(soft, array![[[1.0, 0.0]], [[0.0, 0.0]]]);
}

#[test]
fn a_rater_who_ignores_a_voxel_is_left_out_there() {
    let (a, b, c) = (array![[0_u8, 0, 255]], array![[1_u8, 255, 255]], array![[1_u8, 1, 255]]);
    let raters = [a.view(), b.view(), c.view()];
    let moh: Array3<f64> = multirater::weighted_average(&OneHot, &raters, &[1.0, 5.0, 2.0], &classes(2)).unwrap();
    assert_close(
        &moh,
        &array![[[1.0 / 8.0, 1.0 / 3.0, 0.0]], [[7.0 / 8.0, 2.0 / 3.0, 0.0]]],
    );
    let ls = LabelSmoothing::new(0.5).unwrap();
    let mls: Array3<f64> = multirater::average(&ls, &raters, &classes(2)).unwrap();
    assert_close(&mls, &array![[[5.0 / 12.0, 0.5, 0.0]], [[7.0 / 12.0, 0.5, 0.0]]]);
}

/// Where one of two raters ignores voxels, the other's soft labels are the result, however little weight they have.
fn a_rater_alone_is_all_there_is(weights: [f64; 2]) {
    let (heavy, light) = (array![[0_u8, 255, 255]], array![[0_u8, 0, 1]]);
    let raters = [heavy.view(), light.view()];
    let alone: Array3<f64> = Svls::default().encode(&light, &classes(2)).unwrap();
    let soft: Array3<f64> = multirater::weighted_average(&Svls::default(), &raters, &weights, &classes(2)).unwrap();
    let others_ignore = |soft: Array3<f64>| soft.select(Axis(2), &[1, 2]);
    assert_close(&others_ignore(soft), &others_ignore(alone));
}

#[test]
fn a_rater_of_little_weight_is_all_there_is_where_the_others_ignore() {
    a_rater_alone_is_all_there_is([1.0, 0.1]);
    a_rater_alone_is_all_there_is([1.0, 1e-9]);
    a_rater_alone_is_all_there_is([1e150, 1e-150]);
}

#[test]
fn a_rater_of_vanishing_weight_is_all_there_is_where_the_others_ignore() {
    a_rater_alone_is_all_there_is([1.0, 1e-320]);
    a_rater_alone_is_all_there_is([f64::MAX, f64::MAX * 1e-320]);
}

#[test]
fn weights_are_divided_by_their_sum() {
    let map = array![[0_u8]];
    let weights = |weights: [f64; 2]| {
        Raters::weighted(&[map.view(), map.view()], &weights)
            .unwrap()
            .weights()
            .to_vec()
    };
    assert_eq!(weights([3.0, 1.0]), [0.75, 0.25]);
    assert_eq!(weights([0.0, 1e-300]), [0.0, 1.0]);
    // Their sum is more than an f64 holds.
    assert_eq!(weights([f64::MAX, f64::MAX / 2.0]), [2.0 / 3.0, 1.0 / 3.0]);
}

#[test]
fn the_mean_of_the_raters_maps_is_what_is_smoothed() {
    // Without ignored voxels filtering is linear: average first or smooth first.
    for_all(200, Scene::of(3, 3), |scene| {
        let maps: Vec<_> = scene
            .maps
            .iter()
            .map(|map| map.mapv(|class| class.unwrap_or(2) as u8))
            .collect();
        let raters: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let (classes, svls) = (Classes::contiguous(3).unwrap(), scene.svls());
        let msvls: ArrayD<f64> = multirater::weighted_average(&svls, &raters, &scene.weights(), &classes).unwrap();
        let weights = scene.weights();
        let sum: f64 = weights.iter().sum();
        let mut mean = ArrayD::<f64>::zeros(msvls.raw_dim());
        for (map, weight) in raters.iter().zip(&weights) {
            let soft: ArrayD<f64> = svls.encode(map, &classes).unwrap();
            mean.scaled_add(weight / sum, &soft);
        }
        assert_close(&msvls, &mean);
    });
}

#[test]
fn more_raters_than_a_byte_counts() {
    // Each of 300 raters marks another voxel of two rows, or none.
    let maps: Vec<Array2<u8>> = (0..300)
        .map(|rater| Array2::from_shape_fn((2, 70), |(h, w)| u8::from(h * 70 + w == rater)))
        .collect();
    let raters: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let moh: Array3<f64> = multirater::average(&OneHot, &raters, &Classes::contiguous(2).unwrap()).unwrap();
    assert!(moh.index_axis(Axis(0), 1).iter().all(|&p| p == 1.0 / 300.0));

    let svls = Svls::new(SvlsKernel::isotropic(0.8).unwrap());
    let msvls: Array3<f64> = multirater::average(&svls, &raters, &Classes::contiguous(2).unwrap()).unwrap();
    let maps: Vec<_> = maps
        .iter()
        .map(|map| map.mapv(|label| Some(label.into())).into_dyn())
        .collect();
    let softs: Vec<_> = maps.iter().map(|map| naive::svls(map, 2, &[0.8; 2], &[1; 2])).collect();
    assert_close(&msvls, &naive::average(&maps, &softs, &[1.0; 300]));
}

#[test]
fn raters_in_different_layouts() {
    let maps =
        [0_usize, 3, 5].map(|shift| Array3::from_shape_fn((3, 4, 40), |(d, h, w)| ((d * h + w + shift) % 4) as u8));
    let expected: Array4<f64> =
        multirater::average(&Svls::default(), &maps.each_ref().map(|map| map.view()), &classes(4)).unwrap();
    let layouts = Layout::catalogue(3);
    for three in layouts.windows(3) {
        let stored: Vec<_> = maps
            .iter()
            .zip(three)
            .map(|(map, layout)| layout.store(map, 77))
            .collect();
        let raters: Vec<_> = stored
            .iter()
            .map(|map| map.view().into_dimensionality::<Ix3>().unwrap())
            .collect();
        let soft: Array4<f64> = multirater::average(&Svls::default(), &raters, &classes(4)).unwrap();
        assert_same_bits(&soft, &expected);
        let maps = multirater::disagreement(&raters, &classes(4)).unwrap();
        assert!(maps.entropy.is_standard_layout() && maps.minority.is_standard_layout());
        assert!(
            multirater::valid_mask(&raters, &classes(4))
                .unwrap()
                .is_standard_layout()
        );
    }
}

#[test]
fn disagreement_worked_out_by_hand() {
    let maps = [
        array![[0_u8, 0, 0, 0, 255, 255]],
        array![[0_u8, 1, 0, 1, 255, 3]],
        array![[0_u8, 1, 1, 2, 255, 255]],
        array![[0_u8, 1, 1, 3, 255, 1]],
    ];
    let disagreement = multirater::disagreement(&maps.each_ref().map(|map| map.view()), &classes(4)).unwrap();
    // All agree; 1 against 3; 2 against 2; four ways; nobody; 1 against 1.
    let one_of_four = 2.0 * LN_2 - 0.75 * 3.0_f64.ln();
    let entropy = array![[0.0, one_of_four, LN_2, 2.0 * LN_2, 0.0, LN_2]];
    assert_close(&disagreement.entropy, &entropy);
    assert_eq!(disagreement.minority, array![[0.0, 0.25, 0.5, 0.75, 0.0, 0.5]]);
    assert!([0, 4].iter().all(|&at| disagreement.entropy[[0, at]].to_bits() == 0));
}

#[test]
fn disagreement_is_the_entropy_of_the_mean_one_hot_map() {
    for_all(300, Scene::any(), |scene| {
        let labels: Vec<ArrayD<i32>> = (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect();
        let raters: Vec<_> = labels.iter().map(|map| map.view()).collect();
        let moh: ArrayD<f64> = multirater::average(&OneHot, &raters, &scene.classes()).unwrap();
        let maps = multirater::disagreement(&raters, &scene.classes()).unwrap();
        let surprise = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
        let entropy = moh.map_axis(Axis(0), |p| p.iter().copied().map(surprise).sum::<f64>());
        let minority = moh.map_axis(Axis(0), |p| p.sum() - p.fold(0.0, |most: f64, &p| most.max(p)));
        assert_close(&maps.entropy, &entropy);
        assert_close(&maps.minority, &minority);
    });
}

#[test]
fn masks_tell_where_soft_labels_are_not_all_zero() {
    for_all(300, Scene::any(), |scene| {
        let labels: Vec<ArrayD<i32>> = (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect();
        let raters: Vec<_> = labels.iter().map(|map| map.view()).collect();
        let classes = scene.classes();
        let svls: ArrayD<f64> = multirater::average(&scene.svls(), &raters, &classes).unwrap();
        let mask = multirater::valid_mask(&raters, &classes).unwrap();
        assert_eq!(mask, svls.map_axis(Axis(0), |p| p.sum() > 0.0));
        for (rater, map) in raters.iter().enumerate() {
            let mask = classes.valid_mask(map).unwrap();
            assert_eq!(mask, scene.maps[rater].mapv(|class| class.is_some()));
            assert_eq!(mask, multirater::valid_mask(&[map.view()], &classes).unwrap());
        }
    });
}

#[test]
fn masks_are_in_standard_order() {
    let labels = array![[[0_u8, 255], [1, 1], [255, 0]]];
    let fortran = labels.view().reversed_axes();
    let mask = classes(2).valid_mask(&fortran).unwrap();
    assert!(mask.is_standard_layout());
    assert_eq!(mask, fortran.mapv(|label| label != 255));
}

#[test]
fn radiologists_who_never_all_agree() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/lidc_0179_4raters_native.npy");
    let nodule: Array4<u8> = read_npy(path).unwrap();
    let raters: Vec<_> = nodule.outer_iter().collect();
    let classes = Classes::contiguous(2).unwrap();
    let moh: Array4<f64> = multirater::average(&OneHot, &raters, &classes).unwrap();
    let msvls: Array4<f64> = multirater::average(&Svls::default(), &raters, &classes).unwrap();
    let maps = multirater::disagreement(&raters, &classes).unwrap();

    // No voxel is marked by all four; where some mark it, their votes are quarters.
    let votes = nodule.mapv(f64::from).sum_axis(Axis(0)) / 4.0;
    assert!(votes.iter().all(|&share| share < 1.0));
    assert_eq!(moh.index_axis(Axis(0), 1), votes);
    assert_eq!(maps.minority, votes.mapv(|share| share.min(1.0 - share)));
    // Each rater's own class has at least half of that rater's quarter.
    assert!(
        msvls
            .index_axis(Axis(0), 1)
            .iter()
            .zip(&votes)
            .all(|(&p, &share)| p >= share / 2.0)
    );
    // A piece of the nodule alone is that piece of the whole.
    let mut piece = Array4::<f64>::zeros((2, 4, 10, 14));
    let raters = Raters::new(&raters).unwrap();
    let window = [3..7, 16..26, 10..24];
    Svls::default()
        .encode_raters_window_into(&raters, &classes, &window, &mut piece)
        .unwrap();
    let mut whole = msvls.view();
    for (axis, range) in window.into_iter().enumerate() {
        whole.slice_axis_inplace(Axis(axis + 1), Slice::from(range));
    }
    assert_same_bits(&piece.view(), &whole);
}
