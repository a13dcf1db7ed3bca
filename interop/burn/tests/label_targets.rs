//! Losses of label maps agree with those of soft-labels, and their gradients by autodiff with the ones computed there.

use burn::tensor::{DType, Device, FloatDType, Int, IntDType, Tensor, TensorData};
use ndarray::{ArrayD, ArrayView, Axis, Ix2, Ix3, IxDyn};
use soft_labels::batch::{Sample, encode};
use soft_labels::loss::{
    DiceSemimetric, JaccardSemimetric, LabelTargets as Expected, OverlapForm, SoftCrossEntropy,
    Targets as ExpectedTargets,
};
use soft_labels::{
    Channels, Classes, Encoding, Error, LabelSmoothing, OneHot, Raters, SoftEncoder, SpatialDim, Svls, SvlsKernel,
};
use soft_labels_burn::{Form, LabelTargets, Overlap, SemimetricLossConfig, SoftCrossEntropyLossConfig, Targets};

/// A case: the classes, and label maps (N, ..) of each rater with the raters' weights.
struct Case {
    name: String,
    encoding: Encoding,
    classes: Classes,
    maps: Vec<ArrayD<i64>>,
    weights: Option<Vec<f64>>,
}

/// Numbers that look random, the same in every run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 20
    })
}

/// Blobs of a few voxels, some of them ignored.
fn map(shape: &[usize], values: &[i64], seed: u64) -> ArrayD<i64> {
    let mut drawn = numbers(seed);
    let mut last = values[0];
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        let number = drawn.next().unwrap();
        if number.is_multiple_of(3) {
            last = values[(number / 3) as usize % values.len()];
        }
        last
    })
}

fn cases() -> Vec<Case> {
    let kernel = |radius: &[usize]| {
        let kernel = SvlsKernel::builder().sigma(1.5).radius(radius.to_vec()).strength(0.5);
        Svls::new(kernel.build().unwrap())
    };
    let mut cases = Vec::new();
    for shape in [
        &[2, 5, 6][..],
        &[1, 1, 1],
        &[3, 1, 7],
        &[2, 3, 4, 5],
        &[1, 4, 1, 1],
        &[1, 2, 1, 6],
    ] {
        let wide = kernel(if shape.len() == 3 { &[0, 2] } else { &[1, 0, 3] });
        let encodings: [(&str, Encoding); 5] = [
            ("SVLS", Svls::default().into()),
            ("wide SVLS", wide.into()),
            ("one-hot", OneHot.into()),
            ("label smoothing", LabelSmoothing::new(0.1).unwrap().into()),
            (
                "SVLS of ordered classes",
                Svls::default().with_channels(Channels::ordinal_binomial()).into(),
            ),
        ];
        for (name, encoding) in encodings {
            let mut add = |what: &str, classes: Classes, values: &[i64], raters: u64, weights: Option<Vec<f64>>| {
                cases.push(Case {
                    name: format!("{name} of {what}, {shape:?}"),
                    encoding: encoding.clone(),
                    classes,
                    maps: (0..raters).map(|rater| map(shape, values, 7 + rater)).collect(),
                    weights,
                });
            };
            let three = Classes::contiguous(3).unwrap();
            add("3 classes", three.clone(), &[0, 1, 2], 1, None);
            add(
                "3 classes and ignored voxels",
                three.clone().with_ignore(255).unwrap(),
                &[0, 1, 2, 255],
                1,
                None,
            );
            add(
                "2 raters",
                three.clone().with_ignore(-1).unwrap(),
                &[0, 1, 2, -1, -1],
                2,
                None,
            );
            add(
                "weighted raters",
                three.with_ignore(-1).unwrap(),
                &[0, 1, -1, 2, -1],
                3,
                Some(vec![1.0, 0.0, 2.5]),
            );
            let listed = Classes::from_values([4_i64, 0, -3, 1 << 40])
                .unwrap()
                .with_ignore(9)
                .unwrap();
            add("listed values", listed, &[4, 0, -3, 9], 1, None);
        }
        // So many classes that soft labels take more memory than neighbours.
        let many: Vec<i64> = (0..90).chain([255, 255, 255]).collect();
        cases.push(Case {
            name: format!("90 classes, {shape:?}"),
            encoding: Encoding::default(),
            classes: Classes::contiguous(90).unwrap().with_ignore(255).unwrap(),
            maps: vec![map(shape, &many, 3)],
            weights: None,
        });
    }
    // A sample that nobody labelled has no part in a mean over samples.
    let mut maps = map(&[3, 4, 3], &[0, 1, 255], 9);
    maps.index_axis_mut(Axis(0), 1).fill(255);
    cases.push(Case {
        name: "an ignored sample".into(),
        encoding: Encoding::default(),
        classes: Classes::contiguous(2).unwrap().with_ignore(255).unwrap(),
        maps: vec![maps],
        weights: None,
    });
    cases
}

