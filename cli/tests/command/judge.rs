use ndarray::{Array3, Array4};
use serde_json::Value;
use soft_labels::metrics::{Confusion, EmptyRegion, Region, top_labels};
use soft_labels::{Classes, SoftEncoder, Svls};

use super::{Folder, args, ball, run, well, wrong};

/// Predictions of 6 cases as probabilities, one of them missing, one with other voxels.
fn data() -> Folder {
    let folder = Folder::new();
    let classes = Classes::contiguous(3).unwrap();
    for case in 0..6 {
        folder.nifti(&format!("truth/case_{case}.nii.gz"), &ball(case));
        let soft: Array4<f32> = Svls::default().encode(&ball(case + 1), &classes).unwrap();
        match case {
            4 => {}
            5 => folder.npy(
                "found/case_5.npy",
                &soft.slice_move(ndarray::s![.., 1.., .., ..]).into_dyn(),
            ),
            _ => folder.npy(&format!("found/case_{case}.npy"), &soft.into_dyn()),
        }
    }
    folder
}

/// What `encode` writes, `judge` reads: in any of these forms it is as good as in the others.
#[test]
fn probabilities_of_every_form() {
    let folder = Folder::new();
    for case in 0..2 {
        folder.nifti(&format!("truth/{case}.nii.gz"), &ball(case));
        folder.nifti(&format!("other/{case}.nii.gz"), &ball(case + 1));
    }
    let judged = |form: &[&str]| -> Value {
        let out = folder.text("found");
        let mut encode = args(["encode", "--classes", "3", "--quiet", "--out", &out]);
        encode.extend(form.iter().map(|&arg| arg.to_owned()));
        encode.push(folder.text("other"));
        well(encode);
        let json = well([
            "judge",
            "--classes",
            "3",
            "--quiet",
            "--json",
            &out,
            &folder.text("truth"),
        ]);
        std::fs::remove_dir_all(out).unwrap();
        serde_json::from_str(&json).unwrap()
    };
    let npy = judged(&["--format", "npy"]);
    assert!(npy["summary"]["ece"]["mean"].as_f64().unwrap() > 0.0);
    assert_eq!(npy["bootstrap"]["seed"], 0);
    assert_eq!(judged(&[]), npy);
    // 255ths are rounded, and ties of a half go another way.
    let bytes = judged(&["--format", "npy", "--dtype", "u8"]);
    let brier = |json: &Value| json["summary"]["brier"]["mean"].as_f64().unwrap();
    assert!((brier(&bytes) - brier(&npy)).abs() < 2e-3);
}

