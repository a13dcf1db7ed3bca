//! Encoding against filling the same output once, which is as fast as memory allows.
//!
//! `cargo bench --features half` runs all; `cargo bench -- brats` those whose names hold "brats". Every group starts with
//! its fill, so that a ratio is of one run. `SOFT_LABELS_MAPS=a.npy:b.npy` adds label maps of yours (`uint8`, 3D, labels
//! 0..N).

mod maps;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array3, Array4, ArrayView3, Axis, Slice};
use ndarray_npy::read_npy;
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{
    Channels, Classes, Label, LabelSmoothing, OneHot, Raters, SoftEncoder, SoftFloat, Svls, SvlsKernel, multirater,
    quantize,
};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn group<'a>(criterion: &'a mut Criterion, name: &str, map: &Array3<u8>, classes: usize) -> Group<'a> {
    println!(
        "{name}: {:?}, {classes} classes, {:.1} % boundary voxels",
        map.shape(),
        100.0 * maps::boundary(map)
    );
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements((map.len() * classes) as u64));
    group
}

/// An output of which every page has been written to.
fn output<F: SoftFloat>(shape: &[usize], classes: usize) -> Array4<F> {
    let mut out = Array4::zeros((classes, shape[0], shape[1], shape[2]));
    out.fill(F::zero());
    out
}

fn fill(group: &mut Group<'_>, map: &Array3<u8>, classes: usize) {
    let mut out = output::<f32>(map.shape(), classes);
    group.bench_function("fill", |bencher| {
        bencher.iter(|| {
            if let Some(values) = out.as_slice_mut() {
                values.fill(0.0);
            }
            black_box(&mut out);
        });
    });
}

fn encode<L: Label, F: SoftFloat>(
    group: &mut Group<'_>,
    name: &str,
    encoder: &impl SoftEncoder,
    labels: &ArrayView3<'_, L>,
    classes: &Classes,
) {
    let mut out = output::<F>(labels.shape(), encoder.channel_count(classes).unwrap());
    group.bench_function(name, |bencher| {
        bencher.iter(|| encoder.encode_into(labels, classes, &mut out));
    });
}

/// Every kind of kernel, element, label and layout on one map.
/// As many channels as classes: regions of which each holds the next, regions of two classes, and dense and sparse matrices.
fn channels(group: &mut Group<'_>, map: &Array3<u8>, count: usize) {
    let classes = Classes::contiguous(count).unwrap();
    let nested: Vec<Vec<usize>> = (0..count).map(|first| (first..count).collect()).collect();
    let pairs: Vec<Vec<usize>> = (0..count).map(|class| vec![class, (class + 1) % count]).collect();
    let groups: Vec<usize> = (0..count).map(|class| class / 3).collect();
    for (name, channels) in [
        ("svls, nested regions", Channels::regions(nested)),
        ("svls, regions of two", Channels::regions(pairs)),
        ("svls, siblings", Channels::siblings(groups, 0.2)),
        ("svls, ordinal", Channels::ordinal_exponential(1.0, 1.0)),
    ] {
        let encoder = Svls::default().with_channels(channels.unwrap());
        encode::<_, f32>(group, name, &encoder, &map.view(), &classes);
    }
}

fn brats(criterion: &mut Criterion) {
    let map = maps::blobs([155, 240, 240], 6, 5, 9);
    let (svls, classes) = (Svls::default(), Classes::contiguous(5).unwrap());
    let group = &mut group(criterion, "brats", &map, 5);
    let kernel = |builder: soft_labels::SvlsKernelBuilder| Svls::new(builder.build().unwrap());
    fill(group, &map, 5);
    encode::<_, f32>(group, "svls", &svls, &map.view(), &classes);
    encode::<_, f64>(group, "svls, f64", &svls, &map.view(), &classes);
    #[cfg(feature = "half")]
    {
        encode::<_, half::f16>(group, "svls, f16", &svls, &map.view(), &classes);
        encode::<_, half::bf16>(group, "svls, bf16", &svls, &map.view(), &classes);
    }
    let wide = kernel(SvlsKernel::builder().radius(2));
    encode::<_, f32>(group, "svls, 5x5x5", &wide, &map.view(), &classes);
    let three = kernel(SvlsKernel::builder().sigma([0.7, 1.0, 1.3]));
    encode::<_, f32>(group, "svls, three sigmas", &three, &map.view(), &classes);
    encode::<_, f32>(group, "one-hot", &OneHot, &map.view(), &classes);
    encode::<_, f32>(group, "ls", &LabelSmoothing::new(0.1).unwrap(), &map.view(), &classes);
    channels(group, &map, 5);

    encode::<_, f32>(group, "svls, i64 labels", &svls, &map.mapv(i64::from).view(), &classes);
    let listed = Classes::from_values([0_u8, 10, 20, 30, 40]).unwrap();
    encode::<_, f32>(
        group,
        "svls, listed labels",
        &svls,
        &map.mapv(|label| 10 * label).view(),
        &listed,
    );
    let fortran = map.t().as_standard_layout().into_owned();
    encode::<_, f32>(group, "svls, Fortran order", &svls, &fortran.t(), &classes);
    let mut backwards = Array4::<f32>::zeros((5, 240, 240, 155));
    backwards.fill(0.0);
    group.bench_function("svls, Fortran order, output too", |bencher| {
        bencher.iter(|| {
            svls.encode_into(
                &fortran.t(),
                &classes,
                &mut backwards.view_mut().permuted_axes([0, 3, 2, 1]),
            )
        });
    });
    let mut bytes = Array4::<u8>::zeros((5, 155, 240, 240));
    bytes.fill(0);
    let (one, all) = (Raters::one(map.view()).unwrap(), [0..155, 0..240, 0..240]);
    group.bench_function("svls, 255ths", |bencher| {
        bencher.iter(|| quantize::encode_into(&svls, &one, &classes, &all, &mut bytes));
    });
    let mut gaps = Array3::<u8>::zeros((155, 240, 480));
    gaps.slice_axis_mut(Axis(2), Slice::new(0, None, 2)).assign(&map);
    let strided = gaps.slice_axis(Axis(2), Slice::new(0, None, 2));
    encode::<_, f32>(group, "svls, strided", &svls, &strided, &classes);

    let others = [9, 9, 10].map(|seed| maps::blobs([155, 240, 240], 6, 5, seed));
    let raters = [map.view(), others[0].view(), others[1].view(), others[2].view()];
    let mut out = output::<f32>(map.shape(), 5);
    group.bench_function("msvls, four raters", |bencher| {
        bencher.iter(|| multirater::average_into(&svls, &raters, &classes, &mut out));
    });
}

