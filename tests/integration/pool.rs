//! Soft labels at coarser scales, against PyTorch, a naive reference and pooling of the whole.

use ndarray::{Array3, Array4, Array5, ArrayD, Axis, Ix3, Slice, array};
use ndarray_npy::read_npy;
use proptest::prelude::*;
use soft_labels::batch::{Sample, encode, encode_scales};
use soft_labels::{Classes, Encoding, Error, Place, Raters, SoftEncoder, Svls, pool};

use crate::expected::{count, output_shape, setting_of, soft_axes};
use crate::real::{Real, assert_same_bits, for_every_real};
use crate::scene::{Scene, for_all};

fn golden(name: &str) -> ArrayD<f64> {
    let path = format!("{}/tests/golden/{name}.npy", env!("CARGO_MANIFEST_DIR"));
    read_npy(path).unwrap()
}

/// Made by `tests/golden/generate_pool.py`.
#[test]
fn it_is_average_pooling_as_pytorch_has_it() {
    for (name, boxes) in [
        ("pool_2d", vec![2, 3]),
        ("pool_2d_sticks_out", vec![2, 4]),
        ("pool_3d", vec![1, 2, 2]),
        ("pool_3d_sticks_out", vec![2, 3, 4]),
    ] {
        let (soft, expected) = (golden(&format!("{name}.soft")), golden(&format!("{name}.pooled")));
        let pooled = pool::average(&soft, &boxes).unwrap();
        assert_eq!(pooled.shape(), expected.shape());
        assert!(pooled.abs_diff_eq(&expected, 1e-14), "{name}");
    }
}

/// One box and one voxel after the other, in the order of the voxels.
fn naive<F: Real>(soft: &ArrayD<F>, boxes: &[usize]) -> ArrayD<F> {
    let shape: Vec<_> = [soft.len_of(Axis(0))]
        .into_iter()
        .chain(
            soft.shape()[1..]
                .iter()
                .zip(boxes)
                .map(|(len, size)| len.div_ceil(*size)),
        )
        .collect();
    ArrayD::from_shape_fn(shape, |at| {
        let mut part = soft.view();
        for (axis, size) in boxes.iter().enumerate() {
            let start = at[axis + 1] * size;
            let end = start.saturating_add(*size).min(soft.len_of(Axis(axis + 1)));
            part.slice_axis_inplace(Axis(axis + 1), Slice::from(start..end));
        }
        let voxels = part.len() / part.len_of(Axis(0));
        let part = part.to_shape((part.len_of(Axis(0)), voxels)).unwrap();
        let counted: Vec<_> = part
            .columns()
            .into_iter()
            .filter(|p| p.iter().any(|&p| p != F::zero()))
            .collect();
        if counted.is_empty() {
            return F::zero();
        }
        let sum = counted.iter().fold(0.0, |sum: f64, p| sum + p[at[0]].into());
        F::rounded(sum / counted.len() as f64)
    })
}

/// Soft labels of a scene with its ignored voxels, and boxes, some of them larger than an axis.
fn scenes() -> impl Strategy<Value = (Scene, Vec<usize>)> {
    let size = prop_oneof![3 => Just(1_usize), 5 => 2_usize..5, 1 => 5_usize..40, 1 => Just(usize::MAX)];
    (Scene::of_few_classes(), prop::collection::vec(size, 3)).prop_map(|(scene, mut boxes)| {
        boxes.truncate(scene.window.len());
        (scene, boxes)
    })
}

fn soft_of<F: Real>(scene: &Scene) -> ArrayD<F> {
    let map: ArrayD<i64> = scene.label_map(0);
    scene.svls().encode(&map, &scene.classes()).unwrap()
}