/// Predictions in `.npz`, of this command and of nnU-Net, have the names of their label maps.
#[test]
fn folders_of_npz() {
    let folder = Folder::new();
    let classes = Classes::contiguous(3).unwrap();
    for case in 0..4 {
        let name = format!("case_{case}");
        folder.nifti(&format!("truth/{name}.nii.gz"), &ball(case));
        if case == 3 {
            continue;
        }
        folder.nifti(&format!("other/{name}.nii.gz"), &ball(case + 1));
        let soft: Array4<f32> = Svls::default().encode(&ball(case + 1), &classes).unwrap();
        folder.npy(&format!("npy/{name}.npy"), &soft.clone().into_dyn());
        // (C, z, y, x), beside the properties that nnU-Net writes.
        let file = std::fs::File::create(folder.path(&format!("nnunet/{name}.npz"))).unwrap();
        let mut npz = ndarray_npy::NpzWriter::new(file);
        npz.add_array("probabilities", &soft.permuted_axes([0, 3, 2, 1]))
            .unwrap();
        npz.finish().unwrap();
        folder.write(&format!("nnunet/{name}.pkl"), b"no prediction");
    }
    let [sparse, other, truth] = ["sparse", "other", "truth"].map(|name| folder.text(name));
    well([
        "encode",
        "--classes",
        "3",
        "--quiet",
        "--sparse",
        "--out",
        &sparse,
        &other,
    ]);
    assert_eq!(folder.names("sparse"), ["case_0.npz", "case_1.npz", "case_2.npz"]);
    let judged = |found: &str| -> Value {
        let output = run([
            "judge",
            "--classes",
            "3",
            "--quiet",
            "--json",
            &folder.text(found),
            &truth,
        ]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("case_3: has no prediction"), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let npy = judged("npy");
    let dice = |case: usize| npy["cases"][case].to_string();
    assert!(dice(0) != dice(1) && dice(1) != dice(2), "{npy}");
    assert_eq!(judged("sparse"), npy);
    assert_eq!(judged("nnunet"), npy);

    // Where there are label maps, too, these are the predictions.
    for case in 0..3 {
        folder.nifti(&format!("nnunet/case_{case}.nii.gz"), &ball(case + 1));
    }
    let labels = judged("nnunet");
    assert_ne!(labels, npy);
    assert_eq!(labels, judged("other"));
}

#[test]
fn two_folders() {
    let folder = data();
    let (found, truth) = (folder.text("found"), folder.text("truth"));
    let (csv, svg) = (folder.text("scores.csv"), folder.text("reliability.svg"));
    let fixed = ["judge", "--classes", "3", "--regions", "both=1+2", "--quiet"];
    let output = run(fixed
        .into_iter()
        .chain(["--json", "--csv", &csv, "--reliability", &svg, &found, &truth]));
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("case_4: has no prediction") && errors.contains("case_5: "),
        "{errors}"
    );
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["cases"].as_array().unwrap().len(), 6);
    assert!(json["cases"][4]["error"].is_string());

    let classes = Classes::contiguous(3).unwrap();
    let dice: Vec<f64> = (0..4)
        .map(|case| {
            let soft: Array4<f32> = Svls::default().encode(&ball(case + 1), &classes).unwrap();
            let found: Array3<u8> = top_labels(&soft, &classes).unwrap();
            let confusion = Confusion::count(&found, &ball(case), &classes).unwrap();
            confusion.dice(&Region::class(2), EmptyRegion::One)
        })
        .collect();
    for (case, dice) in dice.iter().enumerate() {
        assert_eq!(json["cases"][case]["classes"]["2"]["dice"].as_f64(), Some(*dice));
        // Voxels of 2.5 mm³.
        let voxels = ball(case).iter().filter(|&&label| label > 0).count() as f64;
        assert_eq!(
            json["cases"][case]["regions"]["both"]["volume_reference_mm3"].as_f64(),
            Some(2.5 * voxels)
        );
    }
    let summary = &json["summary"]["classes"]["2"]["dice"];
    let mean = dice.iter().sum::<f64>() / 4.0;
    assert!((summary["mean"].as_f64().unwrap() - mean).abs() < 1e-12 && summary["cases"] == 4);
    let [low, high] = [0, 1].map(|end| summary["interval_95"][end].as_f64().unwrap());
    assert!(low <= mean && mean <= high && dice.iter().all(|dice| *dice >= low - 0.5 && *dice <= high + 0.5));
    // All voxels of the four cases.
    let bins = json["reliability"].as_array().unwrap();
    let voxels: u64 = bins.iter().map(|bin| bin["count"].as_u64().unwrap()).sum();
    assert_eq!(voxels, 4 * 9 * 12 * 7);
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));

    // Four cases of two classes and a region, and a line of titles.
    let mut rows = csv::Reader::from_path(&csv).unwrap();
    let column = rows
        .headers()
        .unwrap()
        .iter()
        .position(|title| title == "dice")
        .unwrap();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4 * 3);
    assert_eq!(rows[1][column].parse(), Ok(dice[0]));
    assert!(wrong(["judge", "--classes", "3", "--csv", &csv, &found, &truth]).contains("--overwrite"));
}

