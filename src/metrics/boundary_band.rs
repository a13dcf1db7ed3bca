//! The voxels about the boundaries of a label map.

use ndarray::{Array, ArrayRef};

use super::labels::write_classes;
use super::predictions::IGNORED;
use super::surface::distance::transform;
use super::surface::{SLACK, grid_spacing};
use crate::common::arrays;
use crate::common::parallel;
use crate::common::runs::for_each_run;
use crate::error::allowed;
use crate::input::raters::check_axes;
use crate::{Classes, Error, Label, PerAxis, Result, SpatialDim};

/// The voxels within a distance of the boundaries of a label map, (H, W) or (D, H, W).
///
/// A voxel is in the band if the nearest voxel of another class is at most so far away: from centre to centre, by the spacing,
/// inclusive. Ignored voxels are neither in the band nor another class, and the border of the map is no boundary. So a band
/// narrower than the spacing is empty, and a band one voxel wide has one voxel on either side of a boundary.
///
/// A distance may be a millionth above the given one, as for [`Surfaces::dice`](super::Surfaces::dice), so that one that is met but
/// for rounding is met.
///
/// `spacing` is the distance between voxels, one for all axes or one for each, and `distance` has its unit. An infinite distance
/// takes all voxels of a map that holds two classes.
///
/// # Errors
/// [`Error::Axes`], [`Error::UnknownLabel`], [`Error::Count`] if the spacing has another number of axes, [`Error::Setting`] if it
/// does not lie within 1e-30 and 1e30 or the distance is negative or NaN, [`Error::TooLarge`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::boundary_band;
///
/// let classes = Classes::contiguous(2)?.with_ignore(255)?;
/// let labels = array![[0_u8, 0, 0, 1, 1, 255]];
/// let band = boundary_band(&labels, &classes, 0.5, 1.0)?; // two voxels of 0.5 mm on either side
/// assert_eq!(band, array![[false, true, true, true, true, false]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn boundary_band<L: Label, D: SpatialDim>(
    labels: &ArrayRef<L, D>,
    classes: &Classes,
    spacing: impl Into<PerAxis<f64>>,
    distance: f64,
) -> Result<Array<bool, D>> {
    check_axes(labels.ndim())?;
    let spacing = grid_spacing(spacing.into().values(), labels.ndim())?;
    if distance.is_nan() || distance < 0.0 {
        return Err(Error::Setting {
            what: "distance",
            place: None,
            value: distance,
            allowed: allowed::TOLERANCE,
        });
    }
    let mut targets = arrays::zeros(labels.len(), labels.shape())?;
    let target = |class: Option<usize>| class.map_or(IGNORED, |class| u16::try_from(class).unwrap_or(IGNORED));
    write_classes(labels, classes, &mut targets, target)?;
    let mut band = arrays::filled(labels.raw_dim(), false)?;
    let size = match *labels.shape() {
        [height, width] => [1, height, width],
        [depth, height, width] => [depth, height, width],
        _ => return Ok(band),
    };
    if targets.is_empty() {
        return Ok(band);
    }

    let near = Near::new(size, spacing, distance);
    let plane = size[1] * size[2];
    let inside = band.as_slice_mut().ok_or_else(|| Error::TooLarge {
        shape: labels.shape().to_vec(),
    })?;
    // Each slab is looked at together with the planes that its voxels reach.
    let thickness = SLAB.max(near.reach[0]);
    let slabs = parallel::pieces(size[0], thickness).zip(inside.chunks_mut(thickness * plane));
    let marked = parallel::map(targets.len() * COST, slabs, |(planes, inside)| {
        let first = planes.start.saturating_sub(near.reach[0]);
        let last = (planes.end + near.reach[0]).min(size[0]);
        near.mark(&targets[first * plane..last * plane], planes.start - first, inside)
    });
    marked.into_iter().collect::<Result<()>>()?;
    Ok(band)
}

/// Planes that are looked at together.
const SLAB: usize = 32;

