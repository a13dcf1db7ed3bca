//! Calibration by class of `judge`, its diagrams and its maps.

use ndarray::{Array3, Array4, Axis};
use serde_json::Value;
use soft_labels::metrics::{ClassReliability, Reliability, Scope, boundary_band, top_labels};
use soft_labels::{Classes, LabelSmoothing, SoftEncoder, Svls};
use soft_labels_files::{read_labels, read_prediction_of};

use super::{Folder, ball, run, well, wrong};

const CASES: usize = 4;

fn soft(case: usize) -> Array4<f32> {
    let classes = Classes::contiguous(3).unwrap();
    Svls::default().encode(&ball(case + 1), &classes).unwrap()
}

fn smooth(case: usize) -> Array4<f32> {
    let classes = Classes::contiguous(3).unwrap();
    LabelSmoothing::new(0.2)
        .unwrap()
        .encode(&ball(case + 1), &classes)
        .unwrap()
}

/// Two predictions of each case.
fn data() -> Folder {
    let folder = Folder::new();
    for case in 0..CASES {
        folder.nifti(&format!("truth/case_{case}.nii.gz"), &ball(case));
        folder.npy(&format!("found/case_{case}.npy"), &soft(case).into_dyn());
        folder.npy(&format!("other/case_{case}.npy"), &smooth(case).into_dyn());
    }
    folder
}

fn judged(folder: &Folder, options: &[&str]) -> Value {
    let fixed = ["judge", "--classes", "3", "--quiet", "--json"];
    let (found, truth) = (folder.text("found"), folder.text("truth"));
    let ends = [found.as_str(), truth.as_str()];
    let json = well(fixed.into_iter().chain(options.iter().copied()).chain(ends));
    serde_json::from_str(&json).unwrap()
}

/// A row of the table.
fn row<'a>(json: &'a Value, prediction: Option<&str>, class: &str, metric: &str) -> &'a Value {
    let rows = json["calibration_classes"].as_array().unwrap();
    let is = |row: &&Value| {
        row["class"] == class && row["metric"] == metric && prediction.is_none_or(|name| row["prediction"] == name)
    };
    rows.iter()
        .find(is)
        .unwrap_or_else(|| panic!("{class} {metric}: {json}"))
}

#[track_caller]
fn assert_number(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}

/// The bins of a case that the library counts.
fn bins(soft: &Array4<f32>, case: usize, count: usize, scope: Scope<'_, ndarray::Ix3>) -> ClassReliability {
    let mut bins = ClassReliability::new(3, count).unwrap();
    let classes = Classes::contiguous(3).unwrap();
    bins.add(&soft.mapv(f64::from), &ball(case), &classes, scope).unwrap();
    bins
}

#[test]
fn classes_are_pooled_and_averaged() {
    let folder = data();
    let json = judged(&folder, &[]);
    let each: Vec<_> = (0..CASES).map(|case| bins(&soft(case), case, 10, Scope::All)).collect();
    let mut pooled = ClassReliability::new(3, 10).unwrap();
    each.iter().for_each(|case| pooled.merge(case).unwrap());
    for (metric, error) in [
        ("ECE", Reliability::ece as fn(&Reliability) -> f64),
        ("ACE", Reliability::ace),
        ("MCE", Reliability::mce),
    ] {
        let average = |number: &dyn Fn(&ClassReliability) -> f64| each.iter().map(number).sum::<f64>() / CASES as f64;
        for (class, name) in ["0", "1", "2"].into_iter().enumerate() {
            let found = row(&json, None, name, metric);
            assert_number(&found["pooled"], error(&pooled.classes()[class]));
            assert_number(&found["averaged"], average(&|case| error(&case.classes()[class])));
            assert_eq!(found["cases"], CASES);
            for number in ["pooled", "averaged"] {
                let [low, high] = ["low", "high"].map(|end| found[format!("{number}_{end}")].as_f64().unwrap());
                let number = found[number].as_f64().unwrap();
                assert!(low <= number && number <= high && low < high, "{found}");
            }
        }
        let found = row(&json, None, "mean over classes", metric);
        assert_number(&found["pooled"], pooled.mean(error));
        assert_number(&found["averaged"], average(&|case| case.mean(error)));
    }
    assert_number(
        &row(&json, None, "top label", "ECE")["averaged"],
        json["summary"]["ece"]["mean"].as_f64().unwrap(),
    );
    assert!(json.to_string().find("AURC").is_none());
}

