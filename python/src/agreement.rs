//! Several raters among themselves.

use ndarray::{Array1, Array2, ArrayD, ArrayViewD, IxDyn};
use numpy::{IntoPyArray, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use soft_labels::Label;
use soft_labels::fusion::{Staple, Ties, leave_one_out_majority};
use soft_labels::metrics::{Confusion, EmptyRegion, Region, Surfaces, icc_interval as interval};
use soft_labels::multirater::Votes;

use crate::arrays::{each_label, first, read, read_all, views};
use crate::error::value;
use crate::fuse::ties_of;
use crate::metrics::empty_of;
use crate::objects::Classes;
use crate::raters::table;
use crate::threads;

/// How it is compared.
struct Settings {
    within: Within,
    /// Of each axis.
    spacing: Vec<f64>,
    tolerance: f64,
    ties: Ties<usize>,
    empty: EmptyRegion,
}

/// The voxels of kappa and alpha.
enum Within {
    Union,
    All,
    Band(f64),
}

/// Kappa and alpha, voxels with a vote, and voxels with a vote of every rater.
struct Agreed {
    kappa: f64,
    alpha: f64,
    voxels: u64,
    complete: u64,
}

/// What is found of a structure: numbers of pairs of raters, of raters, and of all.
struct Structure {
    dice: Array2<f64>,
    surface_dice: Array2<f64>,
    volumes: Array1<f64>,
    /// With the majority vote, and with STAPLE, of the others.
    others: [Array1<f64>; 2],
    agreed: Agreed,
}

/// A dict for each region, which is a list of labels, and one for all classes together.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python function")]
pub(crate) fn agreement<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
    regions: Vec<Vec<i64>>,
    within: &str,
    band: f64,
    spacing: Vec<f64>,
    tolerance: f64,
    ties: &str,
    label: Option<i128>,
    empty: &str,
) -> PyResult<(Vec<Bound<'py, PyDict>>, Bound<'py, PyDict>)> {
    let classes = &classes.get().0;
    let of_label = |label: i128| classes.values().into_iter().position(|value| value == label);
    let settings = Settings {
        within: match within {
            "union" => Within::Union,
            "all" => Within::All,
            "band" => Within::Band(band),
            other => {
                return Err(value(format!(
                    "region is \"union\", \"all\" or \"band\", not {other:?}"
                )));
            }
        },
        spacing,
        tolerance,
        ties: match ties_of(ties, label)? {
            Ties::Highest => Ties::Highest,
            Ties::Prefer(label) => {
                let class = of_label(label).ok_or_else(|| value(format!("label {label} to prefer is no class")))?;
                Ties::Prefer(class)
            }
            Ties::Undecided(label) => Ties::Undecided(of_label(label).unwrap_or(usize::MAX)),
            _ => Ties::Lowest,
        },
        empty: empty_of(empty)?,
    };
    let region = |labels: &Vec<i64>| Region::of_labels(classes, labels.iter().copied()).map_err(value);
    let regions = regions.iter().map(region).collect::<PyResult<Vec<_>>>()?;
    let (structures, all) = each_label!(first(&maps)?.dtype(), L => {
        let read = read_all::<L>(&maps)?;
        let views = views(&read);
        threads::run(py, || compare(&views, classes, &regions, &settings))?.map_err(value)
    })?;
    let of_structure = |found: Structure| -> PyResult<Bound<'py, PyDict>> {
        let dict = dict_of(py, &found.agreed)?;
        let [majority, staple] = found.others;
        dict.set_item("dice", found.dice.into_pyarray(py))?;
        dict.set_item("surface_dice", found.surface_dice.into_pyarray(py))?;
        dict.set_item("volumes", found.volumes.into_pyarray(py))?;
        dict.set_item("dice_with_majority_of_others", majority.into_pyarray(py))?;
        dict.set_item("dice_with_staple_of_others", staple.into_pyarray(py))?;
        Ok(dict)
    };
    let structures = structures.into_iter().map(of_structure).collect::<PyResult<_>>()?;
    Ok((structures, dict_of(py, &all)?))
}

fn dict_of<'py>(py: Python<'py>, agreed: &Agreed) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("fleiss_kappa", agreed.kappa)?;
    dict.set_item("krippendorff_alpha", agreed.alpha)?;
    dict.set_item("voxels", agreed.voxels)?;
    dict.set_item("voxels_of_all_raters", agreed.complete)?;
    Ok(dict)
}

