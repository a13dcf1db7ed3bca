//! Calibrations: against `SciPy`, against what was drawn, and what holds for all of them.

use ndarray::{Array2, Array3, ArrayD, ArrayView3, Axis, array, s};
use proptest::collection::vec;
use soft_labels::metrics::{
    Calibration, CalibrationFit, CalibrationMethod, CalibrationScores, Outputs, Reliability, Scope, brier,
    class_calibration, negative_log_likelihood, temperature,
};
use soft_labels::{Classes, Error, Place, Result};

use crate::fixture::{assert_all_near, assert_near};
use crate::scene::for_all;

const METHODS: [CalibrationMethod; 3] = [
    CalibrationMethod::Temperature,
    CalibrationMethod::ClassTemperatures,
    CalibrationMethod::Vector,
];

/// Outputs (C, 1, n) and labels (1, n) of a case.
type Case = (Array3<f64>, Array2<u8>);

fn fitted(method: CalibrationMethod, outputs: Outputs, cases: &[Case], folds: usize) -> Result<CalibrationFit> {
    let count = cases.first().map_or(1, |(values, _)| values.len_of(Axis(0)));
    let classes = Classes::contiguous(count)?.with_ignore(255)?;
    let mut fit = CalibrationFit::new(method, count, outputs == Outputs::Logits)?;
    if folds > 0 {
        fit = fit.folds(folds)?;
    }
    for _ in 0..300 {
        for (case, (values, labels)) in cases.iter().enumerate() {
            let sums = fit.sums(values, outputs, labels, &classes, case)?;
            fit.add(&sums)?;
        }
        if !fit.step()? {
            return Ok(fit);
        }
    }
    panic!("the search does not end")
}

fn fit(method: CalibrationMethod, outputs: Outputs, cases: &[Case]) -> Result<Calibration> {
    fitted(method, outputs, cases, 0)?.calibration()
}

fn scores(calibration: &Calibration, outputs: Outputs, cases: &[Case]) -> CalibrationScores {
    let count = calibration.class_count();
    let classes = Classes::contiguous(count).unwrap().with_ignore(255).unwrap();
    let mut scores = CalibrationScores::new(count, 10).unwrap();
    for (values, labels) in cases {
        scores.add(calibration, values, outputs, labels, &classes).unwrap();
    }
    scores
}

fn softmax(logits: &Array3<f64>) -> Array3<f64> {
    let mut p = logits.mapv(f64::exp);
    p.lanes_mut(Axis(0))
        .into_iter()
        .for_each(|mut voxel| voxel /= voxel.sum());
    p
}

/// That of `tests/golden/generate_calibration.py`.
fn golden_case() -> Case {
    let logits = Array3::from_shape_fn((3, 1, 60), |(c, _, i)| {
        ((i * i * (c + 3) + 7 * i + 5 * c) % 23) as f64 / 4.0 - 2.0
    });
    let labels = Array2::from_shape_fn((1, 60), |(_, i)| {
        let most = (1..3).fold(0, |most, c| {
            if logits[[c, 0, i]] > logits[[most, 0, i]] {
                c
            } else {
                most
            }
        });
        if i % 3 > 0 {
            most as u8
        } else {
            ((i * i + i / 3) % 3) as u8
        }
    });
    (logits, labels)
}

