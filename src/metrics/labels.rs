//! The classes of a label map, run by run.

use ndarray::ArrayRef;

use crate::common::arrays::in_order;
use crate::common::parallel;
use crate::common::runs::for_each_run;
use crate::{Classes, Label, Result, SpatialDim};

/// Labels that are read together.
const PIECE: usize = 1 << 16;

/// Writes a value for the class of each voxel in C order; an ignored voxel has no class.
pub(super) fn write_classes<L: Label, D: SpatialDim, T: Copy + Send>(
    labels: &ArrayRef<L, D>,
    classes: &Classes,
    out: &mut [T],
    value: impl Fn(Option<usize>) -> T + Sync + Send,
) -> Result<()> {
    let in_order = in_order(labels)?;
    let pieces = in_order.chunks(PIECE).zip(out.chunks_mut(PIECE));
    // Runs are found and written at about two labels a nanosecond.
    let unknown = parallel::map(in_order.len() / 2, pieces, |(labels, mut out)| {
        let mut unknown = false;
        for_each_run(labels, |label, len| {
            let class = classes.class_of(label);
            unknown |= class.is_none() && !classes.is_ignored(label);
            let (run, rest) = std::mem::take(&mut out).split_at_mut(len);
            run.fill(value(class));
            out = rest;
        });
        unknown
    });
    if unknown.contains(&true) {
        classes.check(&labels.view().into_dyn(), &vec![0; labels.ndim()], 0, 1)?;
    }
    Ok(())
}
