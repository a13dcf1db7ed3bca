use ndarray::{Array3, Array4, ArrayD, Axis, array};
use serde_json::Value;
use soft_labels::Classes;
use soft_labels::metrics::{Calibration, CalibrationFit, CalibrationMethod, CalibrationScores, Outputs};
use soft_labels_files::{
    ElementType, Geometry, Prediction, read_labels, read_prediction, write_labels, write_probabilities,
};

use super::{Folder, args, read_npy, run, well, wrong};

const CASES: usize = 5;
const SHAPE: (usize, usize, usize) = (6, 5, 4);

/// Numbers within 0 and 1 that are the same in each run.
fn numbers(seed: usize) -> impl FnMut() -> f64 {
    let mut state = seed as u64 + 1;
    move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Logits of a network that is too sure, and labels that are drawn by the probabilities of half of them.
fn case(seed: usize) -> (Array4<f32>, Array3<u8>) {
    let mut next = numbers(seed);
    let logits = Array4::from_shape_simple_fn((3, SHAPE.0, SHAPE.1, SHAPE.2), || (8.0 * next() - 4.0) as f32);
    let labels = Array3::from_shape_fn(SHAPE, |(x, y, z)| {
        let weight = |class: usize| f64::from(logits[[class, x, y, z]] / 2.0).exp();
        let draw = next() * (0..3).map(weight).sum::<f64>();
        u8::from(draw > weight(0)) + u8::from(draw > weight(0) + weight(1))
    });
    (logits, labels)
}

fn softmax(logits: &Array4<f32>) -> Array4<f32> {
    Calibration::temperature(1.0, 3)
        .unwrap()
        .apply(logits, Outputs::Logits)
        .unwrap()
}

/// Predictions of f32 in `found`, logits in `logits`, and label maps in `truth`.
fn data() -> Folder {
    let folder = Folder::new();
    for seed in 0..CASES {
        let (logits, mut labels) = case(seed);
        labels[[0, 0, seed % 4]] = 255;
        folder.npy(&format!("found/case_{seed}.npy"), &softmax(&logits).into_dyn());
        folder.npy(&format!("logits/case_{seed}.npy"), &logits.into_dyn());
        folder.npy(&format!("truth/case_{seed}.npy"), &labels.into_dyn());
    }
    folder
}

/// What the library finds on the files of `data`, and its scores of two folds, before and after.
fn expected(folder: &Folder, predictions: &str, method: CalibrationMethod) -> (Calibration, [CalibrationScores; 2]) {
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let logits = predictions == "logits";
    let outputs = if logits { Outputs::Logits } else { Outputs::single() };
    let cases: Vec<(ArrayD<f32>, ArrayD<u8>)> = (0..CASES)
        .map(|seed| {
            let of = |name: &str| folder.path(&format!("{name}/case_{seed}.npy"));
            (read_npy(&of(predictions)), read_npy(&of("truth")))
        })
        .collect();
    let mut fit = CalibrationFit::new(method, 3, logits).unwrap().folds(2).unwrap();
    while {
        for (at, (values, labels)) in cases.iter().enumerate() {
            let sums = fit.sums(values, outputs, labels, &classes, at).unwrap();
            fit.add(&sums).unwrap();
        }
        fit.step().unwrap()
    } {}
    let none = Calibration::temperature(1.0, 3).unwrap();
    let scores = |of: &dyn Fn(usize) -> Calibration| {
        let mut scores = CalibrationScores::new(3, 10).unwrap();
        for (at, (values, labels)) in cases.iter().enumerate() {
            scores.add(&of(at), values, outputs, labels, &classes).unwrap();
        }
        scores
    };
    let all = [scores(&|_| none.clone()), scores(&|at| fit.without(at).unwrap())];
    (fit.calibration().unwrap(), all)
}

fn json(folder: &Folder, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path(file)).unwrap()).unwrap()
}

/// The arguments of a fit on two folders.
fn fitting(folder: &Folder, predictions: &str, more: &[&str]) -> Vec<String> {
    let mut all = args([
        "calibrate",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--quiet",
        "--folds",
        "2",
    ]);
    all.extend(more.iter().map(|&arg| arg.to_owned()));
    all.extend(["--out".to_owned(), folder.text("calibration.json")]);
    all.extend([folder.text(predictions), folder.text("truth")]);
    all
}