/// Made by `python tests/golden/generate_calibration.py`.
#[test]
fn parameters_are_those_of_scipy() {
    let (logits, labels) = golden_case();
    let found = softmax(&logits);
    let of = |method, outputs, values: &Array3<f64>| {
        (
            fit(method, outputs, &[(values.clone(), labels.clone())]).unwrap(),
            outputs,
        )
    };
    let [one, each, vector] = METHODS;
    for (values, outputs, method, temperatures, biases, nll) in [
        (
            &logits,
            Outputs::Logits,
            one,
            vec![1.217560875051447],
            vec![],
            0.6829240480929326,
        ),
        (
            &logits,
            Outputs::Logits,
            each,
            vec![1.0599996775073242, 1.2522735385275583, 1.3929178274518839],
            vec![],
            0.6742416203112501,
        ),
        (
            &logits,
            Outputs::Logits,
            vector,
            vec![1.230588161833028, 0.9121559081398298, 1.267830962748192],
            vec![0.0, -1.159579565704338, -0.698121348240262],
            0.6434977645741197,
        ),
        (
            &found,
            Outputs::double(),
            one,
            vec![1.2175608339590784],
            vec![],
            0.6829240480929328,
        ),
        (
            &found,
            Outputs::double(),
            each,
            vec![1.5223892536888164, 0.9827541747538675, 1.0810252491368482],
            vec![],
            0.6674536533998994,
        ),
        (
            &found,
            Outputs::double(),
            vector,
            vec![0.9498023942573927, 1.1027351779872212, 1.7295478107063769],
            vec![0.0, -1.0002463691855628, -1.4421990502406217],
            0.6444859042380265,
        ),
    ] {
        let (calibration, outputs) = of(method, outputs, values);
        assert_eq!(calibration.method(), method);
        // SciPy's gradient is that of differences.
        assert_all_near(calibration.temperatures(), &temperatures, 1e-6, "temperatures");
        assert_all_near(calibration.biases(), &biases, 1e-6, "biases");
        let cases = [(values.clone(), labels.clone())];
        assert_near(scores(&calibration, outputs, &cases).nll(), nll, 1e-12, "likelihood");
    }
    let classes = Classes::contiguous(3).unwrap();
    let alone = temperature(&logits, &labels, &classes).unwrap();
    assert_eq!(
        fit(one, Outputs::Logits, &[(logits, labels)]).unwrap().temperatures(),
        [alone]
    );
}

/// Logits of a million voxels, and labels that are drawn by the probabilities of logits / T + b. The draws are spread evenly.
fn drawn(voxels: usize, temperatures: [f64; 3], biases: [f64; 3]) -> Case {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut logits = Array3::zeros((3, 1, voxels));
    logits.iter_mut().for_each(|logit| *logit = 6.0 * next() - 3.0);
    let labels = Array2::from_shape_fn((1, voxels), |(_, voxel)| {
        let weight = |class: usize| (logits[[class, 0, voxel]] / temperatures[class] + biases[class]).exp();
        let mut draw = (voxel as f64 * 0.618_033_988_749_895).fract() * (0..3).map(weight).sum::<f64>();
        (0..2)
            .take_while(|&class| {
                draw -= weight(class);
                draw > 0.0
            })
            .count() as u8
    });
    (logits, labels)
}

#[test]
fn a_million_voxels_tell_the_temperature_they_were_drawn_by() {
    let (logits, labels) = drawn(1_000_000, [1.7; 3], [0.0; 3]);
    let [one, ..] = METHODS;
    let cases = [(logits, labels)];
    let found = fit(one, Outputs::Logits, &cases).unwrap();
    assert!((found.temperatures()[0] - 1.7).abs() < 0.003, "{found:?}");
    // What is calibrated is left alone: as probabilities of f32, too.
    let classes = Classes::contiguous(3).unwrap();
    let (logits, labels) = &cases[0];
    let single: Array3<f32> = found.apply(logits, Outputs::Logits).unwrap();
    let mut again = CalibrationFit::new(one, 3, false).unwrap();
    while {
        let sums = again.sums(&single, Outputs::single(), labels, &classes, 0).unwrap();
        again.add(&sums).unwrap();
        again.step().unwrap()
    } {}
    let again = again.calibration().unwrap();
    assert!((again.temperatures()[0] - 1.0).abs() < 1e-6, "{again:?}");
    let after = scores(&found, Outputs::Logits, &cases);
    assert!(
        after.ece() < 3e-3 && after.class_ece() < 3e-3,
        "{} {}",
        after.ece(),
        after.class_ece()
    );
}

