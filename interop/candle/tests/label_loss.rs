//! Losses of label maps are those of soft-labels, with their gradients.

use candle_core::{DType, Device, Tensor, Var};
use ndarray::{Array3, Array4, ArrayD, Axis, IxDyn};
use soft_labels::loss::{
    BinaryCrossEntropy, DiceSemimetric, JaccardSemimetric, LabelTargets as Expected, Reduction, SoftCrossEntropy,
};
use soft_labels::{Channels, Classes, Encoding, Raters, SoftEncoder, Svls};
use soft_labels_candle::{LabelLoss, LabelTargets, label_loss};

fn classes() -> Classes {
    Classes::from_values([4, 0, 2]).unwrap().with_ignore(255).unwrap()
}

fn labels(shape: &[usize], seed: usize) -> ArrayD<u8> {
    let count = shape.iter().product();
    let values = (0..count).map(|i| [4, 0, 2, 4, 255][(i + seed) * 7 / 5 % 5]);
    ArrayD::from_shape_vec(shape, values.collect()).unwrap()
}

fn tensor<T: candle_core::WithDType>(values: &ArrayD<T>) -> Tensor {
    Tensor::from_vec(values.iter().copied().collect(), values.shape(), &Device::Cpu).unwrap()
}

fn numbers(shape: &[usize]) -> ArrayD<f32> {
    let count = shape.iter().product();
    let values = (0..count).map(|i: usize| ((i * 37 % 101) as f32 - 50.0) / 11.0);
    ArrayD::from_shape_vec(shape, values.collect()).unwrap()
}

/// Compares with the value and the gradient that soft-labels finds, times 3.
fn compare(loss: &impl LabelLoss, logits: &ArrayD<f32>, targets: &LabelTargets, expected: &(f64, ArrayD<f32>)) {
    let z = Var::from_tensor(&tensor(logits)).unwrap();
    let value = label_loss(loss, &z, targets).unwrap();
    assert_eq!(value.dims(), [0; 0]);
    assert_eq!(value.to_scalar::<f32>().unwrap(), expected.0 as f32);
    let gradients = (value * 3.0).unwrap().backward().unwrap();
    let gradient: Vec<f32> = gradients.get(&z).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let tripled: Vec<f32> = expected.1.iter().map(|slope| slope * 3.0).collect();
    assert_eq!(gradient, tripled);
    assert!(gradient.iter().any(|slope| *slope != 0.0));
}

#[test]
fn all_losses_agree() {
    for shape in [&[2, 5, 6][..], &[1, 1, 4], &[2, 3, 4, 5]] {
        let (first, second) = (labels(shape, 0), labels(shape, 2));
        let encoding = Encoding::default();
        let mut of_logits = shape.to_vec();
        of_logits.insert(1, 3);
        let logits = numbers(&of_logits);
        let weights = [1.0, 3.0];
        let maps = [&tensor(&first), &tensor(&second.mapv(i64::from))];
        let targets = LabelTargets::raters(encoding.clone(), &maps, Some(&weights), &classes()).unwrap();
        let samples = (0..shape[0]).map(|sample| {
            let maps = [&first, &second].map(|map| map.index_axis(Axis(0), sample));
            Raters::weighted(&maps, &weights).unwrap()
        });
        let expected = Expected::<_, IxDyn>::new(&encoding, samples.collect(), &classes()).unwrap();
        macro_rules! compare {
            ($loss:expr) => {{
                let loss = $loss;
                compare(
                    &loss,
                    &logits,
                    &targets,
                    &loss.value_and_gradient(&logits, &expected).unwrap(),
                );
            }};
        }
        compare!(SoftCrossEntropy::of_batch());
        compare!(
            SoftCrossEntropy::of_batch()
                .class_weights([0.5, 2.0, 1.0])
                .reduction(Reduction::Sum)
        );
        compare!(BinaryCrossEntropy::of_batch());
        compare!(DiceSemimetric::of_batch().without_background());
        compare!(JaccardSemimetric::of_batch().over_batch().smooth(1.0));
    }
}

