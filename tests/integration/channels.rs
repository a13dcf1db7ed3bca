//! Channels that are not the classes, against the mixed soft labels of the naive reference.

use ndarray::{Array2, Array3, ArrayD, Axis, Dimension, IxDyn, array};
use proptest::prelude::*;
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{
    Channels, Classes, Encoding, Error, LabelSmoothing, OneHot, Raters, SoftEncoder, Svls, pool, quantize,
};

use crate::naive::{self, Soft};
use crate::properties::encode;
use crate::real::{Real, assert_close, assert_same_bits};
use crate::scene::{Scene, for_all};

/// `p_c = Σ_k q_k T[k, c]`.
fn mix(soft: &Soft, matrix: &Array2<f64>) -> Soft {
    let shape: Vec<usize> = [&[matrix.ncols()], &soft.shape()[1..]].concat();
    Soft::from_shape_fn(shape, |at| {
        let entry = |class: usize| IxDyn(&[&[class], &at.slice()[1..]].concat());
        (0..matrix.nrows())
            .map(|class| soft[entry(class)] * matrix[[class, at[0]]])
            .sum()
    })
}

/// Regions as positions of classes, some of them with all classes and some with one.
fn regions(classes: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
    let region = prop_oneof![
        1 => Just((0..classes).collect()),
        1 => (0..classes).prop_map(|class| vec![class]),
        3 => prop::collection::vec(0..classes, 1..=classes.min(9)),
    ];
    prop::collection::vec(region, 1..5)
}

/// A matrix whose rows sum to 1: sparse and dense rows, and rows of one entry.
fn distributions(classes: usize) -> impl Strategy<Value = Array2<f64>> {
    (1_usize..6).prop_flat_map(move |channels| {
        let entry = prop_oneof![1 => Just(0.0), 1 => Just(1.0), 2 => 0.01..1.0];
        prop::collection::vec(entry, classes * channels).prop_map(move |entries| {
            let mut matrix = Array2::from_shape_vec((classes, channels), entries).unwrap();
            for mut row in matrix.rows_mut() {
                if row.sum() == 0.0 {
                    row[0] = 1.0;
                }
                let sum = row.sum();
                row /= sum;
            }
            matrix
        })
    })
}

fn with_regions() -> impl Strategy<Value = (Scene, Vec<Vec<usize>>)> {
    Scene::any().prop_flat_map(|scene| {
        let regions = regions(scene.values.len());
        (Just(scene), regions)
    })
}

fn with_distributions() -> impl Strategy<Value = (Scene, Array2<f64>)> {
    Scene::of_few_classes().prop_flat_map(|scene| {
        let matrix = distributions(scene.values.len());
        (Just(scene), matrix)
    })
}

fn channels_of(scene: &Scene, regions: &[Vec<usize>]) -> Channels {
    let value = |&class: &usize| scene.values[class];
    Channels::regions(
        regions
            .iter()
            .map(|region| region.iter().map(value).collect::<Vec<_>>()),
    )
    .unwrap()
}

fn matrix_of(scene: &Scene, regions: &[Vec<usize>]) -> Array2<f64> {
    Array2::from_shape_fn((scene.values.len(), regions.len()), |(class, channel)| {
        f64::from(regions[channel].contains(&class))
    })
}

fn naive_svls(scene: &Scene) -> Soft {
    scene.judge(|map, classes| naive::svls_of_strength(map, classes, &scene.sigma, &scene.radius, scene.strength))
}

/// The scene with the binary mask of a region instead of its labels.
fn mask_of(scene: &Scene, region: &[usize]) -> Scene {
    Scene {
        maps: scene
            .maps
            .iter()
            .map(|map| map.mapv(|class| class.map(|class| usize::from(region.contains(&class)))))
            .collect(),
        values: vec![0, 1],
        ..scene.clone()
    }
}

fn regions_have_the_bits_of_their_masks<F: Real>(cases: u32) {
    for_all(cases, with_regions(), |(scene, regions)| {
        let encoder = scene.svls().with_channels(channels_of(&scene, &regions));
        let soft = encode::<i32, F, IxDyn>(&scene, &encoder);
        assert_close(&soft, &mix(&naive_svls(&scene), &matrix_of(&scene, &regions)));
        for (channel, region) in regions.iter().enumerate() {
            let mask = mask_of(&scene, region);
            let own = encode::<i32, F, IxDyn>(&mask, &scene.svls());
            assert_same_bits(&soft.index_axis(Axis(0), channel), &own.index_axis(Axis(0), 1));
        }
    });
}