fn compare<L: Label>(
    views: &[ArrayViewD<'_, L>],
    classes: &soft_labels::Classes,
    regions: &[Region],
    settings: &Settings,
) -> soft_labels::Result<(Vec<Structure>, Agreed)> {
    let votes = Votes::count::<L, IxDyn>(views, classes)?;
    let others = [
        leave_one_out_majority(&votes, settings.ties),
        Staple::new().leave_one_out(&votes, settings.ties)?,
    ];
    let within = |votes: &Votes, region: Option<&Region>| -> soft_labels::Result<Agreed> {
        let of_structure = |votes: &Votes| region.map_or_else(|| votes.clone(), |region| votes.structure(region));
        let inside = match settings.within {
            Within::All => of_structure(votes),
            Within::Union => of_structure(votes).union(),
            Within::Band(distance) => {
                let foreground = Region::of_labels(classes, classes.values().into_iter().skip(1).filter_map(narrow));
                let foreground = match region {
                    Some(region) => region.clone(),
                    None => foreground?,
                };
                let band = Votes::count_in_band(views, classes, &foreground, &*settings.spacing, distance)?;
                of_structure(&band)
            }
        };
        Ok(Agreed {
            kappa: inside.fleiss_kappa(),
            alpha: inside.krippendorff_alpha(),
            voxels: inside.voxels(),
            complete: inside.complete_voxels(),
        })
    };
    let voxel: f64 = settings.spacing.iter().product();
    let labelled = views.iter().filter(|_| classes.ignore().is_some());
    let labelled = labelled.map(|map| classes.valid_mask(map));
    let labelled = labelled.collect::<soft_labels::Result<Vec<_>>>()?;
    let structure = |region: &Region| -> soft_labels::Result<Structure> {
        let masks = views.iter().map(|view| region.mask(view, classes));
        let masks = masks.collect::<soft_labels::Result<Vec<_>>>()?;
        let dice = |confusion: &Confusion| confusion.dice(region, settings.empty);
        let raters = views.len();
        let mut of_pairs = [
            Array2::from_elem((raters, raters), f64::NAN),
            Array2::from_elem((raters, raters), f64::NAN),
        ];
        for (first, mask) in masks.iter().enumerate() {
            for (second, other) in masks.iter().enumerate().skip(first + 1) {
                let overlap = votes.confusion(first, second).as_ref().map_or(f64::NAN, dice);
                // What one of the two ignores is outside for both.
                let (mut one, mut two) = (mask.clone(), other.clone());
                for both in [first, second].iter().filter_map(|rater| labelled.get(*rater)) {
                    one &= both;
                    two &= both;
                }
                let surfaces = Surfaces::new(&one, &two, &*settings.spacing)?;
                let surface = surfaces.dice_or(settings.tolerance, settings.empty)?;
                for (matrix, number) in of_pairs.iter_mut().zip([overlap, surface]) {
                    for place in [[first, second], [second, first]] {
                        if let Some(entry) = matrix.get_mut(place) {
                            *entry = number;
                        }
                    }
                }
            }
        }
        let [dice_of_pairs, surface_dice] = of_pairs;
        let volume = |mask: &ArrayD<bool>| {
            let mut common = mask.clone();
            labelled.iter().for_each(|labelled| common &= labelled);
            common.iter().filter(|&&inside| inside).count() as f64 * voxel
        };
        let of_others = |confusions: &Vec<Confusion>| -> Array1<f64> {
            // With one rater there are no others.
            let dice = |confusion| if raters > 1 { dice(confusion) } else { f64::NAN };
            confusions.iter().map(dice).collect()
        };
        Ok(Structure {
            dice: dice_of_pairs,
            surface_dice,
            volumes: masks.iter().map(volume).collect(),
            others: [of_others(&others[0]), of_others(&others[1])],
            agreed: within(&votes, Some(region))?,
        })
    };
    let structures = regions.iter().map(structure).collect::<soft_labels::Result<_>>()?;
    Ok((structures, within(&votes, None)?))
}

fn narrow(label: i128) -> Option<i64> {
    label.try_into().ok()
}

/// The interval of the intraclass correlation of a table (cases, raters).
#[pyfunction]
pub(crate) fn icc_interval(volumes: &Bound<'_, PyUntypedArray>, level: f64) -> PyResult<[f64; 2]> {
    let held = read::<f64>(volumes)?;
    let table = table(&held)?;
    threads::run(held.py(), || interval(&table, level))?.map_err(value)
}