#[test]
fn folders_are_fitted_as_the_library_does() {
    let folder = data();
    for (name, method) in [
        ("temperature", CalibrationMethod::Temperature),
        ("class-temperatures", CalibrationMethod::ClassTemperatures),
        ("vector", CalibrationMethod::Vector),
    ] {
        for (predictions, more) in [("found", None), ("logits", Some("--logits"))] {
            let (calibration, scores) = expected(&folder, predictions, method);
            for jobs in ["1", "3"] {
                let mut options = vec!["--method", name, "--jobs", jobs, "--overwrite", "--json"];
                options.extend(more);
                let printed = well(fitting(&folder, predictions, &options));
                let written = json(&folder, "calibration.json");
                assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), written);
                let read: Calibration = serde_json::from_value(written.clone()).unwrap();
                assert_eq!(read, calibration, "{name}");
                let of = &written["cross_validation"];
                assert_eq!((of["cases"].as_u64(), of["folds"].as_u64()), (Some(5), Some(2)));
                assert_eq!(of["voxels"], scores[0].voxels());
                for (when, scores) in ["before", "after"].into_iter().zip(&scores) {
                    let numbers = [scores.nll(), scores.brier(), scores.ece(), scores.class_ece()];
                    for (key, number) in ["nll", "brier", "ece", "class_ece"].into_iter().zip(numbers) {
                        let found = of[when][key].as_f64().unwrap();
                        assert!((found - number).abs() < 1e-12, "{name} {when} {key}: {found} {number}");
                    }
                }
            }
            assert!((calibration.temperatures()[0] - 2.0).abs() < 0.5, "{calibration:?}");
            assert!(scores[1].nll() < scores[0].nll() - 0.05);
        }
    }
    let text = well(fitting(
        &folder,
        "found",
        &["--method", "vector", "--overwrite", "--tables", &folder.text("tables")],
    ));
    assert!(
        text.contains("Scores of 5 cases") && text.contains("without fold 2"),
        "{text}"
    );
    assert_eq!(folder.names("tables"), ["biases.csv", "scores.csv", "temperatures.csv"]);
}

#[test]
fn two_files_have_no_cross_validation() {
    let folder = data();
    let out = folder.text("calibration.json");
    let [found, truth] = ["found", "truth"].map(|name| folder.text(&format!("{name}/case_1.npy")));
    let text = well([
        "calibrate",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--out",
        &out,
        &found,
        &truth,
    ]);
    assert!(text.contains("one case has no others"), "{text}");
    let written = json(&folder, "calibration.json");
    assert!(written["cross_validation"]["after"].is_null());
    assert!(written["cross_validation"]["before"]["nll"].is_number());
}

#[test]
fn what_is_calibrated_is_left_alone() {
    let folder = data();
    well(fitting(&folder, "found", &[]));
    well([
        "calibrate",
        "--quiet",
        "--apply",
        &folder.text("calibration.json"),
        "--out",
        &folder.text("again"),
        &folder.text("found"),
    ]);
    let calibration: Calibration = serde_json::from_value(json(&folder, "calibration.json")).unwrap();
    for seed in 0..CASES {
        let name = format!("case_{seed}.npy");
        let found: ArrayD<f32> = read_npy(&folder.path("found").join(&name));
        let expected: ArrayD<f32> = calibration.apply(&found, Outputs::single()).unwrap();
        assert_eq!(read_npy::<f32>(&folder.path("again").join(&name)), expected);
    }
    well(fitting(&folder, "again", &["--overwrite"]));
    let again = json(&folder, "calibration.json")["temperatures"][0].as_f64().unwrap();
    assert!((again - 1.0).abs() < 1e-5, "{again}");
}