fn few_classes(criterion: &mut Criterion) {
    for (name, shape) in [("kits", [29, 512, 512]), ("small", [80, 160, 160])] {
        let map = maps::blobs(shape, 4, 3, 7);
        let group = &mut group(criterion, name, &map, 3);
        fill(group, &map, 3);
        encode::<_, f32>(
            group,
            "svls",
            &Svls::default(),
            &map.view(),
            &Classes::contiguous(3).unwrap(),
        );
    }
}

fn regions(criterion: &mut Criterion) {
    let map = maps::regions([144, 160, 176], 54);
    let classes = Classes::contiguous(54).unwrap();
    let group = &mut group(criterion, "regions", &map, 54);
    fill(group, &map, 54);
    encode::<_, f32>(group, "svls", &Svls::default(), &map.view(), &classes);
    channels(group, &map, 54);
    group.bench_function("svls, sparse", |bencher| {
        bencher.iter(|| -> Result<SparseLabels<f32, _>, _> { sparse::encode(&Svls::default(), &map, &classes) });
    });
}

fn noise(criterion: &mut Criterion) {
    let map = maps::noise([64, 128, 128], 4);
    let group = &mut group(criterion, "noise", &map, 4);
    fill(group, &map, 4);
    encode::<_, f32>(
        group,
        "svls",
        &Svls::default(),
        &map.view(),
        &Classes::contiguous(4).unwrap(),
    );
}

fn street(criterion: &mut Criterion) {
    let map = maps::street();
    let classes = Classes::contiguous(19).unwrap().with_ignore(255).unwrap();
    let mut group = criterion.benchmark_group("street");
    group.throughput(Throughput::Elements(19 * map.len() as u64));
    let mut out = Array3::<f32>::zeros((19, 1024, 2048));
    out.fill(0.0);
    group.bench_function("fill", |bencher| {
        bencher.iter(|| out.as_slice_mut().map(|values| values.fill(0.0)));
    });
    let svls = Svls::default();
    group.bench_function("svls", |bencher| {
        bencher.iter(|| svls.encode_into(&map, &classes, &mut out));
    });
}

/// A patch of a large volume costs what a map of its size costs.
fn window(criterion: &mut Criterion) {
    let map = maps::blobs([256, 512, 512], 4, 3, 7);
    let window = [100..196, 200..296, 300..396];
    let mut patch = map.view();
    for (axis, range) in window.iter().enumerate() {
        patch.slice_axis_inplace(Axis(axis), Slice::from(range.clone()));
    }
    let patch = patch.to_owned();
    let (svls, classes) = (Svls::default(), Classes::contiguous(3).unwrap());
    let group = &mut group(criterion, "window", &patch, 3);
    encode::<_, f32>(group, "a map of 96^3", &svls, &patch.view(), &classes);
    let mut out = output::<f32>(patch.shape(), 3);
    group.bench_function("96^3 of a large map", |bencher| {
        bencher.iter(|| svls.encode_window_into(&map, &classes, &window, &mut out));
    });
}

fn own_files(criterion: &mut Criterion) {
    let Some(paths) = std::env::var_os("SOFT_LABELS_MAPS") else {
        return;
    };
    for path in std::env::split_paths(&paths) {
        let map: Array3<u8> = match read_npy(&path) {
            Ok(map) => map,
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let classes = 1 + usize::from(map.iter().copied().max().unwrap_or(0));
        let group = &mut group(criterion, &path.display().to_string(), &map, classes);
        fill(group, &map, classes);
        encode::<_, f32>(
            group,
            "svls",
            &Svls::default(),
            &map.view(),
            &Classes::contiguous(classes).unwrap(),
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(700));
    targets = brats, few_classes, regions, noise, street, window, own_files
}
criterion_main!(benches);
