//! What is found in one case.

use ndarray::{ArrayD, ArrayViewD};
use soft_labels::fusion::{Staple, Ties, leave_one_out_majority};
use soft_labels::metrics::{Agreement, Confusion, Region, Surfaces};
use soft_labels::multirater::Votes;
use soft_labels::{Classes, multirater};
use soft_labels_files::{Geometry, write_map};

use super::Args;
use super::args::Where;
use super::maps::MapFiles;
use crate::command::{Failure, of_file};
use crate::jobs::Drawn;
use crate::judge::spacing;
use crate::memory;
use crate::raters::Volume;

/// What is compared: structures by their names, each of some classes.
#[derive(Debug)]
pub(crate) struct Structures {
    pub(crate) classes: Classes,
    pub(crate) all: Vec<(String, Region)>,
    /// All classes but the first.
    pub(crate) foreground: Region,
}

/// The numbers of a case. Raters are those who drew it, by their position among all.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) raters: Vec<usize>,
    /// How many raters there are in the case, with those who did not draw it.
    pub(crate) count: usize,
    /// By structure.
    pub(crate) structures: Vec<Structure>,
    /// All classes together.
    pub(crate) all: Agreed,
}

#[derive(Debug)]
pub(crate) struct Structure {
    /// In mm³, by rater.
    pub(crate) volumes: Vec<f64>,
    /// The pairs of raters, the first with the second, the third and so on, then the second with those after it.
    pub(crate) pairs: Vec<Pair>,
    pub(crate) agreed: Agreed,
    /// The overlap of each rater with the majority vote and with STAPLE of the others.
    pub(crate) others: [Vec<[u64; 3]>; 2],
}

/// Two raters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    /// Voxels of the first, of the second and of both.
    pub(crate) overlap: [u64; 3],
    /// The area of both surfaces that is near the other, and all of it.
    pub(crate) surface: [f64; 2],
}

/// In the region of agreement.
#[derive(Debug)]
pub(crate) struct Agreed {
    pub(crate) sums: Agreement,
    pub(crate) voxels: u64,
    pub(crate) complete: u64,
}

impl Agreed {
    fn of(votes: &Votes) -> Self {
        Self {
            sums: votes.agreement(),
            voxels: votes.voxels(),
            complete: votes.complete_voxels(),
        }
    }
}

pub(crate) fn compare(
    args: &Args,
    structures: &Structures,
    drawn: &Drawn,
    raters: usize,
    maps: Option<&MapFiles>,
) -> Result<Compared, Failure> {
    let Volume { labels, geometry, .. } = drawn.read()?;
    let labels = labels.widen()?;
    let shape = labels.first().map_or(&[][..], |map| map.shape());
    // Two masks, the distances between them, and the maps of disagreement.
    memory::check_voxels(shape, 40)?;
    let axes = shape.len();
    let views: Vec<_> = labels.iter().map(|map| map.view()).collect();
    let spacing = spacing(args.spacing_mm.as_deref(), axes, &geometry)?;
    let positions: Vec<usize> = if args.drawn.stacked_raters {
        (0..labels.len()).collect()
    } else {
        drawn.raters().map(|(rater, _)| rater).collect()
    };
    let classes = &structures.classes;
    let labelled = views.iter().filter(|_| classes.ignore().is_some());
    let labelled = labelled
        .map(|map| classes.valid_mask(map))
        .collect::<Result<Vec<_>, _>>();
    let labelled = labelled.map_err(|error| drawn.named(error))?;
    let nothing = |map: &ArrayD<bool>| !map.is_empty() && !map.iter().any(|&counts| counts);
    if let Some(rater) = labelled.iter().position(nothing) {
        let error = "ignores every voxel; take the map away, so that its rater is one who did not draw the case";
        return match drawn.raters().nth(rater) {
            Some((_, path)) => of_file(path, Err(error.into())),
            None => Err(format!("rater {} {error}", rater + 1).into()),
        };
    }
    let case = OneCase {
        args,
        structures,
        views,
        labelled: (!labelled.is_empty()).then_some(labelled),
        spacing,
        count: raters.max(labels.len()),
        positions,
    };
    let compared = case.compare()?;
    if let Some(maps) = maps {
        case.write_maps(maps, &geometry)?;
    }
    Ok(compared)
}

struct OneCase<'a> {
    args: &'a Args,
    structures: &'a Structures,
    views: Vec<ArrayViewD<'a, i64>>,
    /// The voxels that each rater labelled, if voxels can be ignored.
    labelled: Option<Vec<ArrayD<bool>>>,
    spacing: Vec<f64>,
    /// All raters, with those who did not draw the case.
    count: usize,
    positions: Vec<usize>,
}