#[test]
fn a_band_a_mask_and_bins_of_equal_mass() {
    let folder = data();
    let classes = Classes::contiguous(3).unwrap();
    let spacing = read_labels(folder.path("truth/case_0.nii.gz")).unwrap().geometry;
    let spacing = spacing.spacing_mm().unwrap().to_vec();
    let count = |mask: &dyn Fn(usize) -> Array3<bool>| {
        let mut pooled = ClassReliability::new(3, 5100).unwrap();
        for case in 0..CASES {
            let mask = mask(case);
            pooled
                .merge(&bins(&soft(case), case, 5100, Scope::Mask(mask.view())))
                .unwrap();
        }
        pooled.mean(|class| class.equal_mass(7).unwrap().ace())
    };
    let band = |case: usize| boundary_band(&ball(case), &classes, &spacing, 1.5).unwrap();
    let fixed = ["--bins", "7", "--equal-mass"];
    let json = judged(
        &folder,
        &[&fixed[..], &["--scope", "band", "--band-mm", "1.5"]].concat(),
    );
    let found = |json: &Value| row(json, None, "mean over classes", "ACE")["pooled"].clone();
    assert_number(&found(&json), count(&band));

    let half = |case: usize| Array3::from_shape_fn(ball(case).dim(), |(x, ..)| x % 2 == 0);
    for case in 0..CASES {
        folder.nifti(&format!("masks/case_{case}.nii.gz"), &half(case).mapv(u8::from));
    }
    let masks = folder.text("masks");
    let json = judged(&folder, &[&fixed[..], &["--mask", &masks]].concat());
    assert_number(&found(&json), count(&half));
    let both = |case: usize| &band(case) & &half(case);
    let json = judged(
        &folder,
        &[&fixed[..], &["--mask", &masks, "--scope", "band", "--band-mm", "1.5"]].concat(),
    );
    assert_number(&found(&json), count(&both));
    let front = |case: usize| half(case) & ball(case).mapv(|label| label != 0);
    let json = judged(
        &folder,
        &[&fixed[..], &["--mask", &masks, "--scope", "foreground"]].concat(),
    );
    assert_number(&found(&json), count(&front));
}

#[test]
fn predictions_are_compared() {
    let folder = data();
    let pictures = ["top.svg", "classes.svg", "risk.svg"].map(|name| folder.text(name));
    let other = format!("other & more={}", folder.text("other"));
    let json = judged(
        &folder,
        &[
            "--also",
            &other,
            "--reliability",
            &pictures[0],
            "--reliability-classes",
            &pictures[1],
            "--risk-coverage",
            &pictures[2],
        ],
    );
    let classes = Classes::contiguous(3).unwrap();
    for (name, prediction) in [
        ("found", &soft as &dyn Fn(usize) -> Array4<f32>),
        ("other & more", &smooth),
    ] {
        let mut pooled = ClassReliability::new(3, 10).unwrap();
        let mut fine = Reliability::new(5100).unwrap();
        for case in 0..CASES {
            let p = prediction(case);
            pooled.merge(&bins(&p, case, 10, Scope::All)).unwrap();
            fine.add(&p.mapv(f64::from), &ball(case), &classes, Scope::All).unwrap();
        }
        assert_number(&row(&json, Some(name), "1", "ECE")["pooled"], pooled.classes()[1].ece());
        assert_number(
            &row(&json, Some(name), "top label", "AURC")["pooled"],
            fine.risk_coverage().aurc(),
        );
    }
    for picture in &pictures {
        let svg = std::fs::read_to_string(picture).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.contains("found") && svg.contains("other &amp; more"),
            "{picture}"
        );
    }
}

