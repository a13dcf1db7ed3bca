//! Losses, fusions and metrics on a volume of 128x192x192 voxels and 4 classes, beside reading its probabilities once; and
//! on a patch of 8x48x48 voxels.
//!
//! `cargo bench --bench judge` runs all; `cargo bench --bench judge -- tace` those whose names hold "tace".

#[expect(dead_code, reason = "only smooth maps are judged")]
mod maps;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::{Array3, Array4, Axis, Zip};
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};
use soft_labels::loss::{DiceSemimetric, LabelTargets, SoftCrossEntropy};
use soft_labels::metrics::{
    Confusion, EmptyRegion, Region, Reliability, Scope, Surfaces, Tace, brier, negative_log_likelihood,
};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Classes, SoftEncoder, Svls};

fn judge(criterion: &mut Criterion) {
    judge_volume(criterion, "judge", [128, 192, 192]);
    judge_volume(criterion, "patch", [8, 48, 48]);
}

fn judge_volume(criterion: &mut Criterion, name: &str, shape: [usize; 3]) {
    let classes = Classes::contiguous(4).expect("there are classes");
    let reference = maps::blobs(shape, 6, 4, 9);
    // The same shapes, moved by a voxel.
    let mut prediction = reference.clone();
    let moved = reference.slice_axis(Axis(2), (0..shape[2] - 1).into());
    prediction.slice_axis_mut(Axis(2), (1..shape[2]).into()).assign(&moved);
    let svls = Svls::default();
    let targets: Array4<f32> = svls.encode(&reference, &classes).expect("labels are classes");
    let sparse: SparseLabels<f32, _> = sparse::encode(&svls, &reference, &classes).expect("labels are classes");
    let mut logits: Array4<f32> = svls.encode(&prediction, &classes).expect("labels are classes");
    logits.mapv_inplace(|p| 4.0 * p);
    let mut probabilities = logits.mapv(f32::exp);
    let sums = probabilities.sum_axis(Axis(0));
    for mut class in probabilities.outer_iter_mut() {
        class /= &sums;
    }
    let mut gradient = Array4::zeros(logits.raw_dim());

    let mut group = criterion.benchmark_group(name);
    group.bench_function("read the probabilities", |b| b.iter(|| black_box(&probabilities).sum()));
    group.bench_function("cross entropy", |b| {
        b.iter(|| SoftCrossEntropy::of_map().value_and_gradient_into(&logits, &targets, &mut gradient));
    });
    group.bench_function("cross entropy, sparse", |b| {
        b.iter(|| SoftCrossEntropy::of_map().value_and_gradient_into(&logits, &sparse, &mut gradient));
    });
    let labels = LabelTargets::of_map(&svls, &reference, &classes).expect("labels are classes");
    group.bench_function("cross entropy, label map", |b| {
        b.iter(|| SoftCrossEntropy::of_map().value_and_gradient_into(&logits, &labels, &mut gradient));
    });
    group.bench_function("dice semimetric, label map", |b| {
        b.iter(|| DiceSemimetric::of_map().value_and_gradient_into(&logits, &labels, &mut gradient));
    });
    group.bench_function("dice semimetric", |b| {
        b.iter(|| DiceSemimetric::of_map().value_and_gradient_into(&logits, &targets, &mut gradient));
    });
    group.bench_function("dice", |b| {
        b.iter(|| {
            Confusion::count(&prediction, &reference, &classes).map(|all| all.dice(&Region::class(1), EmptyRegion::One))
        });
    });
    group.bench_function("ece", |b| {
        b.iter(|| Reliability::new(15).and_then(|mut bins| bins.add(&probabilities, &reference, &classes, Scope::All)));
    });
    group.bench_function("tace", |b| {
        b.iter(|| Tace::new().evaluate(&probabilities, &reference, &classes));
    });
    group.bench_function("likelihood", |b| {
        b.iter(|| negative_log_likelihood(&probabilities, &reference, &classes));
    });
    group.bench_function("brier", |b| b.iter(|| brier(&probabilities, &reference, &classes)));
    let mask = |map: &Array3<u8>| map.mapv(|label| label == 1);
    let (prediction_mask, reference_mask) = (mask(&prediction), mask(&reference));
    group.bench_function("surface dice", |b| {
        b.iter(|| Surfaces::new(&prediction_mask, &reference_mask, &[1.0; 3]).and_then(|surfaces| surfaces.dice(2.0)));
    });
    group.bench_function("surface distances", |b| {
        b.iter(|| {
            Surfaces::new(&prediction_mask, &reference_mask, &[1.0; 3]).and_then(|surfaces| surfaces.distances())
        });
    });
    let mut third = reference.clone();
    Zip::from(&mut third)
        .and(&prediction)
        .for_each(|a, &b| *a = (*a).max(b));
    let raters = [reference.view(), prediction.view(), third.view()];
    group.bench_function("majority vote", |b| {
        b.iter(|| majority_vote(&raters, &classes, Ties::Lowest));
    });
    group.bench_function("staple", |b| {
        b.iter(|| -> soft_labels::Result<StapleFusion<f32, _>> { Staple::new().fuse(&raters, &classes) });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = judge
}
criterion_main!(benches);