impl OneCase<'_> {
    fn compare(&self) -> Result<Compared, Failure> {
        let classes = &self.structures.classes;
        let votes = Votes::count(&self.views, classes)?;
        let others = if self.views.len() > 1 {
            let ties = self.ties();
            [
                leave_one_out_majority(&votes, ties),
                Staple::new().leave_one_out(&votes, ties)?,
            ]
        } else {
            [Vec::new(), Vec::new()]
        };
        let structure = |(_, region): &(String, Region)| self.structure(&votes, &others, region);
        Ok(Compared {
            raters: self.positions.clone(),
            count: self.count,
            structures: self.structures.all.iter().map(structure).collect::<Result<_, _>>()?,
            all: Agreed::of(&self.of_all_raters(self.within(votes.clone(), &self.structures.foreground)?)),
        })
    }

    fn structure(&self, votes: &Votes, others: &[Vec<Confusion>; 2], region: &Region) -> Result<Structure, Failure> {
        let voxel: f64 = self.spacing.iter().product();
        let raters = self.views.len();
        let overlap = |confusion: &Confusion| {
            let overlap = confusion.overlap(region).unwrap_or_default();
            [overlap.prediction, overlap.reference, overlap.both]
        };
        let mut masks = Vec::new();
        for view in &self.views {
            masks.push(region.mask(view, &self.structures.classes)?);
        }
        let mut pairs = Vec::new();
        for first in 0..raters {
            for second in first + 1..raters {
                pairs.push(Pair {
                    overlap: votes.confusion(first, second).as_ref().map_or([0; 3], overlap),
                    surface: self.surface([first, second], &masks)?,
                });
            }
        }
        let mut volumes = Vec::new();
        for mask in &masks {
            let mut common = mask.clone();
            self.labelled.iter().flatten().for_each(|labelled| common &= labelled);
            volumes.push(common.iter().filter(|&&inside| inside).count() as f64 * voxel);
        }
        Ok(Structure {
            volumes,
            pairs,
            agreed: Agreed::of(&self.of_all_raters(self.within(votes.structure(region), region)?)),
            others: [0, 1].map(|method| others[method].iter().map(overlap).collect()),
        })
    }

    /// The area that is near, and all of it. What one of the two ignores is outside for both.
    fn surface(&self, pair: [usize; 2], masks: &[ArrayD<bool>]) -> Result<[f64; 2], Failure> {
        let [first, second] = pair.map(|rater| {
            let mut mask = masks[rater].clone();
            for labelled in self.labelled.iter().flat_map(|labelled| pair.map(|of| &labelled[of])) {
                mask &= labelled;
            }
            mask
        });
        let surfaces = Surfaces::new(&first, &second, &*self.spacing)?;
        let areas = [surfaces.prediction_area(), surfaces.reference_area()];
        let shares = [
            surfaces.overlap_prediction(self.args.tolerance_mm)?,
            surfaces.overlap_reference(self.args.tolerance_mm)?,
        ];
        // A surface that is not there has no share.
        let near = areas.iter().zip(shares).filter(|(area, _)| **area > 0.0);
        Ok([near.map(|(area, share)| area * share).sum(), areas.iter().sum()])
    }

    /// The votes in the region of agreement of a structure, given those of all voxels.
    fn within(&self, votes: Votes, region: &Region) -> Result<Votes, Failure> {
        let classes = &self.structures.classes;
        Ok(match self.args.region {
            Where::All => votes,
            Where::Union => votes.union(),
            Where::Band => {
                let band = Votes::count_in_band(&self.views, classes, region, &*self.spacing, self.args.band_mm())?;
                // Two classes are a structure against all else.
                if votes.classes() == 2 {
                    band.structure(region)
                } else {
                    band
                }
            }
        })
    }

    /// The votes with the raters who did not draw the case.
    fn of_all_raters(&self, votes: Votes) -> Votes {
        let missing = (0..self.count).filter(|rater| !self.positions.contains(rater));
        missing.fold(votes, Votes::with_missing)
    }

    /// The rule for ties, of classes by their positions.
    fn ties(&self) -> Ties<usize> {
        let class = |label: i64| self.structures.classes.class_of(label);
        match self.args.ties.0 {
            Ties::Highest => Ties::Highest,
            Ties::Prefer(label) => class(label).map_or(Ties::Lowest, Ties::Prefer),
            Ties::Undecided(label) => Ties::Undecided(class(label).unwrap_or(usize::MAX)),
            _ => Ties::Lowest,
        }
    }

    fn write_maps(&self, maps: &MapFiles, geometry: &Geometry) -> Result<(), Failure> {
        let found = multirater::disagreement(&self.views, &self.structures.classes)?;
        for (path, map) in maps.paths.iter().zip([found.entropy, found.minority]) {
            write_map(
                self.args.existing.place(path),
                &map.mapv(|value| value as f32),
                geometry,
            )?;
        }
        Ok(())
    }
}