#[test]
fn temperatures_and_biases_of_classes_are_found_again() {
    let (temperatures, biases) = ([1.7, 0.8, 1.2], [0.0, -0.5, 0.25]);
    let cases = [drawn(200_000, temperatures, biases)];
    let found = fit(CalibrationMethod::Vector, Outputs::Logits, &cases).unwrap();
    assert_all_near(found.temperatures(), &temperatures, 0.03, "temperatures");
    assert_all_near(found.biases(), &biases, 0.03, "biases");
    let cases = [drawn(200_000, temperatures, [0.0; 3])];
    let found = fit(CalibrationMethod::ClassTemperatures, Outputs::Logits, &cases).unwrap();
    assert_all_near(found.temperatures(), &temperatures, 0.03, "temperatures");
}

#[test]
fn no_other_parameters_are_more_likely() {
    let voxels = vec((vec(-6.0..6.0, 3), 0_usize..3), 4..60);
    for_all(40, voxels, |voxels| {
        let logits = Array3::from_shape_fn((3, 1, voxels.len()), |(class, _, voxel)| voxels[voxel].0[class]);
        let labels = Array2::from_shape_fn((1, voxels.len()), |(_, voxel)| voxels[voxel].1 as u8);
        let cases = [(logits, labels)];
        for method in METHODS {
            let found = fit(method, Outputs::Logits, &cases).unwrap();
            let least = scores(&found, Outputs::Logits, &cases).nll();
            for class in 0..3 {
                if !cases[0].1.iter().any(|&label| usize::from(label) == class) {
                    continue; // its parameters stay as they are
                }
                for (factor, more) in [(0.9, 0.0), (1.1, 0.0), (1.0, 0.05), (1.0, -0.05)] {
                    let mut temperatures = found.temperatures().to_vec();
                    let mut biases = found.biases().to_vec();
                    match temperatures.get_mut(class) {
                        Some(temperature) => *temperature = (*temperature * factor).clamp(0.001, 1000.0),
                        None => continue,
                    }
                    if class > 0
                        && let Some(bias) = biases.get_mut(class)
                    {
                        *bias = (*bias + more).clamp(-1000.0, 1000.0);
                    }
                    let other = if method == CalibrationMethod::Temperature {
                        Calibration::temperature(temperatures[0], 3)
                    } else {
                        Calibration::of_classes(&temperatures, &biases, true)
                    };
                    let nll = scores(&other.unwrap(), Outputs::Logits, &cases).nll();
                    assert!(least <= nll + 1e-9, "{least} {nll} {found:?}");
                }
            }
        }
    });
}

/// Seven cases of different numbers of voxels, one of them without any that counts.
fn seven() -> Vec<Case> {
    let (logits, labels) = drawn(8000, [1.7, 0.8, 1.2], [0.0, -0.5, 0.25]);
    (0..7)
        .map(|case| {
            let part = s![.., 0, case * 900..case * 900 + 300 * (case + 1)];
            let mut labels = labels
                .slice(s![.., case * 900..case * 900 + 300 * (case + 1)])
                .to_owned();
            labels.iter_mut().step_by(7).for_each(|label| *label = 255);
            if case == 2 {
                labels.fill(255);
            }
            (logits.slice(part).to_owned().insert_axis(Axis(1)), labels)
        })
        .collect()
}

#[test]
fn a_fold_is_fitted_on_the_other_cases_alone() {
    let cases = seven();
    for method in METHODS {
        for folds in [2, 3, 7] {
            let together = fitted(method, Outputs::Logits, &cases, folds).unwrap();
            assert_eq!(together.calibration(), fit(method, Outputs::Logits, &cases));
            for case in 0..cases.len() {
                let others = cases
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| other % folds != case % folds);
                let others: Vec<_> = others.map(|(_, case)| case.clone()).collect();
                assert_eq!(
                    together.without(case),
                    fit(method, Outputs::Logits, &others),
                    "{method:?} {folds} {case}"
                );
            }
        }
    }
}