#[test]
fn tables_and_names() {
    let folder = data();
    folder.write(
        "dataset.json",
        br#"{"labels": {"background": 0, "shell": 1, "core": 2, "organ": [1, 2]}}"#,
    );
    let (found, truth) = (folder.text("found/case_1.npy"), folder.text("truth/case_1.nii.gz"));
    let one = well(["judge", "--dataset", &folder.text("dataset.json"), &found, &truth]);
    for name in ["shell", "core", "organ", "ECE"] {
        assert!(one.contains(name), "{one}");
    }
    let all = run([
        "judge",
        "--dataset",
        &folder.text("dataset.json"),
        "--per-case",
        &folder.text("found"),
        &folder.text("truth"),
    ]);
    let text = String::from_utf8(all.stdout).unwrap();
    assert!(text.contains("6 cases, 2 failed") && text.contains("case_3"), "{text}");
    // The same bits again: the bootstrap is seeded.
    let again = run([
        "judge",
        "--dataset",
        &folder.text("dataset.json"),
        "--per-case",
        "--jobs",
        "1",
        &folder.text("found"),
        &folder.text("truth"),
    ]);
    assert_eq!(text.into_bytes(), again.stdout);
    assert!(wrong(["judge", "--classes", "3", &found, &folder.text("truth")]).contains("two files or two folders"));
}

/// What a prediction holds where the reference is ignored does not matter; a voxel without probability that counts does.
#[test]
fn ignored_voxels() {
    let folder = Folder::new();
    let classes = Classes::contiguous(3).unwrap();
    let mut reference = ball(0);
    reference.slice_mut(ndarray::s![2, .., ..]).fill(255);
    folder.nifti("truth.nii.gz", &reference);
    let soft: Array4<f64> = Svls::default().encode(&ball(1), &classes).unwrap();
    let judged = |soft: &Array4<f64>| {
        folder.npy("found.npy", &soft.clone().into_dyn());
        let (found, truth) = (folder.text("found.npy"), folder.text("truth.nii.gz"));
        run(["judge", "--classes", "3", "--ignore", "255", "--json", &found, &truth])
    };
    let expected = judged(&soft);
    assert!(expected.status.success());
    for garbage in [0.0, f64::NAN, -7.0] {
        let mut planted = soft.clone();
        planted.slice_mut(ndarray::s![.., 2, .., ..]).fill(garbage);
        assert_eq!(judged(&planted).stdout, expected.stdout);
    }
    let mut missing = soft;
    missing.slice_mut(ndarray::s![.., 1, 3, 4]).fill(0.0);
    let error = String::from_utf8(judged(&missing).stderr).unwrap();
    assert!(
        error.contains("found.npy") && error.contains("[1, 3, 4]: the prediction ignores it"),
        "{error}"
    );
}

/// A class that neither map holds counts in no mean, unless it is told to, and the output says so.
#[test]
fn a_class_that_neither_map_holds() {
    let folder = Folder::new();
    folder.npy("a.npy", &ndarray::Array2::<u8>::zeros((4, 4)).into_dyn());
    let a = folder.text("a.npy");
    let judge = |more: &[&str]| well(["judge", "--classes", "2", &a, &a].iter().chain(more));
    for (empty, score) in [("skip", None), ("one", Some(1.0)), ("zero", Some(0.0))] {
        let json: Value = serde_json::from_str(&judge(&["--json", "--empty", empty])).unwrap();
        for metric in ["dice", "jaccard", "precision", "surface_dice", "overlap_prediction"] {
            assert_eq!(json["classes"]["1"][metric].as_f64(), score, "{metric}");
        }
        for metric in ["average_surface_distance_mm", "hausdorff95_mm", "hausdorff_mm"] {
            let distance = match empty {
                "skip" => Value::Null,
                "one" => 0.0.into(),
                _ => "inf".into(),
            };
            assert_eq!(json["classes"]["1"][metric], distance, "{metric}");
        }
        assert_eq!(json["empty"], empty);
        let text = judge(&["--empty", empty]);
        assert!(
            text.contains("neither map holds has") && text.contains(&format!("--empty {empty}")),
            "{text}"
        );
    }
    assert_eq!(judge(&[]), judge(&["--empty", "skip"]));
}