impl Case {
    fn targets<const M: usize>(&self, device: &Device) -> LabelTargets<M> {
        let tensor = |map: &ArrayD<i64>| {
            let data = TensorData::new(map.iter().copied().collect(), map.shape().to_vec());
            Tensor::<M, Int>::from_data(data, (device, DType::I64))
        };
        let maps = self.maps.iter().map(tensor).collect();
        LabelTargets::raters(self.encoding.clone(), maps, self.weights.as_deref(), &self.classes).unwrap()
    }

    /// For each sample the maps of all raters.
    fn samples<D: SpatialDim>(&self) -> Vec<Raters<'_, i64, D>> {
        let samples = self.maps[0].shape()[0];
        let sample = |sample: usize| {
            let maps: Vec<ArrayView<'_, i64, D>> = self
                .maps
                .iter()
                .map(|map| map.index_axis(Axis(0), sample).into_dimensionality().unwrap())
                .collect();
            match &self.weights {
                Some(weights) => Raters::weighted(&maps, weights).unwrap(),
                None => Raters::new(&maps).unwrap(),
            }
        };
        (0..samples).map(sample).collect()
    }

    fn soft<D: SpatialDim>(&self) -> ArrayD<f32> {
        let samples: Vec<_> = self.samples::<D>().into_iter().map(Sample::raters).collect();
        encode::<_, f32, D>(&self.encoding, &samples, &self.classes)
            .unwrap()
            .into_dyn()
    }

    fn logits(&self) -> ArrayD<f32> {
        let mut shape = self.maps[0].shape().to_vec();
        shape.insert(1, self.encoding.channel_count(&self.classes).unwrap());
        let mut drawn = numbers(11);
        ArrayD::from_shape_simple_fn(shape, || (drawn.next().unwrap() % 1001) as f32 / 125.0 - 4.0)
    }
}

fn tensor<const D: usize>(values: &ArrayD<f32>, device: &Device) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(values.iter().copied().collect(), values.shape().to_vec()),
        device,
    )
}

/// The settings of a loss here and in soft-labels.
#[derive(Debug, Clone)]
enum Loss {
    CrossEntropy(Option<Vec<f32>>),
    Semimetric(SemimetricLossConfig),
}

fn losses(channels: usize) -> Vec<Loss> {
    let weights: Vec<f32> = (0..channels).map(|class| [0.5, 2.0, 0.0, 1.0][class % 4]).collect();
    let mut losses = vec![Loss::CrossEntropy(None), Loss::CrossEntropy(Some(weights.clone()))];
    for overlap in [Overlap::Dice, Overlap::Jaccard] {
        let plain = SemimetricLossConfig::new(overlap);
        losses.extend(
            [
                plain.clone(),
                plain.clone().with_form(Form::Product).with_smooth(0.5),
                plain.clone().with_weights(Some(weights.clone())).with_smooth(1.0),
                plain.clone().with_background(false).with_over_batch(true),
                plain
                    .with_form(Form::Product)
                    .with_over_batch(true)
                    .with_weights(Some(weights.clone())),
            ]
            .map(Loss::Semimetric),
        );
    }
    losses
}

impl Loss {
    fn forward<const D: usize>(&self, logits: Tensor<D>, targets: impl Targets<D>) -> Tensor<1> {
        let device = logits.device();
        let result = match self {
            Self::CrossEntropy(weights) => {
                let config = SoftCrossEntropyLossConfig::new().with_weights(weights.clone());
                config.init(&device).unwrap().forward(logits, targets)
            }
            Self::Semimetric(config) => config.init(&device).unwrap().forward(logits, targets),
        };
        result.unwrap()
    }