#[test]
fn a_region_has_the_bits_of_its_own_mask() {
    regions_have_the_bits_of_their_masks::<f64>(500);
    regions_have_the_bits_of_their_masks::<f32>(300);
}

#[cfg(feature = "half")]
#[test]
fn a_region_has_the_bits_of_its_own_mask_in_16_bits() {
    regions_have_the_bits_of_their_masks::<half::f16>(150);
    regions_have_the_bits_of_their_masks::<half::bf16>(150);
}

fn matrices_agree<F: Real>(cases: u32) {
    for_all(cases, with_distributions(), |(scene, matrix)| {
        let channels = Channels::matrix(&matrix).unwrap();
        let soft = encode::<u8, F, IxDyn>(&scene, &scene.svls().with_channels(channels));
        assert_close(&soft, &mix(&naive_svls(&scene), &matrix));
        let sums: ArrayD<f64> = soft.mapv(F::into).sum_axis(Axis(0));
        for (at, &sum) in sums.indexed_iter() {
            assert!(
                sum == 0.0 || (sum - 1.0).abs() <= F::SUM_TOLERANCE,
                "{sum} at {:?}",
                at.slice()
            );
        }
    });
}

#[test]
fn a_matrix_mixes_classes() {
    matrices_agree::<f64>(500);
    matrices_agree::<f32>(300);
}

#[test]
fn channels_follow_any_encoder() {
    for_all(300, (with_distributions(), 0.0..=1.0), |((scene, matrix), alpha)| {
        let channels = || Channels::matrix(&matrix).unwrap();
        let soft = encode::<u8, f64, IxDyn>(&scene, &OneHot.with_channels(channels()));
        assert_close(&soft, &mix(&scene.judge(naive::one_hot), &matrix));
        let ls = LabelSmoothing::new(alpha).unwrap();
        let soft = encode::<u8, f64, IxDyn>(&scene, &Encoding::from(ls).with_channels(channels()));
        let expected = scene.judge(|map, classes| naive::label_smoothing(map, classes, alpha));
        assert_close(&soft, &mix(&expected, &matrix));
    });
    for_all(300, (with_regions(), 0.0..=1.0), |((scene, regions), alpha)| {
        let ls = LabelSmoothing::over_others(alpha).unwrap();
        let soft = encode::<i32, f64, IxDyn>(&scene, &ls.with_channels(channels_of(&scene, &regions)));
        let expected = scene.judge(|map, classes| naive::label_smoothing_over_others(map, classes, alpha));
        assert_close(&soft, &mix(&expected, &matrix_of(&scene, &regions)));
    });
}

/// What does not depend on the window: the bits.
fn check_windows(scene: &Scene, encoder: &impl SoftEncoder) {
    let part = encode::<i16, f32, IxDyn>(scene, encoder);
    let all = Scene {
        window: scene.maps[0].shape().iter().map(|&len| 0..len).collect(),
        ..scene.clone()
    };
    let all = encode::<u8, f32, IxDyn>(&all, encoder);
    let mut expected = all.view();
    for (axis, range) in scene.window.iter().enumerate() {
        expected.slice_axis_inplace(Axis(axis + 1), range.clone().into());
    }
    assert_same_bits(&part, &expected);
}

#[test]
fn windows_have_the_bits_of_the_whole() {
    for_all(300, with_distributions(), |(scene, matrix)| {
        check_windows(&scene, &scene.svls().with_channels(Channels::matrix(&matrix).unwrap()));
    });
    for_all(200, Scene::of_few_classes(), |scene| {
        let binomial = Channels::ordinal_binomial();
        check_windows(&scene, &scene.svls().with_channels(binomial));
    });
}

