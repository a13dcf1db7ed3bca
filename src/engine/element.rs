//! What the engine writes: probabilities, or 255ths.

use num_traits::Zero;

use super::block_loops::PerVoxel;
use super::parts::Parts;
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

    /// Writes the elements of some classes in a block, whose probabilities `encode` writes: of all classes of a voxel
    /// `together`, where elements are rounded. `annotated` gives the place of each voxel's class among them.
    fn of_block(
        values: &mut [PerVoxel<Self>],
        buffer: &mut Self::Buffer,
        together: bool,
        annotated: impl Fn(usize) -> Option<usize>,
        encode: impl FnOnce(&mut [PerVoxel<Self::Computed>]),
    );
}

impl<F: SoftFloat> Element for F {
    type Computed = F;
    type Buffer = ();
    const ROUNDED_TOGETHER: bool = false;

    fn zero() -> F {
        Zero::zero()
    }

    fn of_block(
        values: &mut [PerVoxel<F>],
        (): &mut (),
        _: bool,
        _: impl Fn(usize) -> Option<usize>,
        encode: impl FnOnce(&mut [PerVoxel<F>]),
    ) {
        encode(values);
    }
}

/// 255ths. Those of a distribution sum to 255.
impl Element for u8 {
    type Computed = f64;
    type Buffer = Parts;
    const ROUNDED_TOGETHER: bool = true;

    fn zero() -> Self {
        0
    }

    fn of_block(
        values: &mut [PerVoxel<Self>],
        buffer: &mut Parts,
        together: bool,
        annotated: impl Fn(usize) -> Option<usize>,
        encode: impl FnOnce(&mut [PerVoxel<f64>]),
    ) {
        buffer.resize(values.len());
        encode(&mut buffer.probabilities);
        if together {
            buffer.write(values, annotated);
        } else {
            buffer.write_each(values);
        }
    }
}
