//! An encoding as weights of neighbours and a matrix, for tensor operations.

use ndarray::{Array2, Array3};
use soft_labels::{Classes, Encoding, Error, OneHot, Result, SoftEncoder, SvlsKernel};

/// What an encoding does to label maps of so many axes.
///
/// ```text
/// p(v) = (1 - λ) q(v) + λ (q(v) + Σ_u w_u q(v+u)) / (1 + Σ_u w_u)
/// ```
///
/// The sums are over neighbours u that are not ignored, and q is the row of a voxel's class in the matrix.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) classes: usize,
    /// Neighbours of equal weight. All weights sum to 1.
    pub(crate) shells: Vec<Shell>,
    /// Of the shells, for each axis of a label map.
    pub(crate) radius: Vec<usize>,
    /// λ, or 0 without neighbours.
    pub(crate) strength: f64,
    /// From classes (rows) to channels, unless they are the same.
    pub(crate) matrix: Option<Array2<f64>>,
    pub(crate) is_distribution: bool,
}

/// Neighbours of equal weight.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) weight: f64,
    /// Where the neighbours are, plus the radius.
    pub(crate) offsets: Vec<Vec<usize>>,
}

impl Plan {
    pub(crate) fn new(encoding: &Encoding, classes: &Classes, axes: usize) -> Result<Self> {
        let (kernel, alone) = split(encoding);
        let mut plan = Self {
            classes: classes.len(),
            shells: Vec::new(),
            radius: vec![0; axes],
            strength: 0.0,
            matrix: matrix(&alone, classes)?,
            is_distribution: encoding.is_distribution(classes)?,
        };
        let Some(kernel) = kernel else {
            return Ok(plan);
        };
        plan.radius = kernel.radius(axes)?;
        plan.strength = kernel.strength();
        for (offset, &weight) in kernel.normalized(axes)?.indexed_iter() {
            let offset: Vec<usize> = (0..axes).map(|axis| offset[axis]).collect();
            let weight = weight * 2.0 / plan.strength;
            if offset == plan.radius || weight == 0.0 {
                continue;
            }
            match plan.shells.iter_mut().find(|shell| shell.weight == weight) {
                Some(shell) => shell.offsets.push(offset),
                None => plan.shells.push(Shell {
                    weight,
                    offsets: vec![offset],
                }),
            }
        }
        Ok(plan)
    }

    /// The length of the second axis of the soft labels.
    pub(crate) fn channels(&self) -> usize {
        self.matrix.as_ref().map_or(self.classes, Array2::ncols)
    }

    /// How many voxels a soft label is made of.
    pub(crate) fn terms(&self) -> usize {
        1 + self.shells.iter().map(|shell| shell.offsets.len()).sum::<usize>()
    }
}

/// The kernel of an encoding, and the encoding without it.
fn split(encoding: &Encoding) -> (Option<&SvlsKernel>, Encoding) {
    match encoding {
        Encoding::Svls(svls) => (Some(svls.kernel()), OneHot.into()),
        Encoding::WithChannels(both) => {
            let (kernel, alone) = split(both.encoder());
            (kernel, alone.with_channels(both.channels().clone()).into())
        }
        // The others look at a voxel alone.
        alone => (None, alone.clone()),
    }
}

/// What each class becomes where no neighbour matters, unless that is the class itself.
fn matrix(alone: &Encoding, classes: &Classes) -> Result<Option<Array2<f64>>> {
    let values = classes.values();
    let row = |value: &i128| i64::try_from(*value).map_err(|_| Error::LabelType { value: *value });
    let labels = Array2::from_shape_vec((1, values.len()), values.iter().map(row).collect::<Result<_>>()?);
    let labels = labels.expect("there is a label for each class");
    let soft: Array3<f64> = alone.encode(&labels, classes)?;
    let matrix = soft.index_axis_move(ndarray::Axis(1), 0).reversed_axes();
    Ok((matrix != Array2::<f64>::eye(values.len())).then_some(matrix))
}