fn rater_views(scene: &Scene) -> Vec<ArrayD<u8>> {
    (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect()
}

#[test]
fn sparse_ones_are_the_dense_ones() {
    let check = |scene: &Scene, encoder: &dyn Fn() -> Encoding| {
        let (maps, classes, encoder) = (rater_views(scene), scene.classes(), encoder());
        let maps: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let raters = Raters::weighted(&maps, &scene.weights()).unwrap();
        let dense: ArrayD<f32> = encoder.encode_raters(&raters, &classes).unwrap();
        let sparse: SparseLabels<f32, _> = match sparse::encode_raters(&encoder, &raters, &classes) {
            Err(Error::NotSparse) => return,
            sparse => sparse.unwrap(),
        };
        assert_eq!(sparse.is_distribution(), encoder.is_distribution(&classes).unwrap());
        assert_same_bits(&sparse.to_dense().unwrap(), &dense);
        let again = |parts| match sparse.is_distribution() {
            true => SparseLabels::from_parts(sparse.shape(), sparse.class_count(), parts),
            false => SparseLabels::from_membership_parts(sparse.shape(), sparse.class_count(), parts),
        };
        assert_eq!(again(sparse.parts()).unwrap(), sparse);
    };
    for_all(
        300,
        with_regions().prop_filter("few", |(scene, _)| scene.values.len() <= Scene::FEW),
        |(scene, regions)| {
            check(&scene, &|| {
                scene.svls().with_channels(channels_of(&scene, &regions)).into()
            });
        },
    );
    for_all(300, with_distributions(), |(scene, matrix)| {
        check(&scene, &|| {
            scene.svls().with_channels(Channels::matrix(&matrix).unwrap()).into()
        });
    });
    let full = OneHot.with_channels(Channels::ordinal_binomial());
    let sparse = sparse::encode::<_, f32, _>(&full, &array![[0_u8, 1]], &Classes::contiguous(2).unwrap());
    assert_eq!(sparse.unwrap_err(), Error::NotSparse);
}

#[test]
fn parts_of_255_sum_to_255_or_are_rounded_alone() {
    let parts_of = |scene: &Scene, encoder: &Encoding| {
        let maps = rater_views(scene);
        let maps: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let raters = Raters::weighted(&maps, &scene.weights()).unwrap();
        let soft: ArrayD<f64> = encoder.encode_raters(&raters, &scene.classes()).unwrap();
        let mut parts = ArrayD::from_elem(soft.raw_dim(), 77_u8);
        let whole: Vec<_> = soft.shape()[1..].iter().map(|&len| 0..len).collect();
        quantize::encode_into(encoder, &raters, &scene.classes(), &whole, &mut parts).unwrap();
        (soft, parts)
    };
    for_all(
        300,
        with_regions().prop_filter("few", |(scene, _)| scene.values.len() <= Scene::FEW),
        |(scene, regions)| {
            let encoder: Encoding = scene.svls().with_channels(channels_of(&scene, &regions)).into();
            let (soft, parts) = parts_of(&scene, &encoder);
            if !encoder.is_distribution(&scene.classes()).unwrap() {
                // The nearest; a half is rounded up, so that a region's own voxel has at least 128.
                assert_eq!(parts, soft.mapv(|p| (255.0 * p + 0.5).floor() as u8));
            }
        },
    );
    for_all(300, with_distributions(), |(scene, matrix)| {
        let encoder: Encoding = scene.svls().with_channels(Channels::matrix(&matrix).unwrap()).into();
        let (soft, parts) = parts_of(&scene, &encoder);
        for (soft, parts) in soft.lanes(Axis(0)).into_iter().zip(parts.lanes(Axis(0))) {
            let sum: u32 = parts.iter().copied().map(u32::from).sum();
            assert_eq!(sum, if soft.sum() == 0.0 { 0 } else { 255 });
            for (p, part) in soft.iter().zip(parts) {
                assert!((255.0 * p - f64::from(*part)).abs() < 1.0 + 1e-6, "{p} as {part}");
            }
        }
    });
}

#[test]
fn pooled_and_batched_like_classes() {
    let (labels, classes) = (array![[0_u8, 1, 2, 2, 1, 0]], Classes::contiguous(3).unwrap());
    let encoder = Svls::default().with_channels(Channels::regions([[1, 2].as_slice(), &[2]]).unwrap());
    let soft: Array3<f64> = encoder.encode(&labels, &classes).unwrap();
    let raters = Raters::one(labels.view()).unwrap();
    let pooled: Array3<f64> = pool::encode_window(&encoder, &raters, &classes, &[0..1, 0..6], [1, 2]).unwrap();
    // A voxel outside all regions counts.
    let means = |soft: &Array3<f64>| {
        Array3::from_shape_fn((2, 1, 3), |(c, _, w)| {
            (soft[[c, 0, 2 * w]] + soft[[c, 0, 2 * w + 1]]) / 2.0
        })
    };
    assert_eq!(pooled, means(&soft));
    assert_eq!(
        pooled,
        pool::average_memberships(&soft, [1, 2], &array![[true; 6]]).unwrap()
    );
    let sample = soft_labels::batch::Sample::new(labels.view()).unwrap();
    let batch: ndarray::Array4<f64> =
        soft_labels::batch::encode(&encoder, std::slice::from_ref(&sample), &classes).unwrap();
    assert_eq!(batch.index_axis(Axis(0), 0), soft);
    let scales: Vec<ndarray::Array4<f64>> =
        soft_labels::batch::encode_scales(&encoder, std::slice::from_ref(&sample), &classes, &[[1, 2]]).unwrap();
    assert_eq!(scales[0].index_axis(Axis(0), 0), pooled);

    // An ignored voxel does not, unless another rater with a weight saw it.
    let (hidden, classes) = (array![[0_u8, 9, 9, 9, 2, 2]], classes.with_ignore(9).unwrap());
    let region = OneHot.with_channels(Channels::regions([[2]]).unwrap());
    let pooled_of = |raters: &Raters<'_, u8, ndarray::Ix2>| -> Array3<f64> {
        pool::encode_window(&region, raters, &classes, &[0..1, 0..6], [1, 2]).unwrap()
    };
    assert_eq!(
        pooled_of(&Raters::one(hidden.view()).unwrap()),
        array![[[0.0, 0.0, 1.0]]]
    );
    let maps = [hidden.view(), labels.view()];
    let both = pooled_of(&Raters::weighted(&maps, &[1.0, 1.0]).unwrap());
    assert_eq!(both, array![[[0.0, 1.0, 0.5]]]);
    assert_eq!(
        pooled_of(&Raters::weighted(&maps, &[1.0, 0.0]).unwrap()),
        array![[[0.0, 0.0, 1.0]]]
    );
}

