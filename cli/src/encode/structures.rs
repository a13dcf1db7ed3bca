//! Reading overlapping structures, one mask after the other.

use ndarray::IxDyn;
use soft_labels::structures::{Structures, StructuresBuilder};
use soft_labels_files::{ElementType, Geometry, Labels, read_labels};

use crate::command::{Failure, of_file};
use crate::jobs::Job;

/// The structures of a case, with the geometry and the element type of the first mask.
pub(super) fn read(job: &Job) -> Result<(Structures<IxDyn>, Geometry, ElementType), Failure> {
    let mut builder = StructuresBuilder::new();
    let mut first: Option<(Geometry, ElementType)> = None;
    for (_, path) in job.raters() {
        let mask = read_labels(path)?;
        if first
            .as_ref()
            .is_some_and(|(geometry, _)| !geometry.same_place(&mask.geometry))
        {
            let error = "is at another place than the first mask; resample it first";
            return of_file(path, Err(error.into()));
        }
        let added = match &mask.labels {
            Labels::U8(mask) => builder.add(mask),
            Labels::I64(mask) => builder.add(mask),
        };
        of_file(path, added.map_err(Failure::from))?;
        first.get_or_insert((mask.geometry, mask.element_type));
    }
    let (geometry, element_type) = first.ok_or("there is no mask")?;
    Ok((builder.build()?, geometry, element_type))
}
