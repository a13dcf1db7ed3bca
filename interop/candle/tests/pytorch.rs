//! The loss agrees with PyTorch's, and its gradient with the one found there.

use std::path::PathBuf;

use candle_core::{Device, Tensor, Var};
use ndarray::ArrayD;
use ndarray_npy::{ReadableElement, read_npy};
use soft_labels_candle::soft_cross_entropy;

fn file<T: ReadableElement>(case: &str, what: &str) -> Option<ArrayD<T>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    read_npy(folder.join(format!("{case}_{what}.npy"))).ok()
}

fn tensor<T: candle_core::WithDType>(array: &ArrayD<T>) -> Tensor {
    Tensor::from_iter(array.iter().copied(), &Device::Cpu)
        .and_then(|flat| flat.reshape(array.shape()))
        .unwrap()
}

#[test]
fn agrees() {
    for case in ["plain_2d", "weighted_2d", "plain_3d", "weighted_3d"] {
        let [logits, targets, gradient, value] =
            ["logits", "targets", "gradient", "value"].map(|what| file::<f32>(case, what).unwrap());
        let weights = file::<f32>(case, "weights").map(|weights| tensor(&weights));
        let mask = file::<u8>(case, "mask").map(|mask| tensor(&mask));
        let logits = Var::from_tensor(&tensor(&logits)).unwrap();
        let found = soft_cross_entropy(&logits, &tensor(&targets), weights.as_ref(), mask.as_ref()).unwrap();
        let slopes = found.backward().unwrap().get(&logits).unwrap().flatten_all().unwrap();
        let slopes = slopes.to_vec1::<f32>().unwrap();
        assert!((found.to_scalar::<f32>().unwrap() - value[0]).abs() < 1e-5, "{case}");
        assert!(
            slopes.iter().zip(&gradient).all(|(a, b)| (a - b).abs() < 1e-6),
            "{case}"
        );
        assert_eq!(slopes.len(), gradient.len());
    }
}