fn pooling_is_the_mean_of_what_counts<F: Real>() {
    for_all(150, scenes(), |(scene, boxes)| {
        let soft: ArrayD<F> = soft_of(&scene);
        let expected = naive(&soft, &boxes);
        assert_same_bits(&pool::average(&soft, &boxes).unwrap(), &expected);

        // From any layout to any layout.
        let stored = scene.out.store(&soft, F::NAN);
        let mut out = scene.out.store(&expected.mapv(|_| F::rounded(0.25)), F::NAN);
        pool::average_into(&stored.view(), &boxes, &mut out.view_mut()).unwrap();
        assert_same_bits(&out.view().to_owned(), &expected);

        for p in expected.lanes(Axis(0)) {
            let sum: f64 = p.iter().map(|&p| p.into()).sum();
            assert!(sum == 0.0 || (sum - 1.0).abs() <= F::SUM_TOLERANCE, "they sum to {sum}");
        }
    });
}

#[test]
fn it_is_the_mean_of_what_counts_in_every_type_and_layout() {
    for_every_real!(pooling_is_the_mean_of_what_counts());
}

#[test]
fn a_box_of_one_class_is_exact_and_one_of_ignored_voxels_is_zero() {
    let soft = array![[[1.0_f32, 1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 0.0, 1.0]]];
    let pooled = pool::average(&soft, &[1, 2]).unwrap();
    assert_eq!(pooled, array![[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]]);
    // The ignored pixels do not count.
    assert_eq!(
        pool::average(&soft, 5).unwrap(),
        array![[[2.0_f32 / 3.0]], [[1.0 / 3.0]]]
    );
}

#[test]
fn wrong_boxes_and_shapes_are_errors() {
    let soft = Array3::<f32>::zeros((2, 4, 6));
    assert_eq!(
        pool::average(&soft, &[2, 0]),
        Err(setting_of("box", Place::Axis(1), 0.0, "1 or more"))
    );
    let axes = |actual| count("box", "axes", 2, actual);
    assert_eq!(pool::average(&soft, &[1, 2, 2]), Err(axes(3)));
    assert_eq!(pool::average(&soft, Vec::new()), Err(axes(0)));
    let flat = soft.index_axis(Axis(0), 0);
    assert_eq!(pool::average(&flat, 2), Err(soft_axes(2)));
    let point = ArrayD::<f32>::zeros(vec![]);
    assert_eq!(pool::average(&point, 2), Err(soft_axes(0)));
    let mut out = Array3::from_elem((2, 2, 2), 7.0);
    assert_eq!(
        pool::average_into(&soft, 2, &mut out),
        Err(output_shape(&[2, 2, 3], &[2, 2, 2]))
    );
    assert!(out.iter().all(|&p| p == 7.0));
}

#[test]
fn nothing_gives_nothing_and_nan_stays() {
    for shape in [[0, 4, 4], [2, 0, 4], [2, 4, 0]] {
        let pooled = pool::average(&Array3::<f32>::zeros(shape), 3).unwrap();
        assert!(pooled.is_empty());
    }
    // As long as memory is not asked for.
    let huge = Array3::<f32>::zeros((2, 1, 1));
    let huge = huge.broadcast((2, 1 << 20, 1)).unwrap();
    assert_eq!(pool::average(&huge, &[usize::MAX, 1]).unwrap().shape(), [2, 1, 1]);
    let pooled = pool::average(&array![[[f32::NAN, 1.0]], [[0.0, 0.0]]], 2).unwrap();
    assert!(pooled[[0, 0, 0]].is_nan());
}

