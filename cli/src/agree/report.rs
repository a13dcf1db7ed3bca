//! What was found, as tables.

use ndarray::Array2;
use soft_labels::metrics::{Agreement, icc_interval, icc_of_volumes};

use super::Args;
use super::compare::{Agreed, Compared, Structure, Structures};
use super::pooled::{Numbers, OF_NUMBERS, OF_ONE};
use crate::judge::Empty;
use crate::summary::{DRAWS, Summary};
use crate::tables::{Cell, OF_SUMMARY, Table, Tables, all_digits, summary_cells};

/// The names of all tables.
pub(crate) const NAMES: [&str; 7] = [
    "pairs",
    "volumes",
    "agreement",
    "correlation",
    "others",
    "raters",
    "cases",
];

/// The structure of all classes together.
const ALL: &str = "all classes";

pub(crate) struct Report<'a> {
    pub(crate) args: &'a Args,
    pub(crate) structures: &'a Structures,
    /// What they are called.
    pub(crate) raters: Vec<String>,
    /// Cases with their numbers, or with what went wrong.
    pub(crate) cases: Vec<(String, Result<Compared, String>)>,
}

/// What is measured of two maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Dice,
    SurfaceDice,
}

impl Report<'_> {
    fn compared(&self) -> Vec<&Compared> {
        self.cases.iter().filter_map(|(_, case)| case.as_ref().ok()).collect()
    }

    fn one(&self) -> bool {
        self.cases.len() == 1
    }

    pub(crate) fn structures(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.structures.all.iter().map(|(name, _)| name.as_str());
        names.enumerate()
    }

    /// A table whose columns go on with a number of all cases.
    fn table(&self, name: &'static str, title: &str, columns: &[(&str, &str)]) -> Table {
        let numbers = if self.one() { &OF_ONE[..] } else { &OF_NUMBERS };
        Table::new(name, title, columns.iter().chain(numbers))
    }

    pub(crate) fn tables(&self) -> Tables {
        let mut tables = vec![self.pairs(), self.volumes(), self.agreement()];
        tables.extend((!self.one()).then(|| self.correlation()));
        tables.extend([self.others(), self.who()]);
        tables.extend((self.args.per_case && !self.one()).then(|| self.per_case()));
        Tables {
            notes: self.notes(),
            tables,
        }
    }

    /// Two raters, by what is measured of a structure.
    pub(crate) fn pair(&self, structure: usize, of: Of, [first, second]: [usize; 2]) -> Numbers {
        let part = |case: &&Compared| part_of_pair(case, structure, of, [first, second]);
        let parts: Vec<_> = self.compared().iter().map(part).collect();
        Numbers::of(&parts, self.args.seed, |part| ratio(part, self.args.empty))
    }

    pub(crate) fn all_pairs(&self) -> impl Iterator<Item = [usize; 2]> {
        let raters = self.raters.len();
        (0..raters).flat_map(move |first| (first + 1..raters).map(move |second| [first, second]))
    }

    fn pairs(&self) -> Table {
        let columns = [
            ("structure", "structure"),
            ("metric", "metric"),
            ("first", "rater"),
            ("second", "and rater"),
        ];
        let mut table = self.table("pairs", "Pairs of raters", &columns);
        for (structure, name) in self.structures() {
            for (of, metric) in [(Of::Dice, "Dice"), (Of::SurfaceDice, "surface Dice")] {
                for [first, second] in self.all_pairs() {
                    let who = [name, metric, &self.raters[first], &self.raters[second]].map(Cell::from);
                    let numbers = self.pair(structure, of, [first, second]).cells(self.one());
                    table.push(who.into_iter().chain(numbers));
                }
            }
        }
        table
    }

    fn volumes(&self) -> Table {
        let columns = [("structure", "structure"), ("rater", "rater")];
        let numbers = if self.one() { &OF_ONE[..] } else { &OF_SUMMARY };
        let mut table = Table::new("volumes", "Volumes in mm³", columns.iter().chain(numbers));
        for (structure, name) in self.structures() {
            for (rater, title) in self.raters.iter().enumerate() {
                let of_case = |case: &&Compared| volume(case, structure, rater).unwrap_or(f64::NAN);
                let summary = Summary::of(self.compared().iter().map(of_case), self.args.seed);
                let who = [Cell::from(name), title.as_str().into()];
                if self.one() {
                    table.push(who.into_iter().chain([summary.mean.into()]));
                } else {
                    table.push(who.into_iter().chain(summary_cells(&summary)));
                }
            }
        }
        table
    }

    /// Kappa and alpha.
    fn agreement(&self) -> Table {
        let columns = [
            ("structure", "structure"),
            ("measure", "measure"),
            ("region", "region"),
            ("voxels", "voxels"),
        ];
        let mut table = self.table("agreement", "Agreement of all raters beyond chance", &columns);
        let compared = self.compared();
        let mut push = |name: &str, agreed: &dyn Fn(&Compared) -> &Agreed| {
            let all: Vec<&Agreed> = compared.iter().map(|case| agreed(case)).collect();
            let everybody = |case: &Compared| case.raters.len() == self.raters.len();
            let kappa = |case: &&Compared| {
                if everybody(case) {
                    agreed(case).sums.fleiss_kappa()
                } else {
                    f64::NAN
                }
            };
            let alpha = |case: &&Compared| agreed(case).sums.krippendorff_alpha();
            let (kappas, alphas): (Vec<_>, Vec<_>) = compared.iter().map(|case| (kappa(case), alpha(case))).unzip();
            let complete = all.iter().map(|agreed| agreed.complete).sum();
            let voxels = all.iter().map(|agreed| agreed.voxels).sum();
            for (measure, of_cases, of, voxels) in [
                (
                    "Fleiss' kappa",
                    kappas,
                    Agreement::fleiss_kappa as fn(&Agreement) -> f64,
                    complete,
                ),
                ("Krippendorff's alpha", alphas, Agreement::krippendorff_alpha, voxels),
            ] {
                let numbers = self.pooled_agreement(&all, of_cases, of);
                let region = self.args.about_region();
                let who = [
                    name.into(),
                    measure.into(),
                    Cell::from(region.as_str()),
                    Cell::Count(voxels),
                ];
                table.push(who.into_iter().chain(numbers.cells(self.one())));
            }
        };
        for (structure, name) in self.structures() {
            push(name, &|case| &case.structures[structure].agreed);
        }
        if self.structures.classes.len() > 2 {
            push(ALL, &|case| &case.all);
        }
        table
    }

    fn pooled_agreement(&self, all: &[&Agreed], of_cases: Vec<f64>, of: fn(&Agreement) -> f64) -> Numbers {
        Numbers::new(of_cases.into_iter(), self.args.seed, |drawn| {
            let mut sums = Agreement::default();
            for agreed in drawn.iter().filter_map(|&case| all.get(case)) {
                sums.merge(&agreed.sums);
            }
            of(&sums)
        })
    }

    /// The intraclass correlation of volumes.
    fn correlation(&self) -> Table {
        let columns = [
            ("structure", "structure"),
            ("icc", "ICC(2,1)"),
            ("interval_low", "95 % from"),
            ("interval_high", "to"),
            ("cases", "cases"),
            ("left_out", "left out"),
        ];
        let mut table = Table::new("correlation", "Intraclass correlation of volumes", &columns);
        let (compared, raters) = (self.compared(), self.raters.len());
        for (structure, name) in self.structures() {
            let row = |case: &&Compared| {
                (0..raters)
                    .map(|rater| volume(case, structure, rater))
                    .collect::<Option<Vec<_>>>()
            };
            let rows: Vec<Vec<f64>> = compared.iter().filter_map(row).collect();
            let cases = rows.len();
            let volumes = Array2::from_shape_vec((cases, raters), rows.concat()).unwrap_or_default();
            let icc = icc_of_volumes(&volumes).unwrap_or(f64::NAN);
            let [low, high] = icc_interval(&volumes, 0.95).unwrap_or([f64::NAN; 2]);
            let numbers = [icc, low, high].map(Cell::from);
            let counts = [cases, compared.len() - cases].map(Cell::from);
            table.push([name.into()].into_iter().chain(numbers).chain(counts));
        }
        table
    }

    /// Each rater against the others.
    fn others(&self) -> Table {
        let columns = [("structure", "structure"), ("rater", "rater"), ("against", "against")];
        let mut table = self.table("others", "Dice of each rater with the others", &columns);
        for (structure, name) in self.structures() {
            for (method, against) in ["majority vote", "STAPLE"].into_iter().enumerate() {
                for (rater, title) in self.raters.iter().enumerate() {
                    let part = |case: &&Compared| {
                        let at = case.position(rater)?;
                        Some(of_overlap(*case.structures[structure].others[method].get(at)?))
                    };
                    let parts: Vec<_> = self.compared().iter().map(part).collect();
                    let numbers = Numbers::of(&parts, self.args.seed, |part| ratio(part, self.args.empty));
                    let who = [name, title.as_str(), against].map(Cell::from);
                    table.push(who.into_iter().chain(numbers.cells(self.one())));
                }
            }
        }
        table
    }

    /// How many cases each rater drew.
    fn who(&self) -> Table {
        let columns = [("rater", "rater"), ("cases", "cases"), ("missing", "not drawn")];
        let mut table = Table::new("raters", "Raters", &columns);
        let compared = self.compared();
        for (rater, title) in self.raters.iter().enumerate() {
            let drew = compared.iter().filter(|case| case.raters.contains(&rater)).count();
            table.push([title.as_str().into(), drew.into(), (compared.len() - drew).into()]);
        }
        table
    }

    /// A row for each number of a case.
    fn per_case(&self) -> Table {
        let columns = [
            ("case", "case"),
            ("structure", "structure"),
            ("metric", "metric"),
            ("first", "rater"),
            ("second", "and rater"),
            ("value", "value"),
        ];
        let mut table = Table::new("cases", "Cases", &columns);
        let compared = self
            .cases
            .iter()
            .filter_map(|(title, case)| Some((title.as_str(), case.as_ref().ok()?)));
        for (title, case) in compared {
            for (structure, name) in self.structures() {
                let found = &case.structures[structure];
                let mut push = |metric: &str, first: &str, second: &str, value: f64| {
                    table.push(
                        [title, name, metric, first, second]
                            .map(Cell::from)
                            .into_iter()
                            .chain([value.into()]),
                    );
                };
                for [first, second] in self.all_pairs() {
                    for (of, metric) in [(Of::Dice, "Dice"), (Of::SurfaceDice, "surface Dice")] {
                        let part = part_of_pair(case, structure, of, [first, second]);
                        let value = part.map_or(f64::NAN, |part| ratio(part, self.args.empty));
                        push(metric, &self.raters[first], &self.raters[second], value);
                    }
                }
                for (rater, title) in self.raters.iter().enumerate() {
                    push("volume", title, "", volume(case, structure, rater).unwrap_or(f64::NAN));
                }
                push("Fleiss' kappa", "", "", found.agreed.sums.fleiss_kappa());
                push("Krippendorff's alpha", "", "", found.agreed.sums.krippendorff_alpha());
            }
        }
        table
    }

    fn notes(&self) -> Vec<String> {
        let failed = self.cases.iter().filter(|(_, case)| case.is_err()).count();
        let args = self.args;
        let mut notes = vec![format!(
            "{} cases of {} raters, {failed} failed.",
            self.cases.len(),
            self.raters.len()
        )];
        if !self.one() {
            notes.push(format!(
                "Mean: averaged over cases, each counting alike. Pooled: the voxels and surfaces of all cases counted together. \
                 Intervals: 95 %, bootstrap over cases, {DRAWS} draws, seed {}; that of ICC(2,1) is by the F distribution.",
                args.seed
            ));
            notes.push(
                "Left out are cases that a rater did not draw, or that have no such number. Fleiss' kappa and ICC(2,1) need all \
                 raters; Krippendorff's alpha takes those who drew the case."
                    .to_owned(),
            );
        }
        notes.push(format!(
            "Kappa and alpha depend on the region. Theirs is {}.",
            match args.region {
                super::args::Where::Union =>
                    "the union (--region union): voxels in which at least one rater saw the structure".to_owned(),
                super::args::Where::All => "all voxels of the maps (--region all)".to_owned(),
                super::args::Where::Band => format!(
                    "the band (--region band): voxels at most {} mm from the boundary of the union, where at least one rater saw \
                     the structure, on either side",
                    all_digits(args.band_mm())
                ),
            }
        ));
        notes.push(format!(
            "A structure that neither of two maps holds {} (--empty {}).",
            match args.empty {
                Empty::Skip => "has no Dice and no surface Dice, and counts in no mean",
                Empty::One => "has a Dice and surface Dice of 1",
                Empty::Zero => "has a Dice and surface Dice of 0",
            },
            args.empty.name()
        ));
        notes.push(format!(
            "Surfaces agree within {} mm. Volumes are of the voxels that no rater ignores.",
            all_digits(args.tolerance_mm)
        ));
        notes.push(format!(
            "The others are all raters of a case but the one; STAPLE is of all voxels. Where they tie, the voxel is {}. Classes of \
             STAPLE tie if their probabilities differ by at most 1e-6, which two others often have in many voxels.",
            args.about_ties()
        ));
        notes
    }
}

