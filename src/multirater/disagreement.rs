//! How much the raters disagree.

use ndarray::{Array, ArrayView};

use crate::common::arrays;
use crate::{Classes, Label, Raters, Result, SpatialDim};

/// How much the raters disagree at each voxel: two maps of the label maps' shape, (H, W) or (D, H, W), in C order.
///
/// See [`disagreement`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, multirater};
///
/// let (a, b) = (array![[0_u8, 0]], array![[0_u8, 1]]);
/// let maps = multirater::disagreement(&[a.view(), b.view()], &Classes::contiguous(2)?)?;
/// assert_eq!(maps.minority, array![[0.0, 0.5]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Disagreement<D: ndarray::Dimension> {
    /// Entropy of the mean one-hot distribution, in nats: 0 where all agree, ln k where k classes share the votes evenly.
    pub entropy: Array<f64, D>,
    /// The fraction of raters whose label is not that of the majority (the most frequent one).
    pub minority: Array<f64, D>,
}

/// How much the raters disagree at each voxel, each counting alike.
///
/// With `n_c` raters for class c of the `n` who labelled the voxel:
///
/// ```text
/// entropy  = -Σ_c (n_c / n) ln(n_c / n)
/// minority = 1 - max_c n_c / n
/// ```
///
/// Raters who ignore a voxel are left out there; where all ignore it both are 0.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty), [`Error::Shape`](crate::Error::Shape),
/// [`Error::Axes`](crate::Error::Axes), [`Error::UnknownLabel`](crate::Error::UnknownLabel),
/// [`Error::TooLarge`](crate::Error::TooLarge).
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, multirater};
///
/// let (a, b, c) = (array![[0_u8, 0]], array![[0_u8, 1]], array![[0_u8, 1]]);
/// let maps = multirater::disagreement(&[a.view(), b.view(), c.view()], &Classes::contiguous(2)?)?;
/// assert_eq!(maps.entropy[[0, 0]], 0.0);
/// assert!((maps.entropy[[0, 1]] - (3.0_f64.ln() - 2.0 / 3.0 * 2.0_f64.ln())).abs() < 1e-15);
/// assert!((maps.minority[[0, 1]] - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn disagreement<L: Label, D: SpatialDim>(
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
) -> Result<Disagreement<D>> {
    let raters = Raters::new(raters)?;
    let mut entropy = arrays::filled(raters.dim(), 0.0)?;
    let mut minority = arrays::filled(raters.dim(), 0.0)?;
    raters.check(classes)?;
    let mut voxels: Vec<_> = raters.maps().iter().map(|map| map.iter()).collect();
    let mut votes: Vec<(L, usize)> = Vec::with_capacity(raters.len());
    for (entropy, minority) in entropy.iter_mut().zip(minority.iter_mut()) {
        votes.clear();
        for &label in voxels
            .iter_mut()
            .filter_map(Iterator::next)
            .filter(|&&label| !classes.is_ignored(label))
        {
            match votes.iter_mut().find(|(known, _)| *known == label) {
                Some((_, count)) => *count += 1,
                None => votes.push((label, 1)),
            }
        }
        let all: usize = votes.iter().map(|&(_, count)| count).sum();
        let most = votes.iter().map(|&(_, count)| count).max().unwrap_or(0);
        if most < all {
            let share = |count: usize| count as f64 / all as f64;
            *entropy = votes.iter().map(|&(_, count)| -share(count) * share(count).ln()).sum();
            *minority = share(all - most);
        }
    }
    Ok(Disagreement { entropy, minority })
}
