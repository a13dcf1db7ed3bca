//! What the voxels of a file hold, before it is known what was asked for.

use ndarray::{ArrayD, Axis, Dimension};

use crate::elements::ElementType;
use crate::error::Fault;
use crate::geometry::{Axes, Geometry};
use crate::labels::{LabelMap, Labels};
use crate::probabilities::{Prediction, Probabilities};

/// The numbers of all voxels, on the axes of the file.
#[derive(Debug)]
pub(crate) enum Numbers {
    Labels(Labels),
    Floats(ArrayD<f64>),
}

/// Does the same with the array of numbers, whatever they are.
macro_rules! each_array {
    ($numbers:expr, $array:ident => $body:expr) => {
        match $numbers {
            Numbers::Labels(Labels::U8($array)) => Numbers::Labels(Labels::U8($body)),
            Numbers::Labels(Labels::I64($array)) => Numbers::Labels(Labels::I64($body)),
            Numbers::Floats($array) => Numbers::Floats($body),
        }
    };
}

impl Numbers {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Labels(labels) => labels.shape(),
            Self::Floats(values) => values.shape(),
        }
    }

    /// The numbers on axes in another order.
    pub(crate) fn permuted(self, order: &[usize]) -> Self {
        each_array!(self, array => array.permuted_axes(order))
    }

    /// Leaves an axis of length 1 out.
    pub(crate) fn without(self, axis: usize) -> Self {
        each_array!(self, array => array.index_axis_move(Axis(axis), 0))
    }

    /// Leaves axes of length 1 beyond the third out.
    pub(crate) fn squeezed(mut self) -> Self {
        while let Some(axis) = (3..self.shape().len()).find(|&axis| self.shape()[axis] == 1) {
            self = self.without(axis);
        }
        self
    }
}

/// Numbers with what the file says of them.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) numbers: Numbers,
    /// The type that labels of this file are written with again.
    pub(crate) element_type: ElementType,
    pub(crate) geometry: Geometry,
}

impl From<LabelMap> for Image {
    fn from(map: LabelMap) -> Self {
        Self {
            numbers: Numbers::Labels(map.labels),
            element_type: map.element_type,
            geometry: map.geometry,
        }
    }
}

impl Image {
    /// Numbers of which no place is known.
    pub(crate) fn of(numbers: Numbers, element_type: ElementType) -> Self {
        Self {
            numbers,
            element_type,
            geometry: Geometry::unknown(),
        }
    }

    /// A label map. Floats have to be whole numbers.
    pub(crate) fn labels(self) -> Result<LabelMap, Fault> {
        let (labels, element_type) = match self.numbers {
            Numbers::Labels(labels) => (labels, self.element_type),
            Numbers::Floats(values) => (Labels::I64(whole(&values)?), integer(self.element_type)),
        };
        Ok(LabelMap {
            labels,
            element_type,
            geometry: self.geometry,
        })
    }

    /// What a network predicts of a label map of so many axes.
    pub(crate) fn prediction(self, axes: usize) -> Result<Prediction, Fault> {
        let last = self.geometry.axes() == Axes::Xyz;
        match self.numbers {
            // Bytes with an axis more than the label map are 255ths.
            Numbers::Labels(Labels::U8(parts)) if !last && parts.ndim() == axes + 1 => {
                let values = parts.mapv(|part| f64::from(part) / 255.0);
                Ok(Prediction::Probabilities(Probabilities {
                    values,
                    element_type: ElementType::U8,
                    geometry: self.geometry,
                }))
            }
            Numbers::Labels(_) => Ok(Prediction::Labels(self.labels()?)),
            Numbers::Floats(mut values) => {
                // An image has a third axis of length 1 in NIfTI.
                if last && axes == 2 && values.ndim() > 2 && values.len_of(Axis(2)) == 1 {
                    values = values.index_axis_move(Axis(2), 0);
                }
                if values.ndim() > axes {
                    if last {
                        let order = std::iter::once(values.ndim() - 1).chain(0..values.ndim() - 1);
                        let order: Vec<_> = order.collect();
                        values = values.permuted_axes(order);
                    }
                    return Ok(Prediction::Probabilities(Probabilities {
                        values,
                        element_type: self.element_type,
                        geometry: self.geometry,
                    }));
                }
                let (geometry, element_type) = (self.geometry, self.element_type);
                Ok(match whole(&values) {
                    Ok(labels) => Prediction::Labels(LabelMap {
                        labels: Labels::I64(labels),
                        element_type: integer(element_type),
                        geometry,
                    }),
                    Err(_) => Prediction::Foreground(Probabilities {
                        values,
                        element_type,
                        geometry,
                    }),
                })
            }
        }
    }
}

/// The type for labels that were stored as floats.
fn integer(element_type: ElementType) -> ElementType {
    match element_type {
        ElementType::F16 | ElementType::F32 | ElementType::F64 => ElementType::I64,
        other => other,
    }
}

/// 2^63, the first number that is too large for a label.
const END: f64 = 9_223_372_036_854_775_808.0;

/// A float as a label, if it is one.
pub(crate) fn whole_label(value: f64) -> Option<i64> {
    (value.trunc() == value && (-END..END).contains(&value)).then_some(value as i64)
}

/// Floats as labels.
pub(crate) fn whole(values: &ArrayD<f64>) -> Result<ArrayD<i64>, Fault> {
    let no_label = |(_, value): &(_, &f64)| whole_label(**value).is_none();
    if let Some((index, value)) = values.indexed_iter().find(no_label) {
        let what = if values.iter().all(|value| (0.0..=1.0).contains(value)) {
            "these look like probabilities, and labels are whole numbers"
        } else if value.trunc() == *value {
            "the largest is 2^63 - 1"
        } else {
            "labels are whole numbers"
        };
        let index = index.slice();
        return Err(Fault::content(format!(
            "holds {value:?} at {index:?}, which is no label; {what}"
        )));
    }
    Ok(values.mapv(|value| value as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_floats_are_labels() {
        for (value, label) in [
            (3.0, Some(3)),
            (-0.0, Some(0)),
            (-END, Some(i64::MIN)),
            (END, None),
            (END - 1024.0, Some(i64::MAX - 1023)),
            (0.5, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(whole_label(value), label, "{value}");
        }
    }
}
