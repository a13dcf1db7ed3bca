//! The loss agrees with that of soft-labels, and its gradient by autodiff with the one computed there.

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use ndarray::{Array, Axis, Ix4, Ix5, RemoveAxis};
use soft_labels::batch::{Sample, encode, encode_scales};
use soft_labels::loss::SoftCrossEntropy;
use soft_labels::{Classes, Error, Place, Raters, Svls};
use soft_labels_burn::{SoftCrossEntropyLoss, SoftCrossEntropyLossConfig, soft_target_scales, soft_targets};

/// Labels of a few classes with some ignored voxels.
fn labels(i: usize) -> u8 {
    if i % 13 == 5 { 255 } else { (i * 7 / 5 % 3) as u8 }
}

fn classes() -> Classes {
    Classes::contiguous(3).unwrap().with_ignore(255).unwrap()
}

fn logits(i: usize) -> f32 {
    ((i * 37 % 101) as f32 - 50.0) / 11.0
}

/// Compares value and gradient on targets made of label maps, with weights and a mask or without.
fn compare<const D: usize, Dim: RemoveAxis>(targets: &Tensor<D>, dim: Dim) {
    let device = Device::autodiff(Device::default());
    let shape = targets.dims();
    let numbers = Array::from_iter((0..shape.iter().product()).map(logits))
        .into_shape_with_order(dim)
        .unwrap();
    let dense: Vec<f32> = targets.to_data().try_to_vec().unwrap();
    let dense = Array::from_shape_vec(numbers.raw_dim(), dense).unwrap();
    let mask = numbers.map_axis(Axis(1), |lane| lane[0] > -2.0);
    let mut mask_shape = shape;
    mask_shape[1] = 1;

    for weights in [None, Some(vec![0.5, 2.0, 1.0])] {
        for masked in [false, true] {
            let z = Tensor::<D>::from_data(TensorData::new(numbers.iter().copied().collect(), shape), &device)
                .require_grad();
            let t = Tensor::<D>::from_data(targets.to_data(), &device);
            let loss = SoftCrossEntropyLossConfig::new()
                .with_weights(weights.clone())
                .init(&device)
                .unwrap();
            let value = if masked {
                let mask = TensorData::new(mask.iter().copied().collect(), mask_shape);
                loss.forward_masked(z.clone(), t, Tensor::from_data(mask, &device))
                    .unwrap()
            } else {
                loss.forward(z.clone(), t).unwrap()
            };
            let gradient = z
                .grad(&value.backward())
                .unwrap()
                .to_data()
                .try_to_vec::<f32>()
                .unwrap();

            let mut expected = SoftCrossEntropy::of_batch();
            if let Some(weights) = &weights {
                expected = expected.class_weights(weights.iter().map(|&w: &f32| f64::from(w)).collect::<Vec<_>>());
            }
            if masked {
                expected = expected.mask(mask.view());
            }
            let (expected, slopes) = expected.value_and_gradient(&numbers, &dense).unwrap();
            assert!((f64::from(value.into_scalar::<f32>()) - expected).abs() < 1e-5);
            assert!(gradient.iter().zip(&slopes).all(|(a, b)| (a - b).abs() < 1e-5));
            assert!(gradient.iter().any(|slope| *slope != 0.0));
        }
    }
}

#[test]
fn in_2d() {
    let map = ndarray::Array2::from_shape_fn((9, 12), |(h, w)| labels(h * 12 + w));
    let samples = [
        Sample::new(map.view()).unwrap().window(&[0..6, 2..9]),
        Sample::raters(Raters::new(&[map.view(), map.slice_axis(Axis(0), (..).into())]).unwrap())
            .window(&[3..9, 5..12]),
    ];
    let targets = soft_targets(&Svls::default(), &samples, &classes(), &Device::default()).unwrap();
    assert_eq!(targets.dims(), [2, 3, 6, 7]);
    let expected = encode::<_, f32, _>(&Svls::default(), &samples, &classes()).unwrap();
    assert_eq!(
        targets.to_data().try_to_vec::<f32>().unwrap(),
        expected.into_raw_vec_and_offset().0
    );
    compare(&targets, Ix4(2, 3, 6, 7));
}

#[test]
fn in_3d() {
    let map = ndarray::Array3::from_shape_fn((4, 6, 8), |(d, h, w)| labels(d * 48 + h * 8 + w));
    let samples = [Sample::new(map.view()).unwrap(), Sample::new(map.view()).unwrap()];
    let targets = soft_targets(&Svls::default(), &samples, &classes(), &Device::default()).unwrap();
    assert_eq!(targets.dims(), [2, 3, 4, 6, 8]);
    compare(&targets, Ix5(2, 3, 4, 6, 8));
}

