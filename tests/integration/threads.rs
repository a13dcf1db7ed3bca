//! Any number of threads gives the same bits.

use ndarray::{Array2, Array3, Array4, ArrayD, ArrayRef, Axis, IxDyn};
use rayon::ThreadPoolBuilder;
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};
use soft_labels::loss::{DiceSemimetric, Divisor, LabelTargets, SoftCrossEntropy};
use soft_labels::metrics::{
    BinWeight, ClassReliability, Confusion, Region, Reliability, Scope, Surfaces, Tace, boundary_band, brier,
    brier_soft, negative_log_likelihood, negative_log_likelihood_soft, risk_coverage, top_labels,
};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Classes, Error, SoftEncoder, Svls, pool};

use crate::real::assert_same_bits;

/// What a computation gives on one thread, after it gave the same on others. The numbers are the bits.
fn alike<T: PartialEq + std::fmt::Debug + Send>(compute: impl Fn() -> T + Sync) -> T {
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&compute)
    };
    let one = on(1);
    for threads in [2, 3, 4] {
        assert!(on(threads) == one, "{threads} threads give another result");
    }
    one
}

/// Large enough that encoding uses threads.
fn has_the_same_bits_on_any_number_of_threads(labels: &ArrayRef<u8, IxDyn>) {
    let classes = Classes::contiguous(6).unwrap().with_ignore(6).unwrap();
    let on = |threads| -> ArrayD<f32> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Svls::default().encode(labels, &classes)).unwrap()
    };
    let one = on(1);
    assert!(one.len() > 4 << 18);
    for threads in [2, 3, 4] {
        assert_same_bits(&on(threads), &one);
    }
}

#[test]
fn a_volume_has_the_same_bits_on_any_number_of_threads() {
    let labels = Array3::from_shape_fn((19, 100, 100), |(d, h, w)| {
        ((d / 3 + h / 7 + w / 9 + d * h % 11 / 10) % 7) as u8
    });
    has_the_same_bits_on_any_number_of_threads(&labels.into_dyn());
}

#[test]
fn an_image_has_the_same_bits_on_any_number_of_threads() {
    let labels = Array2::from_shape_fn((301, 610), |(h, w)| ((h / 7 + w / 9 + h * w % 11 / 10) % 7) as u8);
    has_the_same_bits_on_any_number_of_threads(&labels.into_dyn());
}

/// Larger than what several threads are used for, and no multiple of a piece.
const SHAPE: [usize; 3] = [31, 131, 151];

fn classes() -> Classes {
    Classes::contiguous(4).unwrap().with_ignore(9).unwrap()
}

/// Blobs with some noise and some ignored voxels, another map for each seed.
fn map(seed: usize) -> Array3<u8> {
    Array3::from_shape_fn(SHAPE, |(d, h, w)| {
        match (d * 7919 + h * 104_729 + w * 1_299_709 + seed) % 997 {
            0..4 => 9,
            4..20 => 3,
            _ => {
                u8::from((h as f64 - 60.0).hypot(w as f64 - 70.0) < 40.0 + (seed + d) as f64)
                    + u8::from(w > 70 + seed + h / 9)
            }
        }
    })
}

/// A number for each class and voxel, no two alike.
fn logits() -> Array4<f32> {
    let [d, h, w] = SHAPE;
    Array4::from_shape_fn((4, d, h, w), |(c, d, h, w)| {
        (((c * 31 + d * 17 + h * 5 + w * 3) % 101) as f32 * 0.37).sin() * 3.0
    })
}

fn probabilities() -> Array4<f32> {
    let mut p = logits().mapv(f32::exp);
    let sums = p.sum_axis(Axis(0));
    p.outer_iter_mut().for_each(|mut class| class /= &sums);
    p
}

fn bits((value, gradient): (f64, Array4<f32>)) -> (u64, Vec<u32>) {
    (value.to_bits(), gradient.iter().map(|g| g.to_bits()).collect())
}

#[test]
fn losses_have_the_same_bits_on_any_number_of_threads() {
    let (labels, logits) = (map(0), logits());
    let dense: Array4<f32> = Svls::default().encode(&labels, &classes()).unwrap();
    let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &classes()).unwrap();
    let mask = labels.mapv(|label| label != 2);
    for loss in [
        SoftCrossEntropy::of_map(),
        SoftCrossEntropy::of_map().kl_divergence().mask(mask.view()),
        SoftCrossEntropy::of_map()
            .class_weights([0.3, 1.0, 2.5, 0.7])
            .divisor(Divisor::Weight),
    ] {
        let of_dense = alike(|| bits(loss.value_and_gradient(&logits, &dense).unwrap()));
        assert_eq!(
            of_dense,
            alike(|| bits(loss.value_and_gradient(&logits, &sparse).unwrap()))
        );
        let each = alike(|| loss.per_voxel(&logits, &dense).unwrap().mapv(f32::to_bits));
        assert_eq!(each, loss.per_voxel(&logits, &sparse).unwrap().mapv(f32::to_bits));
        assert_eq!(of_dense.0, alike(|| loss.value(&logits, &dense).unwrap().to_bits()));
    }
    let dice = DiceSemimetric::of_map();
    let of_dense = alike(|| bits(dice.value_and_gradient(&logits, &dense).unwrap()));
    assert_eq!(
        of_dense,
        alike(|| bits(dice.value_and_gradient(&logits, &sparse).unwrap()))
    );

    // From label maps the gradient has the bits of that from soft labels; sums have other borders.
    let targets = LabelTargets::of_map(&Svls::default(), &labels, &classes()).unwrap();
    let loss = SoftCrossEntropy::of_map();
    let of_labels = alike(|| bits(loss.value_and_gradient(&logits, &targets).unwrap()));
    assert_eq!(of_labels.1, bits(loss.value_and_gradient(&logits, &dense).unwrap()).1);
    alike(|| bits(dice.value_and_gradient(&logits, &targets).unwrap()));

    // As a batch of two.
    let [d, h, w] = SHAPE;
    let two = |all: &Array4<f32>| {
        let all = [all.view(), all.view()].map(|one| one.insert_axis(Axis(0)));
        ndarray::concatenate(Axis(0), &all).unwrap()
    };
    let (logits_of_two, dense_of_two) = (two(&logits), two(&dense));
    assert_eq!(logits_of_two.shape(), [2, 4, d, h, w]);
    let (value, gradient) = SoftCrossEntropy::of_batch()
        .value_and_gradient(&logits_of_two, &dense_of_two)
        .unwrap();
    let (one, of_one) = SoftCrossEntropy::of_map().value_and_gradient(&logits, &dense).unwrap();
    assert!((value - one).abs() < 1e-12 * one);
    for sample in gradient.outer_iter() {
        assert!(sample.iter().zip(&of_one).all(|(a, b)| (2.0 * a - b).abs() < 1e-12));
    }
    alike(|| {
        let loss = SoftCrossEntropy::of_batch();
        let (value, gradient) = loss.value_and_gradient(&logits_of_two, &dense_of_two).unwrap();
        (value.to_bits(), gradient.mapv(f32::to_bits))
    });
}