#[test]
fn any_encoder_layout_and_type() {
    let regions = Svls::default().with_channels(Channels::regions([vec![4, 2], vec![2]]).unwrap());
    let map = labels(&[1, 4, 6], 1);
    let targets = LabelTargets::new(regions.clone(), &tensor(&map.mapv(u32::from)), &classes()).unwrap();
    let map = map.into_dimensionality::<ndarray::Ix3>().unwrap();
    let expected = Expected::of_batch(&regions, &map, &classes()).unwrap();
    let loss = DiceSemimetric::of_batch().sigmoid();
    let logits = numbers(&[1, 2, 4, 6]);
    compare(
        &loss,
        &logits,
        &targets,
        &loss.value_and_gradient(&logits, &expected).unwrap(),
    );

    // A view of logits whose class axis is last in memory, and 16 and 64 bits.
    let plain = label_loss(&loss, &tensor(&logits), &targets)
        .unwrap()
        .to_scalar::<f32>()
        .unwrap();
    let last = tensor(&logits).permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
    let view = last.permute((0, 3, 1, 2)).unwrap();
    assert_eq!(
        label_loss(&loss, &view, &targets).unwrap().to_scalar::<f32>().unwrap(),
        plain
    );
    let double = tensor(&logits).to_dtype(DType::F64).unwrap();
    let of_double = label_loss(&loss, &double, &targets)
        .unwrap()
        .to_scalar::<f64>()
        .unwrap();
    assert!((of_double - f64::from(plain)).abs() < 1e-6 && of_double != f64::from(plain));
    let half = Var::from_tensor(&tensor(&logits).to_dtype(DType::F16).unwrap()).unwrap();
    let of_half = label_loss(&loss, &half, &targets).unwrap();
    assert!((of_half.to_scalar::<f32>().unwrap() - plain).abs() < 1e-2);
    assert_eq!(of_half.backward().unwrap().get(&half).unwrap().dtype(), DType::F16);
}

#[test]
fn without_a_voxel_that_counts_the_loss_is_zero() {
    let ignored = Tensor::full(255_u8, (1, 2, 2), &Device::Cpu).unwrap();
    let targets = LabelTargets::new(Svls::default(), &ignored, &classes()).unwrap();
    let z = Var::from_tensor(&Tensor::full(f32::NAN, (1, 3, 2, 2), &Device::Cpu).unwrap()).unwrap();
    for value in [
        label_loss(&SoftCrossEntropy::of_batch(), &z, &targets).unwrap(),
        label_loss(&DiceSemimetric::of_batch(), &z, &targets).unwrap(),
    ] {
        let gradient = value.backward().unwrap().get(&z).unwrap().flatten_all().unwrap();
        assert_eq!(gradient.to_vec1::<f32>().unwrap(), [0.0; 12]);
        assert_eq!(value.to_scalar::<f32>().unwrap(), 0.0);
    }
}

fn says(message: &str, part: &str) {
    assert!(message.contains(part), "{message}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let message = |labels: &Tensor, logits: &[usize]| {
        let targets = LabelTargets::new(Svls::default(), labels, &classes());
        let zeros = Tensor::zeros(logits, DType::F32, &Device::Cpu).unwrap();
        let loss = targets.and_then(|targets| label_loss(&SoftCrossEntropy::of_batch(), &zeros, &targets));
        loss.unwrap_err().to_string()
    };
    let map = |values: Array3<u8>| tensor(&values.into_dyn());
    let good = map(Array3::zeros((2, 1, 2)));
    let mut unknown = Array3::zeros((2, 1, 2));
    unknown[[1, 0, 1]] = 7;
    says(
        &message(&map(unknown), &[2, 3, 1, 2]),
        "label 7 at voxel [1, 0, 1] is not one of the 3 classes",
    );
    says(
        &message(&good, &[2, 2, 1, 2]),
        "shape [3, 1, 2], but [2, 1, 2] is needed",
    );
    says(&message(&good, &[1, 3, 1, 2]), "batch of label maps");
    says(&message(&good, &[3, 1, 2]), "(N, C, H, W)");
    says(&message(&good.to_dtype(DType::F32).unwrap(), &[2, 3, 1, 2]), "integers");
    says(&message(&good.reshape((4,)).unwrap(), &[4, 3]), "(N, H, W)");
    says(&message(&map(Array3::zeros((0, 1, 2))), &[0, 3, 1, 2]), "samples");

    let raters = |maps: &[&Tensor], weights: Option<&[f64]>| {
        let targets = LabelTargets::raters(Svls::default(), maps, weights, &classes());
        let zeros = tensor(&Array4::<f32>::zeros((2, 3, 1, 2)).into_dyn());
        let loss = targets.and_then(|targets| label_loss(&SoftCrossEntropy::of_batch(), &zeros, &targets));
        loss.unwrap_err().to_string()
    };
    says(&raters(&[], None), "no raters");
    says(&raters(&[&good, &good.narrow(0, 0, 1).unwrap()], None), "rater 1");
    says(&raters(&[&good], Some(&[-1.0])), "weight");
}