#[test]
fn a_class_without_labels_keeps_its_parameters() {
    let (logits, mut labels) = drawn(3000, [1.7, 0.8, 1.2], [0.0; 3]);
    labels.mapv_inplace(|label| if label == 1 { 2 } else { label });
    let cases = [(logits.clone(), labels.clone())];
    let found = fit(CalibrationMethod::Vector, Outputs::Logits, &cases).unwrap();
    assert_eq!((found.temperatures()[1], found.biases()[1]), (1.0, 0.0));
    assert!(found.temperatures()[0] != 1.0 && found.biases()[2] != 0.0);
    let found = fit(CalibrationMethod::ClassTemperatures, Outputs::Logits, &cases).unwrap();
    assert_eq!(found.temperatures()[1], 1.0);
    labels.fill(0);
    let found = fit(CalibrationMethod::Vector, Outputs::Logits, &[(logits, labels)]).unwrap();
    assert_eq!(
        (&found.temperatures()[1..], found.biases()),
        (&[1.0; 2][..], &[0.0; 3][..])
    );
}

#[test]
fn what_has_no_optimum_ends() {
    // The labels have the largest logits, and the smallest.
    let (logits, _) = drawn(500, [1.0; 3], [0.0; 3]);
    for sign in [1.0, -1.0] {
        let labels = Array2::from_shape_fn((1, 500), |(_, voxel)| {
            let of = |class: usize| sign * logits[[class, 0, voxel]];
            (0..3).max_by(|&a, &b| of(a).total_cmp(&of(b))).unwrap() as u8
        });
        for method in METHODS {
            let cases = [(logits.clone(), labels.clone())];
            let found = fit(method, Outputs::Logits, &cases).unwrap();
            let nll = scores(&found, Outputs::Logits, &cases).nll();
            assert!(
                if sign > 0.0 {
                    nll < 1e-3
                } else {
                    nll <= 3_f64.ln() + 1e-2
                },
                "{method:?} {nll}"
            );
        }
    }
    // Logits that are alike, that say nothing, and that are huge.
    for value in [0.0, 5.0, 1e99] {
        let flat = Array3::from_elem((3, 1, 6), value);
        let labels = array![[0_u8, 1, 1, 2, 2, 2]];
        for method in METHODS {
            let found = fit(method, Outputs::Logits, &[(flat.clone(), labels.clone())]);
            assert!(found.is_ok(), "{method:?} {value} {found:?}");
        }
    }
}

#[test]
fn ignored_voxels_may_hold_anything() {
    let (logits, labels) = golden_case();
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let left = (
        logits.slice(s![.., .., ..50]).to_owned(),
        labels.slice(s![.., ..50]).to_owned(),
    );
    let (mut broken, mut ignoring) = (logits, labels);
    ignoring.slice_mut(s![.., 50..]).fill(255);
    for (at, value) in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e300].into_iter().enumerate() {
        broken[[at % 3, 0, 50 + at]] = value;
    }
    for method in METHODS {
        let expected = fit(method, Outputs::Logits, std::slice::from_ref(&left)).unwrap();
        let found = fit(method, Outputs::Logits, &[(broken.clone(), ignoring.clone())]).unwrap();
        assert_eq!(found, expected);
        let [scored, of_left] =
            [(broken.clone(), ignoring.clone()), left.clone()].map(|case| scores(&found, Outputs::Logits, &[case]));
        assert_eq!(scored.voxels(), 50);
        assert_near(scored.nll(), of_left.nll(), 1e-12, "likelihood");
        assert_near(scored.brier(), of_left.brier(), 1e-12, "Brier");
        assert_near(scored.class_ece(), of_left.class_ece(), 1e-12, "ECE of classes");
    }
    let mut probabilities = softmax(&left.0);
    probabilities[[2, 0, 7]] = f64::NAN;
    let mut labels = left.1.clone();
    let fit = CalibrationFit::new(CalibrationMethod::Vector, 3, false).unwrap();
    let sums = fit.sums(&probabilities, Outputs::double(), &labels, &classes, 0);
    assert!(
        matches!(sums, Err(Error::Probability { class: 2, ref index, .. }) if index == &[0, 7]),
        "{sums:?}"
    );
    labels[[0, 7]] = 255;
    fit.sums(&probabilities, Outputs::double(), &labels, &classes, 0)
        .unwrap();
}

