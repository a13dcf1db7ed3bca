//! The loss agrees with that of soft-labels, and its gradient by autodiff with the one computed there.

use candle_core::{DType, Device, Tensor, Var};
use ndarray::{Array, Array2, Array3, ArrayD, Axis, IxDyn};
use soft_labels::batch::{Sample, encode, encode_scales};
use soft_labels::loss::SoftCrossEntropy;
use soft_labels::{Classes, Raters, Svls};
use soft_labels_candle::{soft_cross_entropy, soft_target_scales, soft_targets};

/// Labels of a few classes with some ignored voxels.
fn labels(i: usize) -> u8 {
    if i % 13 == 5 { 255 } else { (i * 7 / 5 % 3) as u8 }
}

fn classes() -> Classes {
    Classes::contiguous(3).unwrap().with_ignore(255).unwrap()
}

/// Compares value and gradient with weights and a mask or without.
fn compare(targets: &Tensor) {
    let shape = targets.dims().to_vec();
    let numbers = (0..targets.elem_count()).map(|i| ((i * 37 % 101) as f32 - 50.0) / 11.0);
    let numbers: ArrayD<f32> = Array::from_iter(numbers).into_shape_with_order(IxDyn(&shape)).unwrap();
    let dense: Vec<f32> = targets.flatten_all().unwrap().to_vec1().unwrap();
    let dense = ArrayD::from_shape_vec(IxDyn(&shape), dense).unwrap();
    let mask = numbers.map_axis(Axis(1), |lane| lane[0] > -2.0);
    let device = Device::Cpu;
    let bytes: Vec<u8> = mask.iter().map(|&keep| u8::from(keep)).collect();
    let mask_tensor = Tensor::from_vec(bytes, mask.shape(), &device).unwrap();
    let weights = [0.5_f32, 2.0, 1.0];
    let weight_tensor = Tensor::new(&weights, &device).unwrap();

    for weighted in [false, true] {
        for masked in [false, true] {
            let z = Tensor::from_vec(numbers.iter().copied().collect(), shape.clone(), &device).unwrap();
            let z = Var::from_tensor(&z).unwrap();
            let (w, m) = (weighted.then_some(&weight_tensor), masked.then_some(&mask_tensor));
            let value = soft_cross_entropy(&z, targets, w, m).unwrap();
            let gradients = value.backward().unwrap();
            let gradient: Vec<f32> = gradients.get(&z).unwrap().flatten_all().unwrap().to_vec1().unwrap();

            let mut expected = SoftCrossEntropy::of_batch();
            if weighted {
                expected = expected.class_weights(weights.map(f64::from));
            }
            if masked {
                expected = expected.mask(mask.view());
            }
            let (expected, slopes) = expected.value_and_gradient(&numbers, &dense).unwrap();
            assert!((f64::from(value.to_scalar::<f32>().unwrap()) - expected).abs() < 1e-5);
            assert!(gradient.iter().zip(&slopes).all(|(a, b)| (a - b).abs() < 1e-5));
            assert!(gradient.iter().any(|slope| *slope != 0.0));
        }
    }
}

#[test]
fn in_2d() {
    let map = Array2::from_shape_fn((9, 12), |(h, w)| labels(h * 12 + w));
    let both = Raters::new(&[map.view(), map.view()]).unwrap();
    let samples = [
        Sample::new(map.view()).unwrap().window(&[0..6, 2..9]),
        Sample::raters(both).window(&[3..9, 5..12]),
    ];
    let targets = soft_targets(&Svls::default(), &samples, &classes(), &Device::Cpu).unwrap();
    assert_eq!(targets.dims(), [2, 3, 6, 7]);
    let expected = encode::<_, f32, _>(&Svls::default(), &samples, &classes()).unwrap();
    assert_eq!(
        targets.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
        expected.into_raw_vec_and_offset().0
    );
    compare(&targets);
}

#[test]
fn in_3d() {
    let map = Array3::from_shape_fn((4, 6, 8), |(d, h, w)| labels(d * 48 + h * 8 + w));
    let samples = [Sample::new(map.view()).unwrap(), Sample::new(map.view()).unwrap()];
    let targets = soft_targets(&Svls::default(), &samples, &classes(), &Device::Cpu).unwrap();
    assert_eq!(targets.dims(), [2, 3, 4, 6, 8]);
    compare(&targets);
}

