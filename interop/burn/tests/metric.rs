//! The metrics of burn's training loop have the values of soft-labels over all samples of an epoch.
#![cfg(feature = "train")]

use burn::data::dataloader::Progress;
use burn::tensor::{Device, Int, Tensor};
use burn::train::metric::{Metric, MetricAttributes, MetricMetadata, Numeric};
use ndarray::{Array3, Axis};
use soft_labels::Classes;
use soft_labels::metrics::{Reliability, Scope};
use soft_labels_burn::{SegmentationInput, SegmentationMetric};

fn metadata() -> MetricMetadata {
    MetricMetadata {
        progress: Progress {
            items_processed: 1,
            items_total: 2,
            unit: None,
        },
        iteration: None,
        lr: None,
    }
}

fn classes() -> Classes {
    Classes::from_values([0, 4, 2]).unwrap().with_ignore(255).unwrap()
}

/// Logits of three classes for a row of six voxels, whose most probable classes are 0, 1, 1, 1, 0, 0.
fn logits() -> Tensor<4> {
    Tensor::from_floats(
        [[
            [[2.0, 0.0, 0.0, 0.0, 1.0, 9.0]],
            [[0.0, 2.0, 1.0, 3.0, 0.0, 0.0]],
            [[0.0, 0.0, 0.5, 0.0, 0.0, f32::NAN]],
        ]],
        &Device::default(),
    )
}

fn input(labels: [i32; 6]) -> SegmentationInput {
    SegmentationInput::new(logits(), Tensor::<3, Int>::from_ints([[labels]], &Device::default()))
}

const FIRST: [i32; 6] = [0, 4, 4, 0, 0, 255];
const SECOND: [i32; 6] = [2, 4, 255, 4, 4, 255];

#[test]
fn dice_of_an_epoch() {
    let mut dice = SegmentationMetric::dice(&classes());
    assert!(dice.value().is_none() && dice.running_value().is_none());
    dice.update(&input(FIRST), &metadata()).unwrap();
    // Class 1: 3 predicted, 2 labelled, 2 both. Class 2 does not occur.
    assert_eq!(dice.value().unwrap().current(), 0.8);
    let entry = dice.update(&input(SECOND), &metadata()).unwrap();
    // Class 1 of the second: 2, 3, 2. Class 2: 0, 1, 0.
    assert_eq!(dice.value().unwrap().current(), 0.4);
    assert_eq!(entry.serialized, "0.4,1");
    assert_eq!(dice.running_value().unwrap().current(), 0.4);
    assert_eq!(dice.final_value().current(), (2.0 * 4.0 / 10.0 + 0.0) / 2.0);
    assert_eq!(dice.compute().unwrap().serialized, "0.4,final");
    assert!(matches!(dice.attributes(), MetricAttributes::Numeric(numeric) if numeric.higher_is_better));
    dice.clear();
    assert!(dice.running_value().is_none());
}

#[test]
fn ece_of_an_epoch() {
    let mut ece = SegmentationMetric::ece(&classes(), 10).unwrap();
    let mut bins = Reliability::new(10).unwrap();
    let probabilities = burn::tensor::activation::softmax(logits(), 1).into_data();
    let probabilities = Array3::from_shape_vec((3, 1, 6), probabilities.try_to_vec::<f32>().unwrap()).unwrap();
    for labels in [FIRST, SECOND] {
        ece.update(&input(labels), &metadata()).unwrap();
        let labels = ndarray::arr1(&labels).insert_axis(Axis(0));
        bins.add(&probabilities, &labels, &classes(), Scope::All).unwrap();
    }
    assert_eq!(ece.final_value().current(), bins.ece());
    assert!(bins.ece() > 0.1);
    assert!(matches!(ece.attributes(), MetricAttributes::Numeric(numeric) if !numeric.higher_is_better));
}

#[test]
fn errors_say_why() {
    let mut dice = SegmentationMetric::dice(&classes());
    let error = dice
        .update(&input([0, 1, 0, 0, 0, 0]), &metadata())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("label 1 at voxel [0, 1] is not one of the 3 classes"),
        "{error}"
    );
    let error = dice.update(&input([0; 6]), &metadata()).unwrap_err().to_string();
    assert!(error.contains("NaN"), "{error}");
    let short = Tensor::<3, Int>::zeros([1, 1, 5], &Device::default());
    let error = dice
        .update(&SegmentationInput::new(logits(), short), &metadata())
        .unwrap_err()
        .to_string();
    assert!(error.contains("shape [1, 1, 5], but [1, 1, 6] is needed"), "{error}");
    // What failed was not counted.
    assert!(dice.running_value().is_none());
    assert!(SegmentationMetric::ece(&classes(), 0).is_err());
}