/// Nanoseconds that a voxel takes.
const COST: usize = 10;

/// What is near.
struct Near {
    /// The map, on the axes D, H, W.
    size: [usize; 3],
    spacing: [f64; 3],
    /// The largest squared distance.
    most: f64,
    /// Along each axis no voxel farther than this is near.
    reach: [usize; 3],
}

impl Near {
    fn new(size: [usize; 3], spacing: [f64; 3], distance: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "no farther than the map reaches"
        )]
        let reach = [0, 1, 2].map(|axis| (distance / spacing[axis]).ceil().min(size[axis] as f64) as usize);
        Self {
            size,
            spacing,
            most: (distance * (1.0 + SLACK)).powi(2),
            reach,
        }
    }

    /// Marks the voxels of a slab that are in the band, from the classes of the slab and of the planes about it, of which so many
    /// come before.
    fn mark(&self, targets: &[u16], before: usize, inside: &mut [bool]) -> Result<()> {
        let [_, height, width] = self.size;
        let depth = targets.len() / (height * width);
        let core = inside.len() / (height * width);
        let place = |[d, h, w]: [usize; 3]| (d * height + h) * width + w;
        let own = &targets[place([before, 0, 0])..][..inside.len()];
        for (class, [low, high]) in boxes(own, [core, height, width]) {
            let low = [low[0] + before, low[1], low[2]];
            let high = [high[0] + before, high[1], high[2]];
            // No voxel that matters is outside of this box.
            let start = [0, 1, 2].map(|axis| low[axis].saturating_sub(self.reach[axis]));
            let end = [0, 1, 2].map(|axis| (high[axis] + 1 + self.reach[axis]).min([depth, height, width][axis]));
            let shape = [0, 1, 2].map(|axis| end[axis] - start[axis]);
            let mut squares = arrays::zeros(shape.iter().product(), &shape)?;
            let mut any = false;
            let rows = || (start[0]..end[0]).flat_map(|d| (start[1]..end[1]).map(move |h| [d, h]));
            for ([d, h], squares) in rows().zip(squares.chunks_mut(shape[2])) {
                let targets = &targets[place([d, h, start[2]])..][..shape[2]];
                for (square, &target) in squares.iter_mut().zip(targets) {
                    let other = target != class && target != IGNORED;
                    any |= other;
                    *square = if other { 0.0 } else { f64::INFINITY };
                }
            }
            if !any {
                continue;
            }
            transform(shape, &mut squares, self.spacing)?;
            for ([d, h], squares) in rows().zip(squares.chunks(shape[2])) {
                if !(before..before + core).contains(&d) {
                    continue;
                }
                let targets = &targets[place([d, h, start[2]])..][..shape[2]];
                let inside = &mut inside[place([d - before, h, start[2]])..][..shape[2]];
                for ((inside, &target), square) in inside.iter_mut().zip(targets).zip(squares) {
                    *inside |= target == class && *square <= self.most;
                }
            }
        }
        Ok(())
    }
}

/// The classes of some voxels with the boxes about them, each its lowest and its highest voxel.
fn boxes(targets: &[u16], [_, height, width]: [usize; 3]) -> Vec<(u16, [[usize; 3]; 2])> {
    let mut boxes = std::collections::BTreeMap::new();
    for (row, targets) in targets.chunks(width).enumerate() {
        let (d, h) = (row / height, row % height);
        let mut w = 0;
        for_each_run(targets, |class, len| {
            let (from, to) = ([d, h, w], [d, h, w + len - 1]);
            w += len;
            if class != IGNORED {
                let [low, high]: &mut [[usize; 3]; 2] = boxes.entry(class).or_insert([from, to]);
                *low = [0, 1, 2].map(|axis| low[axis].min(from[axis]));
                *high = [0, 1, 2].map(|axis| high[axis].max(to[axis]));
            }
        });
    }
    boxes.into_iter().collect()
}
