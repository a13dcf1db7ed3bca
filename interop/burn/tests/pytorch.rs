//! The loss agrees with PyTorch's, and its gradient with the one found there.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::ArrayD;
use ndarray_npy::{ReadableElement, read_npy};
use soft_labels_burn::SoftCrossEntropyLossConfig;

fn file<T: ReadableElement>(case: &str, what: &str) -> Option<ArrayD<T>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    read_npy(folder.join(format!("{case}_{what}.npy"))).ok()
}

fn tensor<const D: usize>(array: &ArrayD<f32>, device: &Device) -> Tensor<D> {
    let data = TensorData::new(array.iter().copied().collect(), array.shape().to_vec());
    Tensor::from_data(data, device)
}

fn compare<const D: usize>(case: &str) {
    let device = Device::default().autodiff();
    let [logits, targets, gradient, value] =
        ["logits", "targets", "gradient", "value"].map(|what| file::<f32>(case, what).unwrap());
    let z = tensor::<D>(&logits, &device).require_grad();
    let t = tensor::<D>(&targets, &device);
    let weights = file::<f32>(case, "weights").map(|weights| weights.iter().copied().collect());
    let loss = SoftCrossEntropyLossConfig::new()
        .with_weights(weights)
        .init(&device)
        .unwrap();
    let found = match file::<u8>(case, "mask") {
        Some(mask) => {
            let mut shape = logits.shape().to_vec();
            shape[1] = 1;
            let mask = TensorData::new(mask.iter().map(|&valid| valid == 1).collect(), shape);
            loss.forward_masked(z.clone(), t, Tensor::from_data(mask, &device))
                .unwrap()
        }
        None => loss.forward(z.clone(), t).unwrap(),
    };
    let slopes: Vec<f32> = z.grad(&found.backward()).unwrap().into_data().try_to_vec().unwrap();
    assert!((found.into_scalar::<f32>() - value[0]).abs() < 1e-5, "{case}");
    assert!(
        slopes.iter().zip(&gradient).all(|(a, b)| (a - b).abs() < 1e-6),
        "{case}"
    );
    assert_eq!(slopes.len(), gradient.len());
}

#[test]
fn in_2d() {
    compare::<4>("plain_2d");
    compare::<4>("weighted_2d");
}

#[test]
fn in_3d() {
    compare::<5>("plain_3d");
    compare::<5>("weighted_3d");
}
