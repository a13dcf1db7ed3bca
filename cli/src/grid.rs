//! Whether the voxels of inputs lie at the same places, as far as their files tell it.

use std::path::Path;

use soft_labels_files::Geometry;

use crate::command::{Failure, complain, printable};

#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct GridArgs {
    /// Goes on with a warning where the files say that their voxels lie at other places
    #[arg(long)]
    same_grid: bool,
}

/// The voxels of an input.
#[derive(Debug, Clone)]
pub(crate) struct Grid<'a> {
    pub(crate) path: &'a Path,
    pub(crate) geometry: Geometry,
    pub(crate) shape: Vec<usize>,
}

impl GridArgs {
    /// An error if two inputs are apart by more than a tenth of a voxel. Those of other shapes are told elsewhere.
    pub(crate) fn check(self, grids: &[Grid<'_>]) -> Result<(), Failure> {
        for (at, first) in grids.iter().enumerate() {
            let others = grids.iter().skip(at + 1).filter(|other| other.shape == first.shape);
            for second in others {
                let far = first.geometry.distance_in_voxels(&second.geometry, &first.shape);
                let Some(far) = far.filter(|_| !first.geometry.same_place(&second.geometry, &first.shape)) else {
                    continue;
                };
                let [first, second] = [first, second].map(|grid| printable(&grid.path.to_string_lossy()));
                let apart = format!("{first} and {second} lie {} voxels apart", digits(far));
                if !self.same_grid {
                    return Err(format!(
                        "{apart}, as their files say; resample one of them, or set --same-grid to go on"
                    )
                    .into());
                }
                complain(&format!("{apart}, as their files say; --same-grid lets it pass"));
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A distance in a few digits.
fn digits(far: f64) -> String {
    if far.is_finite() && far < 1e6 {
        format!("{far:.2}")
    } else {
        format!("{far:.1e}")
    }
}