    /// The value and the gradient of soft-labels, 0 where no voxel counts.
    fn expected(&self, logits: &ArrayD<f32>, targets: &impl ExpectedTargets<f32>) -> (f64, ArrayD<f32>) {
        let doubles = |weights: &[f32]| weights.iter().map(|&weight| f64::from(weight)).collect::<Vec<_>>();
        let result = match self {
            Self::CrossEntropy(weights) => {
                let mut loss = SoftCrossEntropy::of_batch();
                if let Some(weights) = weights {
                    loss = loss.class_weights(doubles(weights));
                }
                loss.value_and_gradient(logits, targets)
            }
            Self::Semimetric(config) => {
                macro_rules! compute {
                    ($kind:ty) => {{
                        let mut loss = <$kind>::of_batch().smooth(config.smooth);
                        if config.form == Form::Product {
                            loss = loss.form(OverlapForm::Product);
                        }
                        if let Some(weights) = &config.weights {
                            loss = loss.class_weights(doubles(weights));
                        }
                        if !config.background {
                            loss = loss.without_background();
                        }
                        if config.over_batch {
                            loss = loss.over_batch();
                        }
                        if config.sigmoid {
                            loss = loss.sigmoid();
                        }
                        loss.value_and_gradient(logits, targets)
                    }};
                }
                match config.overlap {
                    Overlap::Dice => compute!(DiceSemimetric<'_>),
                    Overlap::Jaccard => compute!(JaccardSemimetric<'_>),
                }
            }
        };
        match result {
            Err(Error::NoVoxels) => (0.0, ArrayD::zeros(logits.raw_dim())),
            result => result.unwrap(),
        }
    }
}

/// Compares value and gradient.
fn compare<const D: usize>(
    name: &str,
    logits: &ArrayD<f32>,
    targets: impl Targets<D>,
    loss: &Loss,
    expected: (f64, &ArrayD<f32>),
) {
    let z = tensor::<D>(logits, &Device::default().autodiff()).require_grad();
    let value = loss.forward(z.clone(), targets);
    let gradient: Vec<f32> = z.grad(&value.backward()).unwrap().into_data().try_to_vec().unwrap();
    let value = f64::from(value.into_scalar::<f32>());
    assert!(
        (value - expected.0).abs() < 2e-5 * expected.0.max(1.0),
        "{name}, {loss:?}: {value} and {}",
        expected.0
    );
    for (found, slope) in gradient.iter().zip(expected.1) {
        assert!((found - slope).abs() < 2e-6, "{name}, {loss:?}: {found} and {slope}");
    }
    assert_eq!(gradient.len(), expected.1.len());
}

/// Soft labels, and all losses of soft labels and of label maps, beside those of soft-labels.
fn check<const M: usize, const D: usize, S: SpatialDim>(case: &Case, losses: &[Loss]) {
    let name = &case.name;
    let targets = case.targets::<M>(&Device::default());
    let soft = case.soft::<S>();
    let encoded = targets.encode::<D>();
    assert_eq!(encoded.dims(), soft.shape(), "{name}");
    let encoded: Vec<f32> = encoded.into_data().try_to_vec().unwrap();
    let mut pairs = encoded.iter().zip(&soft);
    assert!(
        pairs.all(|(a, b)| (a - b).abs() < 1e-6 && (*b == 0.0) == (*a == 0.0)),
        "{name}"
    );

    let logits = case.logits();
    let expected = Expected::new(&case.encoding, case.samples::<S>(), &case.classes).unwrap();
    for loss in losses {
        let (value, gradient) = loss.expected(&logits, &expected);
        compare::<D>(name, &logits, &targets, loss, (value, &gradient));
        if !matches!(loss, Loss::Semimetric(config) if config.sigmoid) {
            compare::<D>(
                name,
                &logits,
                tensor::<D>(&soft, &Device::default()),
                loss,
                (value, &gradient),
            );
        }
    }
}

#[test]
fn all_agree() {
    for case in cases() {
        let losses = losses(case.encoding.channel_count(&case.classes).unwrap());
        match case.maps[0].ndim() {
            3 => check::<3, 4, Ix2>(&case, &losses),
            _ => check::<4, 5, Ix3>(&case, &losses),
        }
    }
}

#[test]
fn regions_agree() {
    let dice = SemimetricLossConfig::new(Overlap::Dice).with_sigmoid(true);
    let jaccard = SemimetricLossConfig::new(Overlap::Jaccard)
        .with_sigmoid(true)
        .with_background(false);
    let losses = [dice, jaccard].map(Loss::Semimetric);
    let regions = Channels::regions([vec![1, 2], vec![2]]).unwrap();
    let case = Case {
        name: "regions".into(),
        encoding: Svls::default().with_channels(regions).into(),
        classes: Classes::contiguous(3).unwrap().with_ignore(255).unwrap(),
        maps: vec![map(&[2, 6, 5], &[0, 1, 2, 255], 5)],
        weights: None,
    };
    check::<3, 4, Ix2>(&case, &losses);

    // Soft labels cannot say which voxels nobody labelled; a mask does.
    let (logits, soft) = (case.logits(), case.soft::<Ix2>());
    let valid = case.maps[0].mapv(|label| label != 255);
    let mask = TensorData::new(valid.iter().copied().collect(), [2, 1, 6, 5]);
    let mask = Tensor::<4, burn::tensor::Bool>::from_data(mask, &Device::default());
    let dice = SemimetricLossConfig::new(Overlap::Dice)
        .with_sigmoid(true)
        .init(&Device::default())
        .unwrap();
    let (z, t) = (
        tensor::<4>(&logits, &Device::default()),
        tensor::<4>(&soft, &Device::default()),
    );
    let found = dice
        .forward_masked(z.clone(), t.clone(), mask)
        .unwrap()
        .into_scalar::<f32>();
    let expected = DiceSemimetric::of_batch()
        .sigmoid()
        .mask(valid.view())
        .value(&logits, &soft)
        .unwrap();
    assert!((f64::from(found) - expected).abs() < 1e-6);
    let all = dice.forward(z, t).unwrap().into_scalar::<f32>();
    assert!((f64::from(all) - DiceSemimetric::of_batch().sigmoid().value(&logits, &soft).unwrap()).abs() < 1e-6);

    let plain = SoftCrossEntropyLossConfig::new().init(&Device::default()).unwrap();
    let error = plain.forward(
        tensor::<4>(&logits, &Device::default()),
        case.targets::<3>(&Device::default()),
    );
    assert!(matches!(error, Err(Error::NotDistribution { .. })));
}

#[test]
fn axes_of_length_zero_are_an_error() {
    let device = Device::default();
    let labels = Tensor::<3, Int>::zeros([1, 0, 4], &device);
    let error = LabelTargets::new(Svls::default(), labels, &Classes::contiguous(2).unwrap()).unwrap_err();
    assert_eq!(error, Error::NoVoxels);
    let nothing = Tensor::<4>::zeros([0, 2, 3, 4], &device);
    let plain = SoftCrossEntropyLossConfig::new().init(&device).unwrap();
    assert_eq!(plain.forward(nothing.clone(), &nothing).unwrap_err(), Error::NoVoxels);
    let dice = SemimetricLossConfig::new(Overlap::Dice).init(&device).unwrap();
    assert_eq!(dice.forward(nothing.clone(), nothing).unwrap_err(), Error::NoVoxels);
}

/// The bits of `f64` are enough for weights and counts.
#[test]
fn double_precision() {
    let case = &cases()[1];
    let logits = case.logits();
    let z = tensor::<4>(&logits, &Device::default()).cast(FloatDType::F64);
    let value = Loss::CrossEntropy(None).forward(z, case.targets::<3>(&Device::default()));
    assert_eq!(value.dtype(), DType::F64);
    let expected = Expected::new(&case.encoding, case.samples::<Ix2>(), &case.classes).unwrap();
    let expected = SoftCrossEntropy::of_batch()
        .value(&logits.mapv(f64::from), &expected)
        .unwrap();
    assert!((value.into_scalar::<f64>() - expected).abs() < 1e-12);
}

#[test]
fn labels_of_any_type() {
    let device = Device::default();
    let classes = Classes::contiguous(300).unwrap().with_ignore(255).unwrap_err();
    assert!(matches!(classes, Error::IgnoredClass { .. }));
    let classes = Classes::from_values([0, 1, 300, -1]).unwrap().with_ignore(120).unwrap();
    let labels = Tensor::<3, Int>::from_ints([[[0, 1, 120, 1]]], &device);
    let expected = LabelTargets::new(OneHot, labels.clone(), &classes)
        .unwrap()
        .encode::<4>()
        .into_data();
    for dtype in [
        IntDType::I8,
        IntDType::I16,
        IntDType::I32,
        IntDType::I64,
        IntDType::U8,
        IntDType::U16,
        IntDType::U32,
        IntDType::U64,
    ] {
        let soft = LabelTargets::new(OneHot, labels.clone().cast(dtype), &classes)
            .unwrap()
            .encode::<4>();
        assert_eq!(soft.into_data(), expected, "{dtype:?}");
        let wrong = (labels.clone() + 2).cast(dtype);
        let error = LabelTargets::new(OneHot, wrong, &classes).unwrap_err();
        assert!(
            matches!(error, Error::UnknownLabel { value: 2, count: 4, .. }),
            "{dtype:?}: {error}"
        );
    }
}

#[test]
fn unknown_labels_are_named() {
    let labels = Tensor::<3, Int>::from_ints([[[0, 1], [1, 255]], [[0, 7], [7, -2]]], &Device::default());
    let classes = Classes::contiguous(2).unwrap().with_ignore(255).unwrap();
    let error = LabelTargets::new(Svls::default(), labels.clone(), &classes).unwrap_err();
    assert_eq!(
        error,
        Error::UnknownLabel {
            value: 7,
            index: vec![1, 0, 1],
            count: 3,
            classes: 2,
            rater: 0,
            raters: 1,
        }
    );
    let good = labels.clone().clamp(0, 1);
    let error = LabelTargets::raters(OneHot, vec![good.clone(), labels], None, &classes).unwrap_err();
    assert!(
        matches!(
            error,
            Error::UnknownLabel {
                rater: 1,
                raters: 2,
                ..
            }
        ),
        "{error}"
    );

    let raters = |maps, weights| LabelTargets::raters(OneHot, maps, weights, &classes).unwrap_err();
    assert_eq!(raters(Vec::new(), None), Error::Empty { what: "raters" });
    let smaller = good.clone().slice_dim(0, 0);
    assert!(matches!(raters(vec![good.clone(), smaller], None), Error::Shape { .. }));
    assert!(matches!(
        raters(vec![good.clone()], Some(&[0.0])),
        Error::AllZero { .. }
    ));
    assert!(matches!(
        raters(vec![good.clone()], Some(&[1.0, 1.0])),
        Error::Count { .. }
    ));
    let none = Tensor::<3, Int>::zeros([0, 2, 2], &Device::default());
    assert_eq!(raters(vec![none], None), Error::Empty { what: "samples" });

    let targets = LabelTargets::new(OneHot, good, &classes).unwrap();
    let plain = SoftCrossEntropyLossConfig::new().init(&Device::default()).unwrap();
    let error = plain
        .forward(Tensor::<4>::zeros([2, 3, 2, 2], &Device::default()), targets)
        .unwrap_err();
    assert!(matches!(error, Error::Shape { what: "target", .. }), "{error}");
}

#[test]
fn settings_are_checked() {
    let device = Device::default();
    let dice = SemimetricLossConfig::new(Overlap::Dice);
    let error = dice.clone().with_smooth(-1.0).init(&device).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Setting {
                what: "smoothing constant",
                ..
            }
        ),
        "{error}"
    );
    let error = dice
        .clone()
        .with_weights(Some(vec![f32::NAN]))
        .init(&device)
        .unwrap_err();
    assert!(matches!(error, Error::Setting { what: "weight", .. }), "{error}");
    let only_background = dice.clone().with_weights(Some(vec![1.0, 0.0])).with_background(false);
    assert!(matches!(only_background.init(&device), Err(Error::AllZero { .. })));
    let one = Tensor::<4>::ones([1, 1, 1, 1], &device);
    let error = dice
        .with_background(false)
        .init(&device)
        .unwrap()
        .forward(one.clone(), one)
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Empty {
                what: "classes but the background"
            }
        ),
        "{error}"
    );
}

/// The logits of ignored voxels may be anything.
#[test]
fn ignored_voxels_have_no_part() {
    let classes = Classes::contiguous(4).unwrap().with_ignore(255).unwrap();
    let labels = Tensor::<3, Int>::from_ints([[[0, 255, 3]]], &Device::default());
    let targets = LabelTargets::new(OneHot, labels, &classes).unwrap();
    for loss in [
        Loss::CrossEntropy(None),
        Loss::Semimetric(SemimetricLossConfig::new(Overlap::Jaccard)),
    ] {
        let z = Tensor::<4>::zeros([1, 4, 1, 3], &Device::default().autodiff());
        let z = z.slice_fill([0..1, 0..4, 0..1, 1..2], f32::NAN).require_grad();
        let value = loss.forward(z.clone(), &targets);
        let gradient: Vec<f32> = z.grad(&value.backward()).unwrap().into_data().try_to_vec().unwrap();
        assert!(value.into_scalar::<f32>().is_finite() && gradient.iter().all(|slope| slope.is_finite()));
        assert!(gradient.chunks(3).all(|row| row[1] == 0.0 && row[0] != 0.0));
    }
}