/// What surfaces consist of, the tolerance and the percentile. `python/tests/test_surfaces.py` has the same numbers.
#[test]
fn surfaces_by_default_and_of_edge_voxels() {
    let folder = Folder::new();
    let block = |rows: std::ops::Range<usize>| {
        ndarray::Array2::from_shape_fn((40, 30), |(y, x)| u8::from(rows.contains(&y) && (2..22).contains(&x)))
    };
    let mut found = block(4..25);
    found[[39, 29]] = 1; // farther away than 95 % of the surface
    folder.npy("found.npy", &found.into_dyn());
    folder.npy("truth.npy", &block(2..22).into_dyn());
    let (found, truth) = (folder.text("found.npy"), folder.text("truth.npy"));
    let judge = |more: &[&str]| well(["judge", "--classes", "2", &found, &truth].iter().chain(more));
    let expected = [
        (
            "surfels",
            [0.7646393546315234, 1.5443939568311538, 3.0, 19.697715603592208],
        ),
        (
            "edge-voxels",
            [0.7741935483870968, 1.352888487765111, 3.0, 19.697715603592208],
        ),
    ];
    for (surface, numbers) in expected {
        let json: Value = serde_json::from_str(&judge(&["--json", "--surface", surface])).unwrap();
        let metrics = [
            "surface_dice",
            "average_surface_distance_mm",
            "hausdorff95_mm",
            "hausdorff_mm",
        ];
        for (metric, number) in metrics.iter().zip(numbers) {
            let found = json["classes"]["1"][metric].as_f64().unwrap();
            assert!((found - number).abs() < 1e-12, "{surface} {metric}: {found}");
        }
        assert_eq!(json["surface"], surface);
        assert!(judge(&["--surface", surface]).contains(&format!("--surface {surface}")));
    }
    assert_eq!(judge(&[]), judge(&["--surface", "surfels", "--tolerance-mm", "2"]));
}

/// Who misses more cases does not get a better median, and what is missed or invented is counted.
#[test]
fn missed_and_invented() {
    let folder = Folder::new();
    let full = ndarray::Array2::<u8>::from_shape_fn((6, 6), |(y, _)| u8::from(y == 2));
    let shifted = ndarray::Array2::<u8>::from_shape_fn((6, 6), |(y, _)| u8::from(y == 3));
    let empty = ndarray::Array2::<u8>::zeros((6, 6));
    let cases = [
        (&full, &full),
        (&shifted, &full),
        (&empty, &full),
        (&empty, &full),
        (&full, &empty),
        (&empty, &empty),
    ];
    for (case, (found, truth)) in cases.into_iter().enumerate() {
        folder.npy(&format!("found/{case}.npy"), &found.clone().into_dyn());
        folder.npy(&format!("truth/{case}.npy"), &truth.clone().into_dyn());
    }
    let [found, truth, tables] = ["found", "truth", "tables"].map(|name| folder.text(name));
    let fixed = ["judge", "--quiet", "--classes", "2", &found, &truth];
    let json: Value = serde_json::from_str(&well(fixed.iter().chain(&["--json", "--tables", &tables]))).unwrap();
    let structure = &json["summary"]["classes"]["1"];
    let counts = ["cases_both", "cases_missed", "cases_invented", "cases_neither"].map(|key| structure[key].as_u64());
    assert_eq!(counts, [2, 2, 1, 1].map(Some));
    let distance = &structure["hausdorff_mm"];
    assert_eq!((&distance["cases"], &distance["infinite"]), (&2.into(), &3.into()));
    assert_eq!((&distance["mean"], &distance["median"]), (&0.5.into(), &"inf".into()));
    assert_eq!(structure["dice"]["cases"], 5);
    assert_eq!(structure["dice"]["mean"], 0.2);

    let found_table = std::fs::read_to_string(folder.path("tables/found.csv")).unwrap();
    assert_eq!(found_table, "structure,both,missed,invented,neither\n1,2,2,1,1\n");
    assert_eq!(folder.names("tables"), ["found.csv", "scores.csv"]);
    assert!(wrong(fixed.iter().chain(&["--tables", &tables])).contains("--overwrite"));
    let markdown = well(fixed.iter().chain(&["--markdown", "--per-case"]));
    for line in [
        "## Overlap",
        "| 1 | 2 | 2 | 1 | 1 |",
        "| 1 | Hausdorff, mm | 0.5000 | 0.7071 | inf |",
    ] {
        assert!(markdown.contains(line), "{line} in {markdown}");
    }
}

