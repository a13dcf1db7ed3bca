//! Probabilities as they come from files.

use ndarray::ArrayD;

use crate::elements::ElementType;
use crate::geometry::Geometry;
use crate::labels::LabelMap;

/// The probability of each class at each voxel: soft labels, or what a network predicts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Probabilities {
    /// The classes first: (C, H, W) or (C, D, H, W), and (C, x, y, z) from NIfTI, whose files have them last.
    pub values: ArrayD<f64>,
    /// The type in which the file has them: [`ElementType::U8`] are 255ths.
    pub element_type: ElementType,
    /// Where the voxels are. It has nothing of the class axis.
    pub geometry: Geometry,
}

/// What a prediction's file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Prediction {
    /// One label for each voxel.
    Labels(LabelMap),
    /// Probabilities, which have an axis more than the label map.
    Probabilities(Probabilities),
    /// The probability of a foreground alone, which has the axes of the label map.
    Foreground(Probabilities),
}
