//! Label maps, kernels, raters, windows and layouts, drawn at random but biased to what is hard.

use std::ops::Range;

use ndarray::{ArrayD, Dimension};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use soft_labels::{Classes, Label, Svls, SvlsKernel, SvlsKernelBuilder};

use crate::layout::Layout;
use crate::naive::{self, Map, Soft};

/// The variable whose number draws other values.
const SEED: &str = "SOFT_LABELS_SEED";

/// Where the drawing of values begins: the same in every run, unless [`SEED`] is set.
fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(seed) => seed
            .parse()
            .unwrap_or_else(|_| panic!("{SEED} is {seed:?}, not a whole number from 0 to 2^64 - 1")),
        Err(_) => 2021,
    }
}

/// Checks drawn values.
#[track_caller]
pub(crate) fn for_all<S: Strategy>(cases: u32, strategy: S, check: impl Fn(S::Value)) {
    let seed = seed();
    let config = Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&strategy, |value| {
        check(value);
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}\nwith {SEED}={seed}");
    }
}

/// Everything that soft labels depend on.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// Each rater's map, and the raters' weights if they differ.
    pub(crate) maps: Vec<Map>,
    pub(crate) weights: Option<Vec<f64>>,
    /// The label of each class; the largest is at most 125, so that every integer type holds it, unless they are many.
    pub(crate) values: Vec<i64>,
    pub(crate) sigma: Vec<f64>,
    pub(crate) radius: Vec<usize>,
    pub(crate) strength: f64,
    pub(crate) window: Vec<Range<usize>>,
    /// How the label maps and the output lie in memory.
    pub(crate) labels: Layout,
    pub(crate) out: Layout,
}

impl Scene {
    pub(crate) const FEW: usize = 100;

    /// A scene of 2 or 3 axes, with up to 300 classes.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        (2_usize..=3, class_count()).prop_flat_map(|(axes, classes)| Self::of(axes, classes))
    }

    /// A scene whose labels every integer type holds.
    pub(crate) fn of_few_classes() -> impl Strategy<Value = Self> {
        let classes = class_count().prop_filter("few", |&n| n <= Self::FEW);
        (2_usize..=3, classes).prop_flat_map(|(axes, classes)| Self::of(axes, classes))
    }

    /// A scene with this many axes and classes.
    pub(crate) fn of(axes: usize, classes: usize) -> impl Strategy<Value = Self> {
        shape(axes).prop_flat_map(move |shape| {
            let window: Vec<_> = shape.iter().map(|&len| range(len)).collect();
            (
                prop::collection::vec(map(shape, classes), 1..=3).prop_flat_map(|maps| {
                    let weights = prop::option::of(weights(maps.len()));
                    (Just(maps), weights)
                }),
                values(classes),
                (kernel(axes), strength()),
                window,
                Layout::any(axes),
                Layout::any(axes + 1),
            )
                .prop_map(
                    |((maps, weights), values, ((sigma, radius), strength), window, labels, out)| Self {
                        maps,
                        weights,
                        values,
                        sigma,
                        radius,
                        strength,
                        window,
                        labels,
                        out,
                    },
                )
        })
    }

    pub(crate) fn ignore(&self) -> i64 {
        if self.values.len() <= Self::FEW { 127 } else { 1000 }
    }

    pub(crate) fn classes(&self) -> Classes {
        let classes = Classes::from_values(self.values.iter().copied()).unwrap();
        classes.with_ignore(self.ignore()).unwrap()
    }

    pub(crate) fn weights(&self) -> Vec<f64> {
        self.weights.clone().unwrap_or_else(|| vec![1.0; self.maps.len()])
    }

    pub(crate) fn svls(&self) -> Svls {
        Svls::new(self.settings().build().unwrap())
    }

    pub(crate) fn settings(&self) -> SvlsKernelBuilder {
        SvlsKernel::builder()
            .sigma(&self.sigma)
            .radius(&self.radius)
            .strength(self.strength)
    }

    /// A rater's label map as `L`.
    pub(crate) fn label_map<L: Label + TryFrom<i64>>(&self, rater: usize) -> ArrayD<L> {
        self.maps[rater].mapv(|class| {
            let label = class.map_or(self.ignore(), |class| self.values[class]);
            L::try_from(label).ok().expect("every label type holds these labels")
        })
    }

    /// What the naive reference says of the window, given what it says of one rater.
    pub(crate) fn judge(&self, encode: impl Fn(&Map, usize) -> Soft) -> Soft {
        let softs: Vec<Soft> = self.maps.iter().map(|map| encode(map, self.values.len())).collect();
        naive::window(&naive::average(&self.maps, &softs, &self.weights()), &self.window)
    }
}

fn class_count() -> impl Strategy<Value = usize> {
    // The numbers at the end are those around which class sets fold and indices grow.
    prop_oneof![
        1 => Just(1_usize),
        8 => 2_usize..5,
        2 => 5..Scene::FEW,
        2 => select(vec![126, 127, 128, 129, 254, 255, 256, 300]),
    ]
}