/// The prediction of a case in each format and type that can be written: the result has the same, at the same place.
#[test]
fn formats_and_types_stay() {
    let folder = Folder::new();
    let calibration = Calibration::of_classes(&[2.0, 1.5, 1.8], &[0.0, 0.1, -0.2], false).unwrap();
    folder.write(
        "calibration.json",
        serde_json::to_string(&calibration).unwrap().as_bytes(),
    );
    let geometry = Geometry::from_spacing_mm(&[0.7, 0.7, 2.5]);
    let soft = softmax(&case(3).0);
    let wide = soft.mapv(f64::from);
    let half = soft.mapv(half::f16::from_f32);
    let mut parts = Array4::<u8>::zeros(soft.raw_dim());
    soft_labels::quantize::soft_into(&wide, &mut parts).unwrap();
    for ending in [".npy", ".nii", ".nii.gz", ".nrrd"] {
        let of = |name: &str| folder.path(&format!("in/{name}{ending}"));
        write_probabilities(&of("f32"), &soft, &geometry).unwrap();
        write_probabilities(&of("f64"), &wide, &geometry).unwrap();
        write_probabilities(&of("u8"), &parts, &geometry).unwrap();
        if ending == ".npy" {
            write_probabilities(&of("f16"), &half, &geometry).unwrap();
        }
        let names = folder.names("in");
        let [json, out, found] = ["calibration.json", "out", "in"].map(|name| folder.text(name));
        let text = well(["calibrate", "--quiet", "--apply", &json, "--out", &out, &found]);
        assert!(
            text.contains(&format!("wrote {} of {}", names.len(), names.len())),
            "{text}"
        );
        assert_eq!(folder.names("out"), names);
        for (name, element_type, outputs) in [
            ("f16", ElementType::F16, Outputs::half()),
            ("f32", ElementType::F32, Outputs::single()),
            ("f64", ElementType::F64, Outputs::double()),
            ("u8", ElementType::U8, Outputs::parts()),
        ] {
            if !of(name).exists() {
                continue;
            }
            let [before, after] = ["in", "out"].map(|place| {
                match read_prediction(folder.path(&format!("{place}/{name}{ending}")), 3).unwrap() {
                    Prediction::Probabilities(read) => read,
                    other => panic!("{other:?}"),
                }
            });
            assert_eq!(after.element_type, element_type, "{name}{ending}");
            assert!(
                after
                    .geometry
                    .same_place(&before.geometry, after.values.shape().get(1..).unwrap())
            );
            assert_eq!(after.geometry.spacing_mm(), before.geometry.spacing_mm());
            let expected: ArrayD<f64> = calibration.apply(&before.values, outputs).unwrap();
            let error = match element_type {
                ElementType::U8 => 1.0 / 255.0,
                ElementType::F16 => 1e-3,
                _ => 1e-7,
            };
            let most = (&after.values - &expected)
                .mapv(f64::abs)
                .into_iter()
                .fold(0.0, f64::max);
            assert!(most < error, "{name}{ending}: {most}");
            if element_type == ElementType::U8 {
                let sums = after.values.sum_axis(Axis(0));
                assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12));
            }
        }
        std::fs::remove_dir_all(&out).unwrap();
        std::fs::remove_dir_all(&found).unwrap();
    }
}

