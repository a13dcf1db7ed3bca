//! What the engine writes: probabilities, or 255ths.

use num_traits::Zero;

use super::block_loops::Lanes;
use super::parts::Parts;
use super::{BLOCK, Smoothing};
use crate::SoftFloat;

/// Element type of dense soft labels.
pub(crate) trait Element: Copy + PartialEq + Send + Sync {
    /// What probabilities are computed in.
    type Computed: SoftFloat;
    /// Buffers for a block.
    type Buffer: Default;

    /// Whether the elements of all classes of a voxel are rounded together, so that they sum to the same.
    const ROUNDED_TOGETHER: bool;

    fn zero() -> Self;

    /// The elements of all classes where one is alone.
    fn alone(smoothing: &Smoothing, class: usize, classes: usize) -> Vec<Self>;

    /// The element for a class that is certain or absent.
    fn of_certain(probability: Self::Computed) -> Self;

    /// Writes the elements of some classes in a block, whose probabilities `encode` writes. `annotated` gives the place of each
    /// voxel's class among them.
    fn of_block(
        values: &mut [Lanes<Self>],
        buffer: &mut Self::Buffer,
        annotated: impl Fn(usize) -> Option<usize>,
        encode: impl FnOnce(&mut [Lanes<Self::Computed>]),
    );
}

impl<F: SoftFloat> Element for F {
    type Computed = F;
    type Buffer = ();
    const ROUNDED_TOGETHER: bool = false;

    fn zero() -> F {
        Zero::zero()
    }

    fn alone(smoothing: &Smoothing, class: usize, classes: usize) -> Vec<F> {
        let mut values = vec![smoothing.value(0.0); classes];
        if let Some(value) = values.get_mut(class) {
            *value = smoothing.value(1.0);
        }
        values
    }

    fn of_certain(probability: F) -> F {
        probability
    }

    fn of_block(
        values: &mut [Lanes<F>],
        (): &mut (),
        _: impl Fn(usize) -> Option<usize>,
        encode: impl FnOnce(&mut [Lanes<F>]),
    ) {
        encode(values);
    }
}

/// 255ths that sum to 255.
impl Element for u8 {
    type Computed = f64;
    type Buffer = Parts;
    const ROUNDED_TOGETHER: bool = true;

    fn zero() -> Self {
        0
    }

    fn alone(smoothing: &Smoothing, class: usize, classes: usize) -> Vec<Self> {
        let mut buffer = Parts::default();
        let mut parts = vec![[0; BLOCK]; classes];
        buffer.resize(classes);
        for (values, value) in buffer
            .probabilities
            .iter_mut()
            .zip(f64::alone(smoothing, class, classes))
        {
            *values = [value; BLOCK];
        }
        buffer.write(&mut parts, |_| Some(class));
        parts.iter().map(|parts| parts[0]).collect()
    }

    fn of_certain(probability: f64) -> Self {
        if probability == 1.0 { 255 } else { 0 }
    }

    fn of_block(
        values: &mut [Lanes<Self>],
        buffer: &mut Parts,
        annotated: impl Fn(usize) -> Option<usize>,
        encode: impl FnOnce(&mut [Lanes<f64>]),
    ) {
        buffer.resize(values.len());
        encode(&mut buffer.probabilities);
        buffer.write(values, annotated);
    }
}