#[test]
fn all_scales() {
    let map = ndarray::Array3::from_shape_fn((4, 6, 8), |(d, h, w)| labels(d * 48 + h * 8 + w));
    let samples = [Sample::new(map.view()).unwrap().window(&[0..4, 2..6, 0..8])];
    let scales = [[1, 1, 1], [1, 2, 2], [4, 2, 4]];
    let expected = encode_scales::<_, f32, _>(&Svls::default(), &samples, &classes(), &scales).unwrap();
    let found = soft_target_scales(&Svls::default(), &samples, &classes(), &scales, &Device::default()).unwrap();
    assert_eq!(found.len(), 3);
    for (found, expected) in found.into_iter().zip(expected) {
        assert_eq!(found.dims(), expected.shape());
        assert_eq!(
            found.into_data().try_to_vec::<f32>().unwrap(),
            expected.into_raw_vec_and_offset().0
        );
    }
}

fn loss() -> SoftCrossEntropyLoss {
    SoftCrossEntropyLossConfig::new().init(&Device::default()).unwrap()
}

fn gradient(z: &Tensor<4>, loss: &Tensor<1>) -> Vec<f32> {
    z.grad(&loss.backward()).unwrap().into_data().try_to_vec().unwrap()
}

#[test]
fn infinite_logits_without_target_do_no_harm() {
    let device = Device::autodiff(Device::default());
    let z = Tensor::<4>::from_floats([[[[0.0]], [[f32::NEG_INFINITY]]]], &device).require_grad();
    let t = Tensor::<4>::from_floats([[[[1.0]], [[0.0]]]], &device);
    let value = loss().forward(z.clone(), t).unwrap();
    assert_eq!(gradient(&z, &value), [0.0, 0.0]);
    assert_eq!(value.into_scalar::<f32>(), 0.0);
}

#[test]
fn logits_of_ignored_voxels_may_be_anything() {
    let device = Device::autodiff(Device::default());
    let z = Tensor::<4>::from_floats([[[[1.0, f32::NAN]], [[1.0, f32::INFINITY]]]], &device).require_grad();
    let t = Tensor::<4>::from_floats([[[[1.0, 0.0]], [[0.0, 0.0]]]], &device);
    let value = loss().forward(z.clone(), t).unwrap();
    assert_eq!(gradient(&z, &value), [-0.5, 0.0, 0.5, 0.0]);
    assert_eq!(value.into_scalar::<f32>(), 2_f32.ln());
}

/// 65536 voxels: more than 16 bits can count.
#[test]
fn sixteen_bits() {
    let device = Device::autodiff(Device::default());
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let z = Tensor::<4>::zeros([1, 2, 256, 256], &device).cast(dtype);
        let value = loss().forward(z.clone(), z + 0.5).unwrap();
        assert_eq!(value.dtype(), DType::F32);
        assert!((value.into_scalar::<f32>() - 2_f32.ln()).abs() < 1e-4);
    }
}

#[test]
fn double_precision() {
    let z = Tensor::<4>::from_floats([[[[1.0]], [[0.0]]]], &Device::default()).cast(FloatDType::F64);
    let value = loss().forward(z.clone(), z).unwrap();
    assert_eq!(value.dtype(), DType::F64);
    assert!((value.into_scalar::<f64>() - (-1_f64).exp().ln_1p()).abs() < 1e-12);
}

#[test]
fn without_a_voxel_that_counts_the_loss_is_zero() {
    let device = Device::autodiff(Device::default());
    let z = Tensor::<4>::from_floats([[[[1.0]], [[f32::NAN]]]], &device).require_grad();
    let value = loss().forward(z.clone(), z.zeros_like()).unwrap();
    assert_eq!(gradient(&z, &value), [0.0, 0.0]);
    assert_eq!(value.into_scalar::<f32>(), 0.0);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Device::default();
    let zeros = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &device);
    let four = zeros([1, 2, 3, 3]);
    let error = loss().forward(four.clone(), zeros([1, 3, 3, 3])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the target has shape [1, 3, 3, 3], but [1, 2, 3, 3] is needed"
    );
    let mask_of_each_class = four.clone().equal_elem(0.0);
    let error = loss()
        .forward_masked(four.clone(), &four, mask_of_each_class)
        .unwrap_err();
    assert!(matches!(error, Error::Shape { what: "mask", .. }), "{error}");
    let error = loss().forward(zeros([1, 0, 3, 3]), zeros([1, 0, 3, 3])).unwrap_err();
    assert_eq!(error, Error::Empty { what: "classes" });

    let weighted = |weights| {
        SoftCrossEntropyLossConfig::new()
            .with_weights(Some(weights))
            .init(&device)
    };
    let error = weighted(vec![1.0]).unwrap().forward(four.clone(), &four).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Count {
                expected: 2,
                actual: 1,
                ..
            }
        ),
        "{error}"
    );
    let error = weighted(vec![1.0, -1.0]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Setting {
                place: Some(Place::Class(1)),
                ..
            }
        ),
        "{error}"
    );
}