#[test]
fn images_and_foregrounds_keep_their_form() {
    let folder = Folder::new();
    folder.write(
        "calibration.json",
        br#"{"method":"temperature","logits":false,"classes":2,"temperatures":[2],"biases":[]}"#,
    );
    let p = array![[0.9_f32, 0.5, 0.1]];
    let expected = array![[0.75_f32, 0.5, 0.25]];
    let apply = |name: &str| {
        let [json, out, found] = ["calibration.json", &format!("out_{name}"), name].map(|name| folder.text(name));
        well(["calibrate", "--quiet", "--apply", &json, "--out", &out, &found]);
        folder.path(&format!("out_{name}"))
    };
    let near = |found: ArrayD<f32>, expected: ArrayD<f32>| {
        assert_eq!(found.shape(), expected.shape());
        assert!(
            found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{found} {expected}"
        );
    };
    folder.npy("plane.npy", &p.clone().into_dyn());
    near(read_npy(&apply("plane.npy")), expected.clone().into_dyn());
    let volume = |p: &ndarray::Array2<f32>| p.broadcast((3, 1, 3)).unwrap().to_owned();
    folder.npy("volume.npy", &volume(&p).into_dyn());
    near(read_npy(&apply("volume.npy")), volume(&expected).into_dyn());
    folder.npy("channel.npy", &p.clone().insert_axis(Axis(0)).into_dyn());
    near(
        read_npy(&apply("channel.npy")),
        expected.clone().insert_axis(Axis(0)).into_dyn(),
    );
    let both = |p: &ndarray::Array2<f32>| {
        ndarray::stack(Axis(0), &[(1.0 - p).view(), p.view()])
            .unwrap()
            .into_dyn()
    };
    folder.npy("image.npy", &both(&p));
    near(read_npy(&apply("image.npy")), both(&expected));
    // In NIfTI, the foreground alone: the axis of classes has one entry or is not there.
    write_probabilities(
        &folder.path("one.nii.gz"),
        &volume(&p).insert_axis(Axis(0)),
        &Geometry::unknown(),
    )
    .unwrap();
    match read_prediction(apply("one.nii.gz"), 3).unwrap() {
        Prediction::Foreground(read) => near(read.values.mapv(|p| p as f32), volume(&expected).into_dyn()),
        other => panic!("{other:?}"),
    }
    // And a fit of such files, of logits as well.
    folder.npy("labels.npy", &array![[1_u8, 0, 1]].into_dyn());
    let [out, labels, plane] = ["fit.json", "labels.npy", "plane.npy"].map(|name| folder.text(name));
    well(["calibrate", "--classes", "2", "--out", &out, &plane, &labels]);
    let of_probabilities = json(&folder, "fit.json")["temperatures"][0].as_f64().unwrap();
    folder.npy("logits.npy", &p.mapv(|p| (p / (1.0 - p)).ln()).into_dyn());
    well([
        "calibrate",
        "--classes",
        "2",
        "--overwrite",
        "--logits",
        "--out",
        &out,
        &folder.text("logits.npy"),
        &labels,
    ]);
    let of_logits = json(&folder, "fit.json")["temperatures"][0].as_f64().unwrap();
    assert!(
        (of_probabilities - of_logits).abs() < 1e-4 * of_logits,
        "{of_probabilities} {of_logits}"
    );
}

#[test]
fn nifti_predictions_are_fitted_on_their_label_maps() {
    let folder = data();
    well(fitting(&folder, "found", &["--json"]));
    let expected = json(&folder, "calibration.json");
    let geometry = Geometry::from_spacing_mm(&[0.7, 0.7, 2.5]);
    for seed in 0..CASES {
        let soft: ArrayD<f32> = read_npy(&folder.path(&format!("found/case_{seed}.npy")));
        write_probabilities(&folder.path(&format!("soft/case_{seed}.nii.gz")), &soft, &geometry).unwrap();
        let map = read_labels(folder.path(&format!("truth/case_{seed}.npy"))).unwrap();
        let labels: ArrayD<u8> = map.labels.cast().unwrap();
        write_labels(&folder.path(&format!("drawn/case_{seed}.nii.gz")), &labels, &geometry).unwrap();
    }
    let [out, soft, drawn] = ["other.json", "soft", "drawn"].map(|name| folder.text(name));
    well([
        "calibrate",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--folds",
        "2",
        "--quiet",
        "--out",
        &out,
        &soft,
        &drawn,
    ]);
    assert_eq!(json(&folder, "other.json"), expected);
    // Elsewhere, as the files say.
    let moved = Geometry::from_spacing_mm(&[0.7, 0.7, 5.0]);
    let soft: ArrayD<f32> = read_npy(&folder.path("found/case_0.npy"));
    let file = folder.text("soft/case_0.nii.gz");
    std::fs::remove_file(&file).unwrap();
    write_probabilities(folder.path("soft/case_0.nii.gz").as_path(), &soft, &moved).unwrap();
    let told = wrong([
        "calibrate",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--overwrite",
        "--out",
        &out,
        &file,
        &folder.text("drawn/case_0.nii.gz"),
    ]);
    assert!(told.contains("--same-grid"), "{told}");
}

