//! Memory that files and options ask for. What cannot be had is an error, not the end of the program.

use crate::command::Failure;

/// So much is needed beside arrays.
const BESIDE: u64 = 32 << 20;

/// An error if there is no memory for arrays of so many bytes that are about to be made, where a library would end the program.
pub(crate) fn check(bytes: u64) -> Result<(), Failure> {
    let all = bytes.saturating_add(BESIDE);
    // Asked for and given back. A list that nobody looks at may be left out by the compiler.
    let mut room = Vec::<u8>::new();
    let reserved = usize::try_from(all).map(|all| room.try_reserve_exact(all));
    match std::hint::black_box((room, reserved)).1 {
        Ok(Ok(())) => Ok(()),
        _ => Err(format!(
            "needs {} MB of memory more, which are not to be had; use a part of it, or fewer --jobs",
            all >> 20
        )
        .into()),
    }
}

/// The same for so many bytes of each voxel.
pub(crate) fn check_voxels(shape: &[usize], bytes: usize) -> Result<(), Failure> {
    let all = shape
        .iter()
        .try_fold(bytes as u64, |all, &len| all.checked_mul(len as u64));
    check(all.unwrap_or(u64::MAX))
}