#[test]
fn maps_lie_on_the_grid_of_the_references() {
    let folder = data();
    let (confidence, errors) = (folder.text("confidence"), folder.text("errors"));
    judged(&folder, &["--confidence-maps", &confidence, "--error-maps", &errors]);
    let classes = Classes::contiguous(3).unwrap();
    let truth = read_labels(folder.path("truth/case_2.nii.gz")).unwrap();
    assert_eq!(folder.names("errors").len(), CASES);
    let wrong = read_labels(folder.path("errors/case_2.nii.gz")).unwrap();
    let found: Array3<u8> = top_labels(&soft(2), &classes).unwrap();
    let expected = ndarray::Zip::from(&found)
        .and(&ball(2))
        .map_collect(|a, b| i64::from(a != b));
    assert_eq!(wrong.labels.into_i64(), expected.into_dyn());
    assert_eq!(wrong.geometry.spacing_mm(), truth.geometry.spacing_mm());
    let map = read_prediction_of(folder.path("confidence/case_2.nii.gz"), 3, truth.geometry.axes()).unwrap();
    let soft_labels_files::Prediction::Foreground(map) = map else {
        panic!("{map:?}");
    };
    let largest = soft(2)
        .fold_axis(Axis(0), 0_f32, |&most, &p| most.max(p))
        .mapv(f64::from);
    assert_eq!(map.values, largest.into_dyn());
    assert!(map.geometry.same_place(&truth.geometry, &[2, 2, 2]));

    // What is there stays.
    let again = wrong_of(&folder, &["--error-maps", &errors]);
    assert!(again.contains("--overwrite"), "{again}");
    let same = wrong_of(
        &folder,
        &[
            "--error-maps",
            &confidence,
            "--confidence-maps",
            &confidence,
            "--overwrite",
        ],
    );
    assert!(same.contains("same folder"), "{same}");
}

fn wrong_of(folder: &Folder, options: &[&str]) -> String {
    let (found, truth) = (folder.text("found"), folder.text("truth"));
    let fixed = ["judge", "--classes", "3", "--quiet"];
    wrong(
        fixed
            .into_iter()
            .chain(options.iter().copied())
            .chain([found.as_str(), truth.as_str()]),
    )
}

#[test]
fn options_that_cannot_be() {
    let folder = data();
    let other = folder.text("other");
    for (options, why) in [
        (&["--scope", "band"][..], "set --band-mm"),
        (&["--band-mm", "1"], "--band-mm is for --scope band"),
        (&["--scope", "band", "--band-mm", "-1"], "--band-mm has to be 0 or more"),
        (
            &["--scope", "band", "--band-mm", "nan"],
            "--band-mm has to be 0 or more",
        ),
        (&["--also", &other], "give a name and a path"),
        (
            &["--also", &format!("a={other}"), "--also", &format!("a={other}")],
            "--also has a twice",
        ),
        (&["--risk-coverage", "risk.png"], "--risk-coverage draws .svg"),
        (
            &["--risk-coverage", "a.svg", "--reliability-classes", "a.svg"],
            "are the same file",
        ),
        (
            &["--mask", &folder.text("truth/case_0.nii.gz")],
            "folders beside folders",
        ),
        (
            &["--also", &format!("a={}", folder.text("nothing"))],
            "folders beside folders",
        ),
    ] {
        let error = wrong_of(&folder, options);
        assert!(error.contains(why), "{options:?}: {error}");
    }
    // A case without its mask fails, and so does one without the other prediction.
    folder.nifti("masks/case_0.nii.gz", &ball(0));
    let (found, truth, masks) = (folder.text("found"), folder.text("truth"), folder.text("masks"));
    let output = run(["judge", "--classes", "3", "--quiet", "--mask", &masks, &found, &truth]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("case_1.npy: has no mask"), "{errors}");
}

#[test]
fn label_maps_have_error_maps_alone() {
    let folder = data();
    for case in 0..CASES {
        folder.nifti(&format!("labels/case_{case}.nii.gz"), &ball(case));
    }
    let (labels, truth, out) = (folder.text("labels"), folder.text("truth"), folder.text("errors"));
    let fixed = ["judge", "--classes", "3", "--quiet"];
    well(fixed.into_iter().chain(["--error-maps", &out, &labels, &truth]));
    let map = read_labels(folder.path("errors/case_0.nii.gz")).unwrap();
    assert!(map.labels.into_i64().iter().all(|&label| label == 0));
    let risk = folder.text("risk.svg");
    let error = wrong(fixed.into_iter().chain(["--risk-coverage", &risk, &labels, &truth]));
    assert!(error.contains("--risk-coverage is for probabilities"), "{error}");
}