#[test]
fn cases_that_fail_are_named_and_nothing_is_written() {
    let folder = data();
    let (soft, labels) = (softmax(&case(9).0), case(9).1);
    folder.npy("found/alone.npy", &soft.clone().into_dyn());
    folder.npy("truth/drawn.npy", &labels.clone().into_dyn());
    let mut broken = soft.clone();
    broken[[1, 2, 3, 1]] = f32::NAN;
    folder.npy("found/nan.npy", &broken.into_dyn());
    folder.npy("truth/nan.npy", &labels.clone().into_dyn());
    folder.npy(
        "found/small.npy",
        &soft.slice_move(ndarray::s![.., 1.., .., ..]).into_dyn(),
    );
    folder.npy("truth/small.npy", &labels.clone().into_dyn());
    folder.npy("found/map.npy", &labels.clone().into_dyn());
    folder.npy("truth/map.npy", &labels.into_dyn());
    folder.npy("found/logits.npy", &case(9).0.into_dyn());
    folder.npy("truth/logits.npy", &case(9).1.into_dyn());
    let output = run(fitting(&folder, "found", &[]));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(!folder.path("calibration.json").exists());
    for told in [
        "alone, pass 1: has no label map; add it, or remove its prediction",
        "drawn, pass 1: has no prediction; add it, or remove its label map",
        "nan.npy: the probability of class 1 at voxel [2, 3, 1] is NaN",
        "small.npy: has the voxels [5, 5, 4], but its label map [6, 5, 4]",
        "map.npy: is a label map; give the probabilities of a network, or its logits with --logits",
        "or set --logits",
        "6 of 11 cases failed and nothing is written",
    ] {
        assert!(errors.contains(told), "{told}\n{errors}");
    }
}

#[test]
fn what_is_wrong_is_told_before_work() {
    let folder = data();
    let out = folder.text("calibration.json");
    let [found, truth] = ["found", "truth"].map(|name| folder.text(name));
    let fit = |more: &[&str]| {
        let mut all = args(["calibrate", "--classes", "3", "--ignore", "255", "--quiet"]);
        all.extend(more.iter().map(|&arg| arg.to_owned()));
        wrong(all)
    };
    assert!(fit(&["--out", &out, &found]).contains("give the predictions and their label maps"));
    assert!(fit(&["--out", &out, &found, &folder.text("truth/case_0.npy")]).contains("two files or two folders"));
    let input = folder.text("truth/case_0.npy");
    assert!(fit(&["--out", &input, "--overwrite", &found, &truth]).contains("is an input"));
    assert!(fit(&["--out", &out, "--folds", "1", &found, &truth]).contains("folds"));
    assert!(fit(&["--out", &out, "--bins", "0", &found, &truth]).contains("bins"));
    let mut logits: ArrayD<f32> = read_npy(&folder.path("logits/case_2.npy"));
    logits[[2, 1, 0, 3]] = f32::INFINITY;
    folder.npy("broken.npy", &logits);
    let told = fit(&[
        "--out",
        &out,
        "--logits",
        &folder.text("broken.npy"),
        &folder.text("truth/case_2.npy"),
    ]);
    assert!(
        told.contains("the logit of class 2 at voxel [1, 0, 3] is inf"),
        "{told}"
    );
    folder.npy("bytes.npy", &ArrayD::<u8>::from_elem(vec![3, 6, 5, 4], 85));
    let told = fit(&[
        "--out",
        &out,
        "--logits",
        &folder.text("bytes.npy"),
        &folder.text("truth/case_2.npy"),
    ]);
    assert!(told.contains("255ths, which are no logits"), "{told}");

    let apply = |json: &str, more: &[&str]| {
        let mut all = args(["calibrate", "--quiet", "--apply", json]);
        all.extend(more.iter().map(|&arg| arg.to_owned()));
        wrong(all)
    };
    well([
        "calibrate",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--quiet",
        "--out",
        &out,
        &found,
        &truth,
    ]);
    let told = wrong([
        "calibrate",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--out",
        &out,
        &found,
        &truth,
    ]);
    assert!(told.contains("--overwrite"), "{told}");
    assert!(apply(&out, &["--out", &found, &found]).contains("is an input"));
    assert!(apply(&out, &["--out", &folder.text("one.npy"), &found]).contains("name a folder"));
    assert!(apply(&truth, &["--out", &folder.text("q"), &found]).contains("truth"));
    folder.write("other.json", b"{}");
    assert!(apply(&folder.text("other.json"), &["--out", &folder.text("q"), &found]).contains("is no calibration"));
    assert!(
        apply(
            &out,
            &["--out", &folder.text("q.tif"), &folder.text("found/case_0.npy")]
        )
        .contains("its format is not written")
    );
    assert!(apply(&out, &["--classes", "3", "--out", &folder.text("q"), &found]).contains("cannot be used with"));
    let told = apply(
        &out,
        &["--out", &folder.text("q.npy"), &folder.text("logits/case_0.npy")],
    );
    assert!(told.contains("set --logits"), "{told}");
    let told = apply(
        &out,
        &["--out", &folder.text("q.npy"), &folder.text("truth/case_0.npy")],
    );
    assert!(told.contains("is a label map"), "{told}");
    folder.npy("four.npy", &ArrayD::<f32>::from_elem(vec![4, 6, 5, 4], 0.25));
    let told = apply(&out, &["--out", &folder.text("q.npy"), &folder.text("four.npy")]);
    assert!(told.contains("[4, 6, 5, 4]") && told.contains("3 classes"), "{told}");
    // A calibration of several temperatures that was found on logits is for logits.
    folder.write(
        "vector.json",
        br#"{"method":"class-temperatures","logits":true,"classes":3,"temperatures":[1,2,3],"biases":[]}"#,
    );
    let vector = folder.text("vector.json");
    let told = apply(
        &vector,
        &["--out", &folder.text("q.npy"), &folder.text("found/case_0.npy")],
    );
    assert!(told.contains("for logits, but probabilities are given"), "{told}");
    well([
        "calibrate",
        "--quiet",
        "--apply",
        &vector,
        "--logits",
        "--out",
        &folder.text("q.npy"),
        &folder.text("logits/case_0.npy"),
    ]);
}