impl Compared {
    /// The place of a rater among those who drew the case.
    fn position(&self, rater: usize) -> Option<usize> {
        self.raters.iter().position(|&drew| drew == rater)
    }
}

/// What a case adds to a number of two raters, as a numerator and a denominator.
fn part_of_pair(case: &Compared, structure: usize, of: Of, [first, second]: [usize; 2]) -> Option<[f64; 2]> {
    let (first, second) = (case.position(first)?, case.position(second)?);
    let raters = case.raters.len();
    // Before it are the pairs of the raters before the first.
    let at = first * (2 * raters - first - 1) / 2 + (second - first - 1);
    let pair = case.structures.get(structure)?.pairs.get(at)?;
    Some(match of {
        Of::Dice => of_overlap(pair.overlap),
        Of::SurfaceDice => pair.surface,
    })
}

/// The numerator and the denominator of Dice.
fn of_overlap([first, second, both]: [u64; 3]) -> [f64; 2] {
    [2.0 * both as f64, first as f64 + second as f64]
}

/// Dice, with the rule for what neither map holds.
fn ratio([part, whole]: [f64; 2], empty: Empty) -> f64 {
    if whole > 0.0 {
        return part / whole;
    }
    empty.region().score()
}

fn volume(case: &Compared, structure: usize, rater: usize) -> Option<f64> {
    let Structure { volumes, .. } = case.structures.get(structure)?;
    volumes.get(case.position(rater)?).copied()
}