/// The rows of a matrix, seen by encoding every class alone.
fn rows(channels: Channels, classes: usize) -> Array2<f64> {
    let labels = Array2::from_shape_fn((1, classes), |(_, class)| u8::try_from(class).unwrap());
    let classes = Classes::contiguous(classes).unwrap();
    let soft: Array3<f64> = OneHot.with_channels(channels).encode(&labels, &classes).unwrap();
    soft.index_axis(Axis(1), 0).reversed_axes().to_owned()
}

#[test]
fn constructors_have_the_numbers_of_dlordinal() {
    // dlordinal 2.7.0: get_exponential_soft_labels(5, p=1.0, tau=1.0), (4, p=2.0, tau=0.5) and
    // get_binomial_soft_labels(5). See golden/generate_ordinal.py.
    let golden = include!("../golden/dlordinal.rs");
    for ((channels, classes), golden) in [
        (Channels::ordinal_exponential(1.0, 1.0).unwrap(), 5),
        (Channels::ordinal_exponential(0.5, 2.0).unwrap(), 4),
        (Channels::ordinal_binomial(), 5),
    ]
    .into_iter()
    .zip(golden)
    {
        let rows = rows(channels, classes);
        for (value, golden) in rows.iter().zip(&golden) {
            assert!((value - golden).abs() < 1e-12, "{value} is not {golden}");
        }
        assert_eq!(rows.len(), golden.len());
    }
    // A hundred classes, whose coefficients are large, and one.
    assert!((rows(Channels::ordinal_binomial(), 100).sum() - 100.0).abs() < 1e-9);
    assert_eq!(rows(Channels::ordinal_binomial(), 1), array![[1.0]]);
}

#[test]
fn constructors_by_hand() {
    assert_eq!(
        rows(Channels::per_class([0.0, 0.5]).unwrap(), 2),
        array![[1.0, 0.0], [0.25, 0.75]]
    );
    assert_eq!(
        rows(Channels::siblings([7, 7, 3], 0.25).unwrap(), 3),
        array![[0.75, 0.25, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]
    );
    assert_eq!(
        rows(Channels::confusion(&array![[3.0, 1.0], [0.0, 8.0]]).unwrap(), 2),
        array![[0.75, 0.25], [0.0, 1.0]]
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let empty = |what| Error::Empty { what };
    assert_eq!(Channels::regions(Vec::<Vec<u8>>::new()), Err(empty("channels")));
    assert_eq!(Channels::regions([Vec::<u8>::new()]), Err(empty("labels of a region")));
    assert_eq!(
        Channels::matrix(&array![[1.0, 0.0], [0.5, 0.75]]),
        Err(Error::ChannelRow { row: 1, sum: 1.25 })
    );
    assert_eq!(
        Channels::confusion(&array![[1.0, 0.0], [0.0, 0.0]]),
        Err(Error::ChannelRow { row: 1, sum: 0.0 })
    );
    for value in [-0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            Channels::matrix(&array![[1.0, 0.0], [value, 1.0]]),
            Err(Error::Setting {
                what: "an entry of the channels",
                ..
            })
        ));
        assert!(Channels::ordinal_exponential(value, 1.0).is_err());
        assert!(Channels::per_class([value]).is_err());
    }
    assert!(matches!(
        Channels::siblings(vec![0; 65535], 0.1),
        Err(Error::TooLarge { .. })
    ));

    let classes = Classes::contiguous(3).unwrap();
    let encode = |channels: Channels| -> Result<Array3<f32>, Error> {
        OneHot.with_channels(channels).encode(&array![[0_u8, 1]], &classes)
    };
    let unknown = Error::NoClass {
        what: "label",
        value: 4,
        classes: 3,
    };
    assert_eq!(encode(Channels::regions([[1, 4]]).unwrap()), Err(unknown));
    let count = Error::Count {
        what: "channels",
        per: "classes",
        expected: 3,
        actual: 2,
    };
    assert_eq!(encode(Channels::per_class([0.0, 0.1]).unwrap()), Err(count));
    let twice = OneHot
        .with_channels(Channels::ordinal_binomial())
        .with_channels(Channels::ordinal_binomial());
    let soft: Result<Array3<f32>, Error> = twice.encode(&array![[0_u8]], &classes);
    assert!(matches!(soft, Err(Error::Conflict { .. })));
}