/// Windows of the volume that hold whole boxes of 1x2x4 and 2x4x3 voxels.
#[test]
fn scales_of_a_batch_are_those_of_the_whole_maps() {
    let classes = Classes::contiguous(3).unwrap().with_ignore(9).unwrap();
    let map = |seed: usize| {
        Array3::from_shape_fn((6, 18, 26), |(d, h, w)| match (d * seed + h * 3 + w) % 31 {
            0 => 9_u8,
            n => u8::from(n > 12) + u8::from(w > h + d),
        })
    };
    let (first, second) = (map(1), map(5));
    let windows = [[0..4, 4..12, 0..12], [2..6, 8..16, 12..24]];
    let raters = Raters::new(&[first.view(), second.view()]).unwrap();
    let samples = [
        Sample::new(first.view()).unwrap().window(&windows[0]),
        Sample::raters(raters.clone()).window(&windows[1]),
    ];
    let encoder = Encoding::default();
    let scales = [[1, 1, 1], [1, 2, 4], [2, 4, 3]];
    let batches: Vec<Array5<f32>> = encode_scales(&encoder, &samples, &classes, &scales).unwrap();
    assert_eq!(batches.len(), 3);
    assert_eq!(batches[0], encode::<_, f32, _>(&encoder, &samples, &classes).unwrap());

    let whole = [0..6, 0..18, 0..26];
    let wholes: [Array4<f32>; 2] = [
        encoder.encode(&first, &classes).unwrap(),
        encoder.encode_raters_window(&raters, &classes, &whole).unwrap(),
    ];
    for (batch, boxes) in batches.iter().zip(scales) {
        let each = batch.axis_iter(Axis(0));
        for ((soft, whole), window) in each.zip(&wholes).zip(&windows) {
            let pooled = pool::average(whole, boxes).unwrap();
            let mut part = pooled.view();
            for (axis, (range, size)) in window.iter().zip(boxes).enumerate() {
                part.slice_axis_inplace(
                    Axis(axis + 1),
                    Slice::from(range.start / size..range.end.div_ceil(size)),
                );
            }
            assert_eq!(part, soft);
        }
    }
}

#[test]
fn a_window_of_broken_boxes_is_an_error_unless_the_map_ends_there() {
    let labels = Array3::<u8>::zeros((5, 8, 9));
    let classes = Classes::contiguous(2).unwrap();
    let scales = |window: [std::ops::Range<usize>; 3]| {
        let sample = Sample::new(labels.view()).unwrap().window(&window);
        encode_scales::<_, f32, Ix3>(&Svls::default(), &[sample], &classes, &[[2, 4, 4]])
    };
    assert_eq!(scales([0..4, 4..8, 4..8]).unwrap()[0].shape(), [1, 2, 2, 1, 1]);
    assert_eq!(scales([4..5, 0..8, 4..9]).unwrap()[0].shape(), [1, 2, 1, 2, 2]);
    let error = scales([1..3, 0..8, 0..8]).unwrap_err();
    assert_eq!(
        error,
        Error::BoxWindow {
            axis: 0,
            start: 1,
            end: 3,
            size: 2,
            len: 5
        }
    );
    assert_eq!(
        error.to_string(),
        "window 1..3 on axis 0 does not hold whole boxes of 2 voxels; begin it at a multiple of 2, and end it at one or at \
         the end of the label map, 5"
    );
    assert!(matches!(
        scales([0..2, 0..8, 0..6]),
        Err(Error::BoxWindow { axis: 2, end: 6, .. })
    ));
    assert!(matches!(
        scales([0..2, 0..8, 0..10]),
        Err(Error::Window { axis: 2, .. })
    ));
    let none: [Sample<'_, u8, Ix3>; 0] = [];
    assert_eq!(
        encode_scales::<_, f32, _>(&Svls::default(), &none, &classes, &[2]),
        Err(Error::Empty { what: "samples" })
    );
    let empty = scales([0..0, 0..8, 0..8]).unwrap();
    assert_eq!((empty[0].len(), empty[0].shape()), (0, &[1, 2, 0, 2, 2][..]));
}

/// A view may have more voxels than memory: with a stride of 0 they are all the same.
#[test]
fn a_box_that_does_not_fit_in_memory_is_an_error() {
    let one = Array4::<f32>::ones((1, 1, 1, 1));
    let (height, width) = (1 << 30, 1 << 29);
    let huge = one.broadcast((1, 1, height, width)).unwrap();
    assert_eq!(
        pool::average(&huge, [1, height, width]),
        Err(Error::TooLarge {
            shape: vec![1, 1, height, width]
        })
    );
}