/// Soft labels against the label map that they were made of, with voxels that nobody labelled.
#[test]
fn ignored_voxels_count_nowhere() {
    let folder = Folder::new();
    let labels = ndarray::Array2::from_shape_fn((9, 9), |(y, x)| if y == 4 { 255 } else { u8::from(x > 4) });
    folder.npy("a.npy", &labels.into_dyn());
    let [a, soft] = ["a.npy", "soft.npy"].map(|name| folder.text(name));
    let fixed = ["--classes", "2", "--ignore", "255"];
    well(["encode", "--out", &soft, &a].iter().chain(&fixed));
    let json = well(["judge", "--json", &soft, &a].iter().chain(&fixed));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["classes"]["1"]["dice"], 1.0);
    assert_eq!(json["classes"]["1"]["volume_reference_mm3"], 32.0);
}

/// Names of cases and structures that a spreadsheet or a terminal would act on.
#[test]
fn names_are_only_names() {
    let folder = Folder::new();
    for name in ["=1+2", "@x", "-y", "+z", "two\nlines", "e\u{1b}[31m"] {
        folder.npy(&format!("in/{name}.npy"), &ball(1).into_dyn());
    }
    folder.write(
        "dataset.json",
        br#"{"labels": {"background": 0, "=HYPERLINK(1)": 1, "a\u001b[2Jb": 2}}"#,
    );
    let [input, csv, dataset, out] = ["in", "a.csv", "dataset.json", "out"].map(|name| folder.text(name));
    let text = well([
        "judge",
        "--dataset",
        &dataset,
        "--per-case",
        "--csv",
        &csv,
        &input,
        &input,
    ]);
    let table = std::fs::read_to_string(&csv).unwrap();
    let encoded = well(["encode", "--dataset", &dataset, "--out", &out, &input]);
    let one = folder.text("in/two\nlines.npy");
    let single = well([
        "encode",
        "--dataset",
        &dataset,
        "--out",
        &folder.text("o\u{1b}.npy"),
        &one,
    ]);
    for text in [&text, &table, &encoded, &single] {
        assert!(!text.contains('\u{1b}') && !text.contains("two\nlines"), "{text}");
    }
    assert!(text.contains("two\\nlines") && text.contains("a\\u{1b}[2Jb"), "{text}");
    for row in table.lines().skip(1) {
        let mut cells = row.trim_start_matches('"').split(',');
        assert!(
            cells.next().is_some_and(|cell| !cell.starts_with(['=', '+', '-', '@'])),
            "{row}"
        );
        assert!(
            cells.next().is_some_and(|cell| !cell.starts_with(['=', '+', '-', '@'])),
            "{row}"
        );
    }
}

/// One name for two labels.
#[test]
fn a_name_that_is_given_twice() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(1).into_dyn());
    let [a, dataset] = ["a.npy", "dataset.json"].map(|name| folder.text(name));
    for labels in [
        r#"{"background": 0, "tumour": 1, "tumour": 2}"#,
        r#"{"0": "background", "1": "tumour", "2": "tumour"}"#,
        r#"{"background": 0, "tumour": 1, "edge": 2, "tumour": [1, 2]}"#,
    ] {
        folder.write("dataset.json", format!("{{\"labels\": {labels}}}").as_bytes());
        let error = wrong(["judge", "--dataset", &dataset, &a, &a]);
        assert!(error.contains("\"tumour\" twice"), "{error}");
    }
}
