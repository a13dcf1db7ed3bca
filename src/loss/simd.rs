//! Loops over blocks, compiled for wider vectors as well.
//!
//! What runs in [`wide`] has to be inlined into it, so functions of a block are `inline(always)`. The compiler joins no
//! multiplications and additions, so results have the same bits.

/// Runs a function, with AVX2 where the processor has it and feature `simd` is on.
#[inline(always)]
pub(super) fn wide<R>(run: impl FnOnce() -> R) -> R {
    #[cfg(feature = "simd")]
    return pulp::Arch::new().dispatch(run);
    #[cfg(not(feature = "simd"))]
    run()
}

#[cfg(test)]
mod tests {
    use super::super::elementary::{BLOCK, PerVoxel, exp_and_ln};
    use super::wide;

    #[test]
    fn wide_vectors_give_the_same_bits() {
        for round in 0..1000_u16 {
            let values: PerVoxel<f32> = std::array::from_fn(|i| -(f32::from(round) * 0.083) - i as f32 * 0.0007);
            let plain = exp_and_ln(values);
            let other = wide(
                #[inline(always)]
                || exp_and_ln(values),
            );
            for i in 0..BLOCK {
                assert_eq!(plain[i].to_bits(), other[i].to_bits(), "{}", values[i]);
            }
        }
    }
}