#[cfg(feature = "serde")]
#[test]
fn as_json() {
    use soft_labels::structures::Structures;

    let read = |json: &str| serde_json::from_str::<Encoding>(json);
    let svls = Svls::default;
    for (json, channels) in [
        (
            r#"{"regions":[[1,2,4],[1,4],[4]]}"#,
            Channels::regions([vec![1, 2, 4], vec![1, 4], vec![4]]).unwrap(),
        ),
        (
            r#"{"matrix":[[1.0,0.0],[0.5,0.5]]}"#,
            Channels::matrix(&array![[1.0, 0.0], [0.5, 0.5]]).unwrap(),
        ),
        (
            r#"{"ordinal":"exponential","tau":1.5}"#,
            Channels::ordinal_exponential(1.5, 1.0).unwrap(),
        ),
        (
            r#"{"ordinal":"exponential","tau":1.5,"power":2.0}"#,
            Channels::ordinal_exponential(1.5, 2.0).unwrap(),
        ),
        (r#"{"ordinal":"binomial"}"#, Channels::ordinal_binomial()),
        (
            r#"{"siblings":[0,1,1],"alpha":0.2}"#,
            Channels::siblings([0, 1, 1], 0.2).unwrap(),
        ),
        (
            r#"{"structures":[[1],[]]}"#,
            Structures::of_masks([&array![[true, false]], &array![[false, false]]])
                .unwrap()
                .channels(),
        ),
        (r#"{"per_class":[0.0,0.1]}"#, Channels::per_class([0.0, 0.1]).unwrap()),
    ] {
        let encoding = Encoding::from(svls().with_channels(channels));
        let json = format!(r#"{{"method":"svls","channels":{json}}}"#);
        assert_eq!(read(&json).unwrap(), encoding);
        assert_eq!(serde_json::to_string(&encoding).unwrap(), json);
    }
    let counts = read(r#"{"method":"one_hot","channels":{"confusion":[[3,1],[0,8]]}}"#).unwrap();
    let matrix = Channels::matrix(&array![[0.75, 0.25], [0.0, 1.0]]).unwrap();
    assert_eq!(counts, OneHot.with_channels(matrix).into());

    for (channels, words) in [
        (r#"{"matrix":[[1,0],[0.5,0.25]]}"#, "row 1 of the channels sums to 0.75"),
        (r#"{"matrix":[[1,0],[1]]}"#, "row 1 of matrix has 1 entries"),
        (r#"{"region":[[1]]}"#, "unknown field `region`"),
        (r#"{"regions":[[1]],"alpha":0.1}"#, "regions have no alpha"),
        (
            r#"{"regions":[[1]],"ordinal":"binomial"}"#,
            "channels of regions and of ordinal",
        ),
        (r#"{"ordinal":"binomial","tau":1}"#, "have no tau"),
        (r#"{"ordinal":"exponential"}"#, "need tau"),
        (r#"{"ordinal":"poisson"}"#, "unknown variant `poisson`"),
        (r#"{"siblings":[0,0]}"#, "need alpha"),
        (r#"{}"#, "channels need regions"),
        (r#"{"regions":[]}"#, "no channels"),
        (r#"{"regions":[[1],[]]}"#, "no labels of a region"),
        (r#"{"regions":[[1.5]]}"#, "whole number"),
    ] {
        let error = read(&format!(r#"{{"method":"svls","channels":{channels}}}"#)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