#[test]
fn scores_are_those_of_the_functions() {
    let cases = seven();
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let calibration = Calibration::of_classes(&[1.5, 0.9, 2.0], &[0.0, 0.5, -0.25], true).unwrap();
    let (mut nll, mut squares, mut voxels) = (0.0, 0.0, 0);
    let mut top = Reliability::new(10).unwrap();
    let mut of_classes = vec![Reliability::new(10).unwrap(); 3];
    for (logits, labels) in &cases {
        let p: Array3<f64> = calibration.apply(logits, Outputs::Logits).unwrap();
        let inside: Vec<usize> = (0..labels.len()).filter(|&voxel| labels[[0, voxel]] != 255).collect();
        if inside.is_empty() {
            continue;
        }
        nll += negative_log_likelihood(&p, labels, &classes).unwrap() * inside.len() as f64;
        squares += brier(&p, labels, &classes).unwrap() * inside.len() as f64;
        top.add(&p, labels, &classes, Scope::All).unwrap();
        for (class, bins) in of_classes.iter_mut().enumerate() {
            let of_class = p.index_axis(Axis(0), class).select(Axis(1), &inside);
            let hit = labels
                .select(Axis(1), &inside)
                .mapv(|label| usize::from(label) == class);
            bins.merge(&class_calibration(&of_class, &hit, 10).unwrap()).unwrap();
        }
        voxels += inside.len();
    }
    let found = scores(&calibration, Outputs::Logits, &cases);
    assert_eq!(found.voxels(), voxels as u64);
    assert_near(found.nll(), nll / voxels as f64, 1e-12, "likelihood");
    assert_near(found.brier(), squares / voxels as f64, 1e-12, "Brier");
    assert_near(found.ece(), top.ece(), 1e-12, "ECE");
    let mean = of_classes.iter().map(Reliability::ece).sum::<f64>() / 3.0;
    assert_near(found.class_ece(), mean, 1e-12, "ECE of classes");
    assert!(CalibrationScores::new(3, 10).unwrap().nll().is_nan());
    // Far beyond what probabilities hold, the likelihood is still a number.
    let sure = [(array![[[4000.0]], [[0.0]]], array![[1_u8]])];
    assert_eq!(
        scores(&Calibration::temperature(2.0, 2).unwrap(), Outputs::Logits, &sure).nll(),
        2000.0
    );
}

#[test]
fn zeros_of_a_voxel_are_half_of_the_smallest_number() {
    let p = array![[[1.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]]];
    let none = Calibration::temperature(1.0, 3).unwrap();
    let found: Array3<f64> = none.apply(&p, Outputs::parts()).unwrap();
    let zero = 1.0 / 510.0 / 3.0;
    assert_near(found[[1, 0, 0]], zero / (1.0 + 2.0 * zero), 1e-12, "zero");
    // Where there is no probability at all there is none afterwards.
    assert_eq!(found.slice(s![.., 0, 1]).to_vec(), [0.0; 3]);
    // What says so little makes no parameter run away: 3 of 1000 voxels are of a class that has 0.
    let voxels = 1000;
    let mut p = Array3::zeros((2, 1, voxels));
    p.slice_mut(s![0, .., ..]).fill(1.0);
    let labels = Array2::from_shape_fn((1, voxels), |(_, voxel)| u8::from(voxel < 3));
    let found = fit(CalibrationMethod::Temperature, Outputs::parts(), &[(p, labels)]).unwrap();
    let expected = (1.0_f64 / 510.0 / 2.0).ln() / (3.0_f64 / 997.0).ln();
    assert_near(found.temperatures()[0], expected, 1e-9, "temperature");
    for smallest in [0.0, -1.0, f64::NAN, 2.0] {
        let wrong: Result<Array3<f64>> =
            none.apply(&array![[[1.0]], [[0.0]], [[0.0]]], Outputs::Probabilities { smallest });
        assert!(matches!(
            wrong,
            Err(Error::Setting {
                what: "smallest probability",
                ..
            })
        ));
    }
}

