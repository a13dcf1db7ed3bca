//! `judge` with several raters, against numbers of plain NumPy and against itself with one.

use ndarray::{Array3, Array4, ArrayD, Axis, stack};
use serde_json::Value;

use super::{Folder, args, ball, read_npy, run, well, wrong};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn near(value: &Value, expected: f64) {
    assert!((number(value) - expected).abs() < 1e-9, "{value} is not {expected}");
}

fn json(args: &[&str]) -> Value {
    let fixed = ["judge", "--classes", "3", "--quiet", "--json"];
    serde_json::from_str(&well(fixed.iter().chain(args))).unwrap()
}

/// 0.8 for the class of a label map, and 0.1 for the others.
fn probabilities(labels: &Array3<u8>) -> ArrayD<f32> {
    let (x, y, z) = labels.dim();
    let p = |(class, x, y, z): (usize, usize, usize, usize)| {
        if usize::from(labels[[x, y, z]]) == class {
            0.8
        } else {
            0.1
        }
    };
    Array4::from_shape_fn((3, x, y, z), p).into_dyn()
}

/// Three raters' folders, a folder of predictions and two of samples; the last rater did not draw the second case.
fn data() -> Folder {
    let folder = Folder::new();
    for case in 0..2 {
        for rater in 0..3 - case {
            folder.nifti(&format!("r{}/case_{case}.nii.gz", rater + 1), &ball(rater + 5 * case));
        }
        folder.npy(&format!("found/case_{case}.npy"), &probabilities(&ball(3 + 5 * case)));
        for sample in 0..2 {
            folder.nifti(
                &format!("s{}/case_{case}.nii.gz", sample + 1),
                &ball(sample + 3 + 5 * case),
            );
        }
    }
    folder
}