#[test]
fn metrics_have_the_same_bits_on_any_number_of_threads() {
    let (labels, p, classes) = (map(0), probabilities(), classes());
    let soft: Array4<f32> = Svls::default().encode(&labels, &classes).unwrap();
    let prediction = alike(|| top_labels::<_, u8, _>(&p, &classes).unwrap());
    alike(|| Confusion::count(&prediction, &labels, &classes).unwrap());
    for bins in [15, 3_000] {
        alike(|| {
            let mut reliability = Reliability::new(bins).unwrap();
            reliability.add(&p, &labels, &classes, Scope::Foreground).unwrap();
            reliability
        });
        alike(|| {
            let mut of_classes = ClassReliability::new(classes.len(), bins).unwrap();
            of_classes.add(&p, &labels, &classes, Scope::All).unwrap();
            of_classes
        });
    }
    alike(|| boundary_band(&labels, &classes, 1.0, 2.0).unwrap());
    alike(|| risk_coverage(&p, &labels, &classes, Scope::All).unwrap());
    alike(|| {
        let tace = Tace::new().include_background().weight(BinWeight::Mass);
        tace.evaluate(&p, &labels, &classes).unwrap().to_bits()
    });
    alike(|| negative_log_likelihood(&p, &labels, &classes).unwrap().to_bits());
    alike(|| brier(&p, &labels, &classes).unwrap().to_bits());
    alike(|| negative_log_likelihood_soft(&p, &soft).unwrap().to_bits());
    alike(|| brier_soft(&p, &soft).unwrap().to_bits());
    alike(|| pool::average(&soft, &[2, 3, 4]).unwrap().mapv(f32::to_bits));

    // The first wrong voxel is named, however many threads look for one.
    let mut wrong = p.clone();
    for w in [7, 90] {
        wrong[[1, 20, 100, w]] = f32::NAN;
    }
    assert!(matches!(
        alike(|| brier(&wrong, &labels, &classes).map_err(|error| error.to_string())),
        Err(why) if why.contains("[20, 100, 7]")
    ));
    let mut unknown = labels.clone();
    unknown[[9, 5, 3]] = 77;
    unknown[[30, 5, 3]] = 78;
    assert!(matches!(
        alike(|| Confusion::count(&prediction, &unknown, &classes)),
        Err(Error::UnknownLabel {
            value: 77,
            count: 2,
            ..
        })
    ));
}

#[test]
fn surfaces_have_the_same_bits_on_any_number_of_threads() {
    let (prediction, reference, classes) = (map(0), map(3), classes());
    let region = Region::of_labels(&classes, [1, 3]).unwrap();
    let (prediction, reference) = alike(|| {
        (
            region.mask(&prediction, &classes).unwrap(),
            region.mask(&reference, &classes).unwrap(),
        )
    });
    alike(|| {
        let surfaces = Surfaces::new(&prediction, &reference, [2.5, 0.7, 0.8]).unwrap();
        let distances = surfaces.distances().unwrap();
        [
            surfaces.dice(1.5).unwrap(),
            surfaces.dice(40.0).unwrap(),
            surfaces.reference_area(),
            surfaces.prediction_area(),
            distances.average(),
            distances.hausdorff(95.0).unwrap(),
            distances.hausdorff(100.0).unwrap(),
        ]
        .map(f64::to_bits)
    });
}

#[test]
fn fusions_have_the_same_bits_on_any_number_of_threads() {
    let (raters, classes) = ([map(0), map(3), map(8)], classes());
    let raters = raters.each_ref().map(|map| map.view());
    alike(|| majority_vote(&raters, &classes, Ties::Highest).unwrap());
    alike(|| -> StapleFusion<f64, _> { Staple::new().max_iterations(20).fuse(&raters, &classes).unwrap() });
}

#[test]
fn sparse_labels_are_the_same_on_any_number_of_threads() {
    alike(|| -> SparseLabels<f32, _> { sparse::encode(&Svls::default(), &map(0), &classes()).unwrap() });
    let flat = Array2::from_shape_fn((901, 703), |(h, w)| ((h / 7 + w / 9 + h * w % 11 / 10) % 4) as u8);
    alike(|| -> SparseLabels<f64, _> { sparse::encode(&Svls::default(), &flat, &classes()).unwrap() });
}