#[test]
fn any_layout_and_any_threads_give_the_same_bits() {
    let (logits, labels) = drawn(60_000, [1.7, 0.8, 1.2], [0.0, -0.5, 0.25]);
    let logits = logits.into_shape_with_order((3, 200, 300)).unwrap();
    let labels = labels.into_shape_with_order((200, 300)).unwrap();
    let turned = logits.view().permuted_axes([2, 1, 0]).as_standard_layout().into_owned();
    let turned: ArrayView3<'_, f64> = turned.view().permuted_axes([2, 1, 0]);
    let compute = |logits: ArrayView3<'_, f64>| {
        let classes = Classes::contiguous(3).unwrap();
        METHODS.map(|method| {
            let fit = CalibrationFit::new(method, 3, true).unwrap();
            let mut fit = fit.folds(2).unwrap();
            while {
                for case in 0..2 {
                    let half = s![.., 100 * case..100 * (case + 1), ..];
                    let labels = labels.slice(s![100 * case..100 * (case + 1), ..]);
                    let sums = fit
                        .sums(&logits.slice(half), Outputs::Logits, &labels, &classes, case)
                        .unwrap();
                    fit.add(&sums).unwrap();
                }
                fit.step().unwrap()
            } {}
            let calibration = fit.calibration().unwrap();
            let applied: Array3<f32> = calibration.apply(&logits, Outputs::Logits).unwrap();
            let mut other = Array3::<f32>::zeros((300, 3, 200)).permuted_axes([1, 2, 0]);
            calibration.apply_into(&logits, Outputs::Logits, &mut other).unwrap();
            assert_eq!(applied, other);
            (fit.without(0).unwrap(), calibration, applied.mapv(f32::to_bits))
        })
    };
    let expected = compute(logits.view());
    assert!(compute(turned) == expected);
    #[cfg(feature = "rayon")]
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| compute(logits.view())) == expected, "{threads}");
    }
}

#[test]
fn applied_it_is_the_formula() {
    let (logits, _) = golden_case();
    let calibration = Calibration::of_classes(&[1.5, 0.9, 2.0], &[0.0, 0.5, -0.25], true).unwrap();
    let found: Array3<f64> = calibration.apply(&logits, Outputs::Logits).unwrap();
    let mut scaled = logits.clone();
    for (class, mut plane) in scaled.outer_iter_mut().enumerate() {
        plane.mapv_inplace(|z| z / [1.5, 0.9, 2.0][class] + [0.0, 0.5, -0.25][class]);
    }
    assert_all_near(&found, &softmax(&scaled), 1e-14, "probabilities");
    // Huge logits overflow nothing, and other shapes are as good.
    let huge = array![[[[1.0_f32, 3e38]]], [[[0.0, -3e38]]]];
    let sure: ArrayD<f32> = Calibration::temperature(0.001, 2)
        .unwrap()
        .apply(&huge.into_dyn(), Outputs::Logits)
        .unwrap();
    assert_eq!(sure[[0, 0, 0, 1]], 1.0);
    let empty: Array3<f32> = Calibration::temperature(2.0, 2)
        .unwrap()
        .apply(&Array3::<f32>::zeros((2, 0, 4)), Outputs::single())
        .unwrap();
    assert_eq!(empty.shape(), [2, 0, 4]);
}