/// `raters_reference.py` in `python/tests` on the same maps: `threshold_dice(p[region].sum(0), raters)` and so on.
#[test]
fn numbers_are_those_of_numpy() {
    let folder = data();
    let raters = ["r1", "r2", "r3"].map(|name| folder.text(&format!("{name}/case_0.nii.gz")));
    let samples = ["s1", "s2"].map(|name| folder.text(&format!("{name}/case_0.nii.gz")));
    let found = folder.text("found/case_0.npy");
    let of = |first: &[&str]| {
        let raters: Vec<_> = raters.iter().map(String::as_str).collect();
        json(&[first, &["--regions", "both=1+2", "--raters"], &raters].concat())
    };
    let one = of(&[&found]);
    let region = &one["regions"]["both"];
    let dice = [0.5053763440860215, 0.7220902612826603, 0.7400881057268722];
    for (rater, expected) in dice.into_iter().enumerate() {
        near(&region["raters"][rater]["dice"], expected);
        assert_eq!(region["raters"][rater]["rater"], raters[rater]);
    }
    near(&region["mean"]["dice"], dice.iter().sum::<f64>() / 3.0);
    near(&region["threshold_dice"], 0.5955615608712155);
    near(&region["crps_mm3"], 220.27777777777777);
    near(&region["crps_gaussian_mm3"], 218.3537773890805);
    let class = &one["classes"]["1"];
    near(&class["threshold_dice"], 0.5270782366349294);
    near(&class["crps_gaussian_mm3"], 203.19502442747978);
    near(&one["classes"]["2"]["raters"][0]["dice"], 0.631578947368421);
    assert!(region.get("energy_distance").is_none());
    for (key, expected) in [
        ("brier", 0.24883009994121102),
        ("nll", 0.6393986041901556),
        ("ece", 0.00017636684303357075),
    ] {
        // Probabilities are of 32 bits in the file.
        assert!((number(&one[key]) - expected).abs() < 1e-7, "{key}: {}", one[key]);
    }
    let counts = one["reliability"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bin| bin["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 3 * 9 * 12 * 7); // each voxel for each rater

    let sampled: Vec<_> = ["--samples"]
        .into_iter()
        .chain(samples.iter().map(String::as_str))
        .collect();
    let several = of(&sampled);
    let (first, second) = (&several["classes"]["1"], &several["classes"]["2"]);
    near(&first["energy_distance"], 0.6141860581964355);
    near(&first["matched_iou"], 0.4819147348827674);
    near(&first["best_dice"], 0.640793796150939);
    near(&second["energy_distance"], 0.4885968421002501);
    near(&several["regions"]["both"]["best_dice"], 0.6728917988591577);
    let dice = of(&[&sampled[..], &["--similarity", "dice", "--thresholds", "five"]].concat());
    near(&dice["classes"]["1"]["energy_distance"], 0.450636833138181);
    assert_eq!(dice["thresholds"].as_array().unwrap().len(), 5);
    let five = of(&[&found, "--thresholds", "five"]);
    near(&five["classes"]["1"]["threshold_dice"], 0.4460051045839305);
}

#[test]
fn one_rater_is_plain_judge() {
    let folder = data();
    let (found, reference) = (folder.text("found/case_0.npy"), folder.text("r1/case_0.nii.gz"));
    let plain = json(&["--regions", "both=1+2", &found, &reference]);
    let several = json(&["--regions", "both=1+2", &found, "--raters", &reference]);
    for kind in ["classes", "regions"] {
        for (name, expected) in plain[kind].as_object().unwrap() {
            let of_rater = &several[kind][name];
            assert_eq!(&of_rater["mean"], expected);
            for (key, number) in expected.as_object().unwrap() {
                assert_eq!(&of_rater["raters"][0][key], number, "{key}");
            }
        }
    }
    for key in ["ece", "nll", "brier", "reliability", "empty"] {
        assert_eq!(several[key], plain[key], "{key}");
    }
}

#[test]
fn a_missing_rater_is_left_out_and_counted() {
    let folder = data();
    let [found, r1, r2, r3] = ["found", "r1", "r2", "r3"].map(|name| folder.text(name));
    let csv = folder.text("scores.csv");
    let all = json(&["--csv", &csv, &found, "--raters", &r1, &r2, &r3]);
    assert_eq!(all["cases"][0]["raters"].as_array().unwrap().len(), 3);
    assert_eq!(all["cases"][1]["raters"], serde_json::json!([&r1, &r2]));
    let summary = &all["summary"]["classes"]["1"];
    let counts = [0, 1, 2].map(|rater| summary["raters"][rater]["dice"]["cases"].as_u64().unwrap());
    assert_eq!(counts, [2, 2, 1]);
    // Of the second case the mean is over two.
    let two = json(&[&found, "--raters", &r1, &r2]);
    assert_eq!(two["cases"][1], all["cases"][1]);
    assert_ne!(two["cases"][0], all["cases"][0]);
    let means = [0, 1].map(|case| number(&all["cases"][case]["classes"]["1"]["mean"]["dice"]));
    near(&summary["mean"]["dice"]["mean"], (means[0] + means[1]) / 2.0);

    let rows = std::fs::read_to_string(csv).unwrap();
    assert!(rows.starts_with("case,structure,rater,raters,dice,"), "{rows}");
    assert_eq!(rows.lines().count(), 1 + 2 * (3 + 1) + 2 * (2 + 1));
    let shown = well([
        "judge",
        "--classes",
        "3",
        "--quiet",
        "--per-case",
        &found,
        "--raters",
        &r1,
        &r2,
        &r3,
    ]);
    for words in [
        "3 raters; 1 cases lack one",
        "--empty skip",
        "slack of 1e-9",
        "threshold Dice",
        "each voxel once for each rater",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }

    // A case without any rater, or without a prediction, fails alone.
    folder.nifti("r1/case_2.nii.gz", &ball(1));
    let output = run([
        "judge",
        "--classes",
        "3",
        "--quiet",
        "--json",
        &found,
        "--raters",
        &r1,
        &r2,
    ]);
    assert_eq!(output.status.code(), Some(1));
    let some: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(some["cases"][2]["error"], "has no prediction");
    assert_eq!(some["cases"][0], two["cases"][0]);
}

/// Folders of raters, files in a folder of each case, and files that hold all raters.
#[test]
fn raters_of_every_form() {
    let folder = Folder::new();
    for case in 0..2 {
        let maps: Vec<_> = (0..3).map(|rater| ball(rater + 4 * case).into_dyn()).collect();
        for (rater, map) in maps.iter().enumerate() {
            folder.npy(&format!("r{rater}/c{case}.npy"), map);
            folder.npy(&format!("cases/c{case}/rater{rater}.npy"), map);
        }
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        folder.npy(&format!("stacked/c{case}.npy"), &stack(Axis(0), &views).unwrap());
        let samples = [ball(7 + case).into_dyn(), ball(8 + case).into_dyn()];
        folder.npy(&format!("s0/c{case}.npy"), &samples[0]);
        folder.npy(&format!("s1/c{case}.npy"), &samples[1]);
        let views = [samples[0].view(), samples[1].view()];
        folder.npy(&format!("sampled/c{case}.npy"), &stack(Axis(0), &views).unwrap());
    }
    let text = |name: &str| folder.text(name);
    let [s0, s1, sampled, cases, stacked] = ["s0", "s1", "sampled", "cases", "stacked"].map(text);
    let raters = ["r0", "r1", "r2"].map(text);
    let numbers = |found: Value| {
        let of_case = |case: &Value| {
            let class = &case["classes"]["1"];
            let dice: Vec<_> = (0..3).map(|rater| number(&class["raters"][rater]["dice"])).collect();
            (
                dice,
                number(&class["energy_distance"]),
                number(&class["threshold_dice"]),
            )
        };
        found["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(of_case)
            .collect::<Vec<_>>()
    };
    let of_folders = numbers(json(&[
        "--samples",
        &s0,
        &s1,
        "--raters",
        &raters[0],
        &raters[1],
        &raters[2],
    ]));
    assert_eq!(of_folders.len(), 2);
    for other in [
        json(&[
            "--stacked-samples",
            &sampled,
            "--raters",
            &raters[0],
            &raters[1],
            &raters[2],
        ]),
        json(&["--stacked-samples", "--stacked-raters", &sampled, &stacked]),
        json(&["--rater-files", "rater*.npy", &cases, "--samples", &s0, &s1]),
    ] {
        assert_eq!(numbers(other), of_folders);
    }
    // One folder of a case, and files.
    let (found, case) = (text("s0/c1.npy"), text("cases/c1"));
    let one = json(&["--rater-files", "rater*.npy", &found, &case]);
    assert_eq!(one["raters"], serde_json::json!(["rater0", "rater1", "rater2"]));
    let files = ["r0/c1.npy", "r1/c1.npy", "r2/c1.npy"].map(text);
    let same = json(&[&found, "--raters", &files[0], &files[1], &files[2]]);
    assert_eq!(same["classes"]["1"]["mean"], one["classes"]["1"]["mean"]);
}

/// Where a rater ignores voxels, nothing that lies there counts against that rater.
#[test]
fn ignored_voxels_do_not_count_against_a_rater() {
    let folder = Folder::new();
    let (all, mut half, found) = (ball(0), ball(0), ball(3));
    half.slice_mut(ndarray::s![..5, .., ..]).fill(9);
    folder.npy("a.npy", &all.clone().into_dyn());
    folder.npy("b.npy", &half.into_dyn());
    folder.npy("found.npy", &found.clone().into_dyn());
    folder.npy("a_half.npy", &all.slice_move(ndarray::s![5.., .., ..]).into_dyn());
    folder.npy("found_half.npy", &found.slice_move(ndarray::s![5.., .., ..]).into_dyn());
    let [a, b, found, a_half, found_half] =
        ["a", "b", "found", "a_half", "found_half"].map(|name| folder.text(&format!("{name}.npy")));
    let both = json(&["--ignore", "9", &found, "--raters", &a, &b]);
    let cut = json(&["--ignore", "9", &found_half, "--raters", &a_half, &a_half]);
    let whole = json(&["--ignore", "9", &found, "--raters", &a]);
    for class in ["1", "2"] {
        let of = |found: &Value, rater: usize, key: &str| found["classes"][class]["raters"][rater][key].clone();
        for key in ["dice", "volume_reference_mm3", "volume_prediction_mm3"] {
            assert_eq!(of(&both, 0, key), of(&whole, 0, key), "{key}");
            assert_eq!(of(&both, 1, key), of(&cut, 0, key), "{key}");
        }
        // Volumes are compared where both labelled.
        assert_eq!(both["classes"][class]["crps_mm3"], cut["classes"][class]["crps_mm3"]);
        // A voxel that one of two labelled has that one's share.
        assert_eq!(
            both["classes"][class]["threshold_dice"],
            whole["classes"][class]["threshold_dice"]
        );
    }
}

/// Radiologists who agree on no voxel: the threshold Dice of the share itself is 1.
#[test]
fn a_nodule_of_four_radiologists() {
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/data/lidc_0179_4raters_native.npy"
    );
    let masks: ArrayD<u8> = read_npy(std::path::Path::new(data));
    let folder = Folder::new();
    let share = masks.mapv(f32::from).mean_axis(Axis(0)).unwrap();
    folder.npy("share.npy", &share);
    let fixed = [
        "judge",
        "--classes",
        "2",
        "--json",
        "--spacing-mm",
        "2.5,0.703125,0.703125",
        "--stacked-raters",
    ];
    let found =
        |first: &[&str]| -> Value { serde_json::from_str(&well(fixed.iter().chain(first).chain(&[data]))).unwrap() };
    let share = found(&[&folder.text("share.npy")]);
    let nodule = &share["classes"]["1"];
    near(&nodule["threshold_dice"], 1.0);
    assert_eq!(
        share["raters"],
        serde_json::json!(["rater 1", "rater 2", "rater 3", "rater 4"])
    );
    assert!(
        nodule["raters"]
            .as_array()
            .unwrap()
            .iter()
            .all(|rater| number(&rater["dice"]) < 1.0)
    );
    near(&share["brier"], {
        let p = masks.mapv(f64::from).mean_axis(Axis(0)).unwrap();
        let share = p.mapv(|p| p as f32).mapv(f64::from);
        2.0 * (&p - &share).mapv(|apart| apart * apart).mean().unwrap()
    });
    // The raters themselves as samples.
    let same = found(&["--stacked-samples", data]);
    let nodule = &same["classes"]["1"];
    assert!(number(&nodule["energy_distance"]).abs() < 1e-12);
    near(&nodule["matched_iou"], 1.0);
    near(&nodule["best_dice"], 1.0);
    let different = found(&["--stacked-samples", "--pairs", "different", data]);
    assert!(number(&different["classes"]["1"]["energy_distance"]) < 0.0);
}

/// `--empty` says what a structure scores that is in no map, in every number.
#[test]
fn a_structure_that_is_nowhere() {
    let folder = Folder::new();
    folder.npy("none.npy", &Array3::<u8>::zeros((4, 5, 6)).into_dyn());
    let none = folder.text("none.npy");
    for (empty, score, distance) in [
        ("skip", Value::Null, Value::Null),
        ("one", 1.0.into(), 0.0.into()),
        ("zero", 0.0.into(), 0.0.into()),
    ] {
        let found = json(&["--empty", empty, "--samples", &none, &none, "--raters", &none, &none]);
        let class = &found["classes"]["1"];
        for key in ["threshold_dice", "matched_iou", "best_dice"] {
            assert_eq!(class[key], score, "{empty}: {key}");
        }
        for key in ["dice", "surface_dice"] {
            assert_eq!(class["mean"][key], score, "{empty}: {key}");
        }
        for key in ["energy_distance", "crps_mm3", "crps_gaussian_mm3"] {
            assert_eq!(class[key], distance, "{empty}: {key}");
        }
        assert_eq!(found["empty"], empty);
    }
}

#[test]
fn what_does_not_go_together() {
    let folder = data();
    let texts = ["found", "r1", "r2/case_0.nii.gz", "wide.npy", "s1/case_0.nii.gz"].map(|name| folder.text(name));
    let [found, r1, file, wide, sample] = texts.each_ref().map(String::as_str);
    folder.npy("wide.npy", &Array3::<u8>::zeros((3, 4, 5)).into_dyn());
    for (given, words) in [
        (vec![found, r1, "--raters", r1], "cannot be used with"),
        (vec!["--samples", sample], "name --raters"),
        (vec![found, r1, "--samples", sample], "leave that out"),
        (vec![found, "--raters", r1, file], "files and folders"),
        (vec![found, "--raters", file], "or folders"),
        (vec![sample, "--raters", file, wide], "the same voxels"),
        (vec![sample, "--raters", "absent.npy"], "no such file"),
        (
            vec![sample, "--raters", file, "--reliability", "out.svg"],
            "for probabilities",
        ),
        (
            vec![sample, "--raters", file, "--channels", "regions", "--regions", "a=1"],
            "one reference",
        ),
        (vec![sample, "--raters", file, "--equal-mass"], "one reference"),
        (vec![sample], "REFERENCE"),
    ] {
        let told = wrong(
            args(["judge", "--classes", "3", "--quiet"])
                .into_iter()
                .chain(given.iter().map(|arg| (*arg).to_owned())),
        );
        assert!(told.contains(words), "{given:?}: {told}");
    }
}