fn values(classes: usize) -> BoxedStrategy<Vec<i64>> {
    let contiguous = Just((0..classes as i64).collect::<Vec<_>>());
    if classes > Scene::FEW {
        return contiguous.boxed();
    }
    let listed = prop::sample::subsequence((0..126).collect::<Vec<i64>>(), classes).prop_shuffle();
    prop_oneof![contiguous, listed].boxed()
}

/// Lengths of the axes: many of 1, and rows of several blocks.
fn shape(axes: usize) -> impl Strategy<Value = Vec<usize>> {
    let column = prop::collection::vec(prop_oneof![1 => Just(1_usize), 3 => 2_usize..6], axes - 1);
    let width = prop_oneof![1 => Just(1_usize), 3 => 2_usize..8, 2 => 30_usize..=70];
    (column, width).prop_map(|(mut shape, width)| {
        shape.push(width);
        shape
    })
}

fn range(len: usize) -> impl Strategy<Value = Range<usize>> {
    let part = (0..=len, 0..=len).prop_map(|(a, b)| a.min(b)..a.max(b));
    prop_oneof![Just(0..len), part]
}

pub(crate) fn kernel(axes: usize) -> impl Strategy<Value = (Vec<f64>, Vec<usize>)> {
    let sigma = prop_oneof![3 => 0.1..4.0, 2 => select(vec![1e-3, 0.15, 1.0, 3.0, 1e9])];
    let sigma = prop_oneof![
        sigma.clone().prop_map(move |sigma| vec![sigma; axes]),
        prop::collection::vec(sigma, axes),
    ];
    let radius = prop::collection::vec(select(vec![0_usize, 1, 1, 1, 2, 3]), axes);
    // Wider than a block, but on one axis only: the naive reference visits every neighbour.
    let wide = (0..axes, 15_usize..40).prop_map(move |(axis, wide)| {
        let mut radius = vec![1; axes];
        radius[axis] = wide;
        radius
    });
    let radius = prop_oneof![9 => radius, 1 => wide];
    (
        sigma,
        radius.prop_filter("a neighbour", |radius| radius.iter().any(|&r| r > 0)),
    )
}

/// The paper's strength most often; others down to such at which every neighbour vanishes.
fn strength() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => Just(1.0),
        2 => select(vec![0.5, 0.25, 0.75, 0.1, 1e-3, 1.0 - f64::EPSILON, 1e-17, f64::MIN_POSITIVE]),
        2 => 1e-9..1.0,
    ]
}

fn weights(raters: usize) -> impl Strategy<Value = Vec<f64>> {
    let weight = prop_oneof![1 => Just(0.0), 1 => Just(1.0), 3 => 0.01..10.0];
    prop::collection::vec(weight, raters).prop_filter("some weight", |weights| weights.iter().any(|&w| w > 0.0))
}

/// A label map, half of the time with ignored voxels.
pub(crate) fn map(shape: Vec<usize>, classes: usize) -> impl Strategy<Value = Map> {
    // Which voxels are ignored is a pattern too: alone, alone valid, every second, one side, all.
    let ignored = prop::option::of(pattern(shape.clone(), 2));
    (pattern(shape, classes), ignored).prop_map(|(labels, ignored)| match ignored {
        Some(ignored) => ndarray::Zip::from(&labels)
            .and(&ignored)
            .map_collect(|&class, &ignored| (ignored == 0).then_some(class)),
        None => labels.mapv(Some),
    })
}

/// How the voxels of a map are told their classes, of which it has a few.
#[derive(Debug, Clone)]
enum Pattern {
    Constant,
    Noise(Vec<u8>),
    Checkerboard,
    Isolated { voxel: usize },
    Halves { axis: usize, edge: prop::sample::Index },
}

/// Classes in a pattern.
fn pattern(shape: Vec<usize>, classes: usize) -> impl Strategy<Value = ArrayD<usize>> {
    let voxels: usize = shape.iter().product();
    let pattern = prop_oneof![
        1 => Just(Pattern::Constant),
        3 => prop::collection::vec(any::<u8>(), voxels).prop_map(Pattern::Noise),
        2 => Just(Pattern::Checkerboard),
        2 => (0..voxels).prop_map(|voxel| Pattern::Isolated { voxel }),
        2 => (0..shape.len(), any::<prop::sample::Index>()).prop_map(|(axis, edge)| Pattern::Halves { axis, edge }),
    ];
    let palette = prop::collection::vec(0..classes, 2..5);
    (pattern, palette).prop_map(move |(pattern, palette)| {
        let mut voxel = 0..voxels;
        ArrayD::from_shape_fn(shape.clone(), |at| {
            let voxel = voxel.next().unwrap_or_default();
            let entry = match &pattern {
                Pattern::Constant => 0,
                Pattern::Noise(noise) => noise[voxel].into(),
                Pattern::Checkerboard => at.slice().iter().sum::<usize>() % 2,
                Pattern::Isolated { voxel: alone } => usize::from(voxel == *alone),
                Pattern::Halves { axis, edge } => usize::from(at[*axis] < edge.index(shape[*axis])),
            };
            palette[entry % palette.len()]
        })
    })
}
