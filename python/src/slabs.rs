//! Long work in parts, between which Python is asked whether it was interrupted. A window has the bits of the whole.

use std::ops::Range;
use std::time::{Duration, Instant};

use ndarray::{ArrayViewMutD, Axis, Slice};
use pyo3::prelude::*;

/// So many values are written in less than a second by a kernel of 27 weights.
const FIRST: usize = 1 << 24;

/// How long a part takes, about.
const PART: Duration = Duration::from_millis(300);

/// Computes the result of a window part by part, along the first axis that has several voxels. `radius` is how far the
/// encoding reaches.
pub(crate) fn run<T>(
    py: Python<'_>,
    radius: &[usize],
    window: &[Range<usize>],
    out: &mut ArrayViewMutD<'_, T>,
    mut work: impl FnMut(&[Range<usize>], &mut ArrayViewMutD<'_, T>) -> PyResult<()>,
) -> PyResult<()> {
    let weights = radius
        .iter()
        .fold(1_usize, |all, radius| all.saturating_mul(2 * radius + 1));
    let first = (FIRST / (weights / 27).max(1)).max(1 << 12);
    let axis = window.iter().position(|range| range.len() > 1);
    let fits = out.ndim() == window.len() + 1;
    let Some(axis) = axis.filter(|axis| fits && out.len() > first && out.len_of(Axis(axis + 1)) == window[*axis].len())
    else {
        // What does not fit is told by the library.
        return work(window, out);
    };
    let whole = window[axis].clone();
    let of_one = (out.len() / whole.len()).max(1);
    let (mut begin, mut len) = (0, (first / of_one).clamp(1, whole.len()));
    let mut ranges = window.to_vec();
    while begin < whole.len() {
        let end = begin.saturating_add(len).min(whole.len());
        ranges[axis] = whole.start + begin..whole.start + end;
        let start = Instant::now();
        if work(
            &ranges,
            &mut out.slice_axis_mut(Axis(axis + 1), Slice::from(begin..end)),
        )
        .is_err()
        {
            // An error is told of the whole: how many voxels are wrong, for example.
            return work(window, out);
        }
        py.check_signals()?;
        // Neither so short that the voxels around a part count, nor so long that anybody waits.
        let taken = start.elapsed();
        if taken < PART / 2 {
            len = len.saturating_mul(2);
        } else if taken > PART * 2 {
            len = (len / 2).max(1);
        }
        begin = end;
    }
    Ok(())
}