/// nnU-Net has label maps beside its probabilities, whose format is not written.
#[test]
fn probabilities_of_nnunet_are_written_in_another_format() {
    let folder = Folder::new();
    let (logits, labels) = case(1);
    let soft = softmax(&logits);
    let mut npz = ndarray_npy::NpzWriter::new(std::fs::File::create(folder.path("found/case_1.npz")).unwrap());
    npz.add_array("probabilities", &soft).unwrap();
    npz.finish().unwrap();
    folder.npy("found/case_1.npy", &labels.clone().into_dyn());
    folder.npy("truth/case_1.npy", &labels.into_dyn());
    let [out, found, truth] = ["calibration.json", "found", "truth"].map(|name| folder.text(name));
    well(["calibrate", "--classes", "3", "--quiet", "--out", &out, &found, &truth]);
    let told = wrong(["calibrate", "--apply", &out, "--out", &folder.text("q"), &found]);
    assert!(
        told.contains("case_1.npz: its format is read, not written; set --format"),
        "{told}"
    );
    well([
        "calibrate",
        "--quiet",
        "--apply",
        &out,
        "--format",
        "npy",
        "--out",
        &folder.text("q"),
        &found,
    ]);
    let calibration: Calibration = serde_json::from_value(json(&folder, "calibration.json")).unwrap();
    let expected: Array4<f32> = calibration.apply(&soft, Outputs::single()).unwrap();
    assert_eq!(read_npy::<f32>(&folder.path("q/case_1.npy")), expected.into_dyn());
    // The axes of nnU-Net are (z, y, x).
    well([
        "calibrate",
        "--quiet",
        "--apply",
        &out,
        "--format",
        "nii",
        "--out",
        &folder.text("q"),
        &found,
    ]);
    match read_prediction(folder.path("q/case_1.nii"), 3).unwrap() {
        Prediction::Probabilities(read) => assert_eq!(read.values.shape(), [3, SHAPE.2, SHAPE.1, SHAPE.0]),
        other => panic!("{other:?}"),
    }
}

/// Probabilities are never taken for logits.
#[test]
fn probabilities_are_no_logits() {
    let folder = Folder::new();
    let (logits, labels) = case(2);
    folder.npy("soft.npy", &softmax(&logits).into_dyn());
    folder.npy("truth.npy", &labels.into_dyn());
    let [out, soft, truth] = ["calibration.json", "soft.npy", "truth.npy"].map(|name| folder.text(name));
    let told = wrong(["calibrate", "--classes", "3", "--logits", "--out", &out, &soft, &truth]);
    assert!(
        told.contains("holds probabilities") && told.contains("leave out --logits"),
        "{told}"
    );
}
