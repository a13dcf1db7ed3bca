//! Reading overlapping structures, one mask after the other.

use ndarray::IxDyn;
use soft_labels::structures::{Structures, StructuresBuilder};
use soft_labels_files::{ElementType, Geometry, Labels, read_labels};

use crate::command::{Failure, of_file};
use crate::grid::Grid;
use crate::jobs::Job;

/// The structures of a case, with the geometry and the element type of the first mask.
pub(super) fn read(job: &Job) -> Result<(Structures<IxDyn>, Geometry, ElementType), Failure> {
    let mut builder = StructuresBuilder::new();
    let mut first: Option<(Geometry, ElementType)> = None;
    let mut grids = Vec::new();
    for (_, path) in job.raters() {
        let mask = read_labels(path)?;
        grids.push(Grid {
            path,
            geometry: mask.geometry.clone(),
            shape: mask.labels.shape().to_vec(),
        });
        let added = match &mask.labels {
            Labels::U8(mask) => builder.add(mask),
            Labels::I64(mask) => builder.add(mask),
        };
        of_file(path, added.map_err(Failure::from))?;
        first.get_or_insert((mask.geometry, mask.element_type));
    }
    job.check_grid(&grids)?;
    let (geometry, element_type) = first.ok_or("there is no mask")?;
    Ok((builder.build()?, geometry, element_type))
}