#[test]
fn all_scales() {
    let map = Array3::from_shape_fn((4, 6, 8), |(d, h, w)| labels(d * 48 + h * 8 + w));
    let samples = [Sample::new(map.view()).unwrap().window(&[0..4, 2..6, 0..8])];
    let scales = [[1, 1, 1], [1, 2, 2], [4, 2, 4]];
    let expected = encode_scales::<_, f32, _>(&Svls::default(), &samples, &classes(), &scales).unwrap();
    let found = soft_target_scales(&Svls::default(), &samples, &classes(), &scales, &Device::Cpu).unwrap();
    assert_eq!(found.len(), 3);
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.dims(), expected.shape());
        let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(found, expected.into_raw_vec_and_offset().0);
    }
}

#[test]
fn infinite_logits_without_target_do_no_harm() {
    let z = Var::new(&[[[[0.0_f32]], [[f32::NEG_INFINITY]]]], &Device::Cpu).unwrap();
    let t = Tensor::new(&[[[[1.0_f32]], [[0.0]]]], &Device::Cpu).unwrap();
    assert_eq!(
        soft_cross_entropy(&z, &t, None, None)
            .unwrap()
            .to_scalar::<f32>()
            .unwrap(),
        0.0
    );
}

#[test]
fn logits_of_ignored_voxels_may_be_anything() {
    let z = Var::new(&[[[[1.0_f32, f32::NAN]], [[1.0, f32::INFINITY]]]], &Device::Cpu).unwrap();
    let t = Tensor::new(&[[[[1.0_f32, 0.0]], [[0.0, 0.0]]]], &Device::Cpu).unwrap();
    let loss = soft_cross_entropy(&z, &t, None, None).unwrap();
    let gradient = loss.backward().unwrap().get(&z).unwrap().flatten_all().unwrap();
    assert_eq!(gradient.to_vec1::<f32>().unwrap(), [-0.5, 0.0, 0.5, 0.0]);
    assert_eq!(loss.to_scalar::<f32>().unwrap(), 2_f32.ln());
}

#[test]
fn without_a_voxel_that_counts_the_loss_is_zero() {
    let z = Var::new(&[[[[f32::NAN]], [[1.0]]]], &Device::Cpu).unwrap();
    let loss = soft_cross_entropy(&z, &z.zeros_like().unwrap(), None, None).unwrap();
    let gradient = loss.backward().unwrap().get(&z).unwrap().flatten_all().unwrap();
    assert_eq!(gradient.to_vec1::<f32>().unwrap(), [0.0, 0.0]);
    assert_eq!(loss.to_scalar::<f32>().unwrap(), 0.0);
}

/// 65536 voxels: more than 16 bits can count.
#[test]
fn sixteen_bits() {
    for dtype in [DType::F16, DType::BF16] {
        let z = Tensor::zeros((1, 2, 256, 256), dtype, &Device::Cpu).unwrap();
        let t = z.affine(1.0, 0.5).unwrap();
        let loss = soft_cross_entropy(&z, &t, None, None)
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!((loss - 2_f32.ln()).abs() < 1e-4, "{loss}");
    }
}

#[test]
fn double_precision() {
    let z = Tensor::new(&[[[[1.0_f64]], [[0.0]]]], &Device::Cpu).unwrap();
    let loss = soft_cross_entropy(&z, &z, None, None)
        .unwrap()
        .to_scalar::<f64>()
        .unwrap();
    assert!((loss - (-1_f64).exp().ln_1p()).abs() < 1e-12, "{loss}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let mask = Tensor::zeros((1, 4), DType::U8, &Device::Cpu).unwrap();
    let four = zeros(&[1, 2, 3, 3]);
    assert!(soft_cross_entropy(&four, &zeros(&[1, 2, 3, 4]), None, None).is_err());
    assert!(soft_cross_entropy(&four, &four, Some(&zeros(&[3])), None).is_err());
    assert!(soft_cross_entropy(&four, &four, None, Some(&mask)).is_err());
    for shape in [&[3][..], &[2, 3], &[2, 3, 4], &[1, 2, 3, 4, 5, 6]] {
        assert!(
            soft_cross_entropy(&zeros(shape), &zeros(shape), None, None).is_err(),
            "{shape:?}"
        );
    }
}