#[test]
fn what_is_wrong_is_told() {
    let (logits, labels) = golden_case();
    let classes = Classes::contiguous(3).unwrap();
    for (value, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (2e100, "2e100"),
    ] {
        let mut broken = logits.clone();
        broken[[1, 0, 41]] = value;
        broken[[0, 0, 42]] = value;
        let told = format!("the logit of class 1 at voxel [0, 41] is {text}; it must be finite and at most 1e100");
        let fit = CalibrationFit::new(CalibrationMethod::Vector, 3, true).unwrap();
        assert_eq!(
            fit.sums(&broken, Outputs::Logits, &labels, &classes, 0)
                .unwrap_err()
                .to_string(),
            told
        );
        let applied: Result<Array3<f32>> = Calibration::temperature(2.0, 3)
            .unwrap()
            .apply(&broken, Outputs::Logits);
        assert_eq!(applied.unwrap_err().to_string(), told);
        assert_eq!(temperature(&broken, &labels, &classes).unwrap_err().to_string(), told);
    }
    let applied: Result<Array3<f32>> = Calibration::temperature(2.0, 3)
        .unwrap()
        .apply(&logits, Outputs::double());
    assert!(matches!(applied, Err(Error::Probability { .. })), "{applied:?}");
    let applied: Result<Array3<f32>> = Calibration::temperature(2.0, 4)
        .unwrap()
        .apply(&logits, Outputs::Logits);
    assert!(matches!(applied, Err(Error::Shape { .. })), "{applied:?}");
    let vector = Calibration::of_classes(&[1.0, 2.0, 3.0], &[], true).unwrap();
    let applied: Result<Array3<f32>> = vector.apply(&softmax(&logits), Outputs::double());
    let told = Error::OtherOutputs {
        calibrated: "logits",
        given: "probabilities",
    };
    assert_eq!(applied, Err(told.clone()));
    let fit = CalibrationFit::new(CalibrationMethod::Vector, 3, true).unwrap();
    assert_eq!(
        fit.sums(&logits, Outputs::double(), &labels, &classes, 0).unwrap_err(),
        told
    );
    let ignored = (logits.clone(), Array2::from_elem((1, 60), 255));
    assert!(matches!(
        fitted(CalibrationMethod::Vector, Outputs::Logits, &[ignored], 0),
        Err(Error::NoVoxels)
    ));

    let setting = |what, class, value, allowed| Error::Setting {
        what,
        place: Some(Place::Class(class)),
        value,
        allowed,
    };
    for wrong in [0.0, -1.0, 1e-4, 2000.0, f64::INFINITY] {
        let told = setting("temperature", 1, wrong, "within 0.001 and 1000");
        assert_eq!(Calibration::of_classes(&[1.0, wrong], &[], true), Err(told));
    }
    assert!(Calibration::temperature(f64::NAN, 2).is_err());
    assert_eq!(
        Calibration::of_classes(&[1.0; 2], &[0.5, 0.0], true),
        Err(setting("bias", 0, 0.5, "0"))
    );
    assert!(matches!(
        Calibration::of_classes(&[1.0; 2], &[0.0; 3], true),
        Err(Error::Count { what: "biases", .. })
    ));
    assert!(matches!(
        Calibration::of_classes(&[], &[], true),
        Err(Error::Empty { what: "classes" })
    ));
    assert!(matches!(
        CalibrationFit::new(CalibrationMethod::Vector, 1025, true),
        Err(Error::TooMany { .. })
    ));
    assert!(CalibrationFit::new(CalibrationMethod::Temperature, 1025, true).is_ok());
    for folds in [0, 1, 5000] {
        assert!(
            CalibrationFit::new(CalibrationMethod::Vector, 3, true)
                .unwrap()
                .folds(folds)
                .is_err()
        );
    }
}

#[cfg(feature = "serde")]
#[test]
fn json_is_read_as_it_was_written() {
    let one = Calibration::temperature(1.5, 3).unwrap();
    let text = r#"{"method":"temperature","logits":false,"classes":3,"temperatures":[1.5],"biases":[]}"#;
    assert_eq!(serde_json::to_string(&one).unwrap(), text);
    let vector = Calibration::of_classes(&[1.0 / 3.0, 2.0], &[0.0, 0.1], true).unwrap();
    for calibration in [one, vector] {
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(serde_json::from_str::<Calibration>(&text).unwrap(), calibration);
    }
    let more =
        r#"{"method":"class-temperatures","logits":true,"classes":2,"temperatures":[1,2],"biases":[],"scores":{}}"#;
    let read: Calibration = serde_json::from_str(more).unwrap();
    assert_eq!(read, Calibration::of_classes(&[1.0, 2.0], &[], true).unwrap());
    for wrong in [
        r#"{"method":"vector","logits":true,"classes":2,"temperatures":[1,2],"biases":[]}"#,
        r#"{"method":"temperature","logits":true,"classes":2,"temperatures":[0],"biases":[]}"#,
        r#"{"method":"temperature","logits":true,"classes":0,"temperatures":[1],"biases":[]}"#,
        r#"{"method":"temperature","logits":true,"classes":2,"temperatures":[1]}"#,
    ] {
        assert!(serde_json::from_str::<Calibration>(wrong).is_err(), "{wrong}");
    }
}
