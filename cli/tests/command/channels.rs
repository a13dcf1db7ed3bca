//! Regions and overlapping structures, against the library.

use ndarray::{Array3, Array4, ArrayD, Axis, s};
use serde_json::Value;
use soft_labels::{Channels, Classes, SoftEncoder, Svls};

use super::{Folder, args, ball, read_npy, run, well, wrong};

const DATASET: &str = r#"{"labels": {"background": 0, "whole": [1, 2], "core": [2], "rim": 1, "ignore": 9}}"#;

/// The regions of [`DATASET`], in its order.
fn regions() -> Channels {
    Channels::regions([[1, 2].as_slice(), &[2], &[1]]).unwrap()
}

fn names(folder: &Folder, file: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(&std::fs::read_to_string(folder.path(file)).unwrap()).unwrap();
    let names = json["channels"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn regions_of_a_data_set() {
    let folder = Folder::new();
    folder.write("dataset.json", DATASET.as_bytes());
    let mut labels = ball(1);
    labels[[0, 0, 0]] = 9;
    folder.npy("labels.npy", &labels.clone().into_dyn());
    let (dataset, out, input) = (
        folder.text("dataset.json"),
        folder.text("soft.npy"),
        folder.text("labels.npy"),
    );
    let encode = |more: &[&str]| {
        let mut all = args(["encode", "--dataset", &dataset, "--overwrite", "--out", &out]);
        all.extend(more.iter().map(|&arg| arg.to_owned()));
        all.push(input.clone());
        well(all)
    };
    let report = encode(&["--channels", "regions"]);
    assert!(report.contains("channels first"), "{report}");
    let classes = Classes::contiguous(3).unwrap().with_ignore(9).unwrap();
    let expected: Array4<f32> = Svls::default()
        .with_channels(regions())
        .encode(&labels, &classes)
        .unwrap();
    assert_eq!(read_npy::<f32>(&folder.path("soft.npy")), expected.clone().into_dyn());
    assert_eq!(names(&folder, "soft.channels.json"), ["whole", "core", "rim"]);

    // Each channel is rounded alone, also where boxes are averaged.
    encode(&["--channels", "regions", "--dtype", "u8"]);
    let exact: Array4<f64> = Svls::default()
        .with_channels(regions())
        .encode(&labels, &classes)
        .unwrap();
    let nearest = |p: f64| (255.0 * p + 0.5).floor() as u8;
    assert_eq!(read_npy::<u8>(&folder.path("soft.npy")), exact.mapv(nearest).into_dyn());
    encode(&["--channels", "regions", "--dtype", "u8", "--scale", "2"]);
    let valid = classes.valid_mask(&labels).unwrap();
    let pooled = soft_labels::pool::average_memberships(&exact, 2, &valid).unwrap();
    assert_eq!(
        read_npy::<u8>(&folder.path("soft.npy")),
        pooled.mapv(nearest).into_dyn()
    );

    encode(&["--regions", "all=1+2,none=0"]);
    assert_eq!(read_npy::<f32>(&folder.path("soft.npy")).len_of(Axis(0)), 2);
    assert_eq!(names(&folder, "soft.channels.json"), ["all", "none"]);

    // A configuration has channels of its own.
    let config = r#"{"method": "svls", "channels": {"regions": [[1, 2], [2], [1]]}}"#;
    folder.write("config.json", config.as_bytes());
    encode(&["--config", &folder.text("config.json")]);
    assert_eq!(read_npy::<f32>(&folder.path("soft.npy")), expected.into_dyn());
    let twice = wrong([
        "encode",
        "--dataset",
        &dataset,
        "--channels",
        "regions",
        "--config",
        &folder.text("config.json"),
        "--out",
        &folder.text("x.npy"),
        &input,
    ]);
    assert!(twice.contains("--config has channels already"), "{twice}");
    let none = wrong([
        "encode",
        "--classes",
        "3",
        "--channels",
        "regions",
        "--out",
        &folder.text("x.npy"),
        &input,
    ]);
    assert!(none.contains("needs --regions"), "{none}");
    let unknown = wrong([
        "encode",
        "--classes",
        "3",
        "--ignore",
        "9",
        "--regions",
        "a=7",
        "--out",
        &folder.text("x.npy"),
        &input,
    ]);
    assert!(unknown.contains("label 7 is none of the 3 classes"), "{unknown}");
}

#[test]
fn regions_are_judged_one_by_one() {
    let folder = Folder::new();
    folder.write("dataset.json", DATASET.as_bytes());
    let (truth, found) = (ball(1), ball(2));
    folder.npy("truth.npy", &truth.clone().into_dyn());
    let classes = Classes::contiguous(3).unwrap();
    let soft: Array4<f32> = Svls::default()
        .with_channels(regions())
        .encode(&found, &classes)
        .unwrap();
    folder.npy("found.npy", &soft.clone().into_dyn());
    let judge = |threshold: &str| -> Value {
        let json = well([
            "judge",
            "--json",
            "--dataset",
            &folder.text("dataset.json"),
            "--channels",
            "regions",
            "--threshold",
            threshold,
            &folder.text("found.npy"),
            &folder.text("truth.npy"),
        ]);
        serde_json::from_str(&json).unwrap()
    };
    let dice = |channel: usize, threshold: f32, labels: &[u8]| {
        let (mut both, mut sum) = (0, 0);
        for (p, label) in soft.index_axis(Axis(0), channel).iter().zip(&truth) {
            let (inside, is) = (*p >= threshold, labels.contains(label));
            both += usize::from(inside && is);
            sum += usize::from(inside) + usize::from(is);
        }
        2.0 * both as f64 / sum as f64
    };
    let json = judge("0.5");
    assert_eq!(json["regions"]["whole"]["dice"], dice(0, 0.5, &[1, 2]));
    assert_eq!(json["regions"]["rim"]["dice"], dice(2, 0.5, &[1]));
    let json = judge("0.5,0.75,0.25");
    assert_eq!(json["regions"]["core"]["dice"], dice(1, 0.75, &[2]));
    assert_eq!(json["regions"]["rim"]["dice"], dice(2, 0.25, &[1]));

    let classes = wrong([
        "judge",
        "--classes",
        "3",
        &folder.text("found.npy"),
        &folder.text("truth.npy"),
    ]);
    assert!(classes.contains("judged one by one"), "{classes}");
}

/// The masks of two cases, which overlap. One structure is empty.
fn masks() -> (Folder, Vec<Array3<u8>>) {
    let folder = Folder::new();
    let whole = ball(1).mapv(|label| u8::from(label > 0));
    let part = ball(1).mapv(|label| u8::from(label == 2));
    let empty = Array3::zeros(whole.raw_dim());
    let masks = vec![part, empty, whole];
    for case in ["one", "two"] {
        for (name, mask) in ["core", "nothing", "whole"].iter().zip(&masks) {
            folder.nifti(&format!("masks/{case}/{name}.nii.gz"), mask);
        }
    }
    (folder, masks)
}

#[test]
fn structures_have_the_soft_labels_of_their_masks() {
    let (folder, masks) = masks();
    let report = well([
        "encode",
        "--structures",
        &folder.text("masks/one"),
        "--out",
        &folder.text("one.npy"),
    ]);
    assert!(report.contains("3 structures"), "{report}");
    assert_eq!(names(&folder, "one.channels.json"), ["core", "nothing", "whole"]);
    let soft: ArrayD<f32> = read_npy(&folder.path("one.npy"));
    for (mask, soft) in masks.iter().zip(soft.axis_iter(Axis(0))) {
        let own: Array4<f32> = Svls::default().encode(mask, &Classes::contiguous(2).unwrap()).unwrap();
        assert_eq!(soft, own.slice(s![1, .., .., ..]).into_dyn());
    }
    well([
        "encode",
        "--quiet",
        "--structures",
        &folder.text("masks"),
        "--format",
        "npy",
        "--out",
        &folder.text("soft/"),
    ]);
    assert_eq!(read_npy::<f32>(&folder.path("soft/two.npy")), soft);
    assert_eq!(names(&folder, "soft/channels.json"), ["core", "nothing", "whole"]);

    // As masks, as one file, and both in folders of cases.
    let judge = |prediction: &str, reference: &str| -> Value {
        let json = well([
            "judge",
            "--json",
            "--quiet",
            "--structures",
            &folder.text(prediction),
            &folder.text(reference),
        ]);
        serde_json::from_str(&json).unwrap()
    };
    // The file has no spacing, the reference has.
    for prediction in ["one.npy", "masks/one"] {
        let json = judge(prediction, "masks/two");
        assert_eq!(json["classes"]["core"]["dice"], 1.0, "{json}");
        assert_eq!(json["classes"]["core"]["hausdorff_mm"], 0.0);
    }
    for prediction in ["soft", "masks"] {
        assert_eq!(judge(prediction, "masks")["cases"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn what_is_no_structure_is_an_error() {
    let (folder, masks) = masks();
    let encode = |folder: &Folder| {
        wrong([
            "encode",
            "--structures",
            &folder.text("masks"),
            "--out",
            &folder.text("x/"),
        ])
    };
    folder.nifti("masks/two/more.nii.gz", &masks[0]);
    let error = encode(&folder);
    assert!(error.contains("one") && error.contains("has no mask more"), "{error}");
    std::fs::remove_file(folder.path("masks/two/more.nii.gz")).unwrap();
    folder.nifti("masks/mask.nii.gz", &masks[0]);
    let error = encode(&folder);
    assert!(error.contains("holds folders, and masks"), "{error}");
    std::fs::remove_file(folder.path("masks/mask.nii.gz")).unwrap();

    let one = folder.text("masks/one");
    folder.nifti("masks/one/core.nii.gz", &ball(1));
    let error = wrong(["encode", "--structures", &one, "--out", &folder.text("x.npy")]);
    assert!(
        error.contains("core.nii.gz") && error.contains("one label beside 0"),
        "{error}"
    );
    let error = wrong([
        "encode",
        "--structures",
        &one,
        "--out",
        &folder.text("x.npy"),
        &folder.text("masks/two/core.nii.gz"),
    ]);
    assert!(error.contains("--structures reads the masks of its folder"), "{error}");
    let error = wrong([
        "encode",
        "--structures",
        &one,
        "--out",
        &folder.text("masks/one/soft.npy"),
    ]);
    assert!(error.contains("soft.npy"), "{error}");
    let missing = run([
        "judge",
        "--structures",
        &folder.text("masks/two"),
        &folder.text("masks"),
    ]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .contains("one: has no prediction")
    );
}

#[test]
fn names_follow_what_is_written() {
    let (folder, input) = (Folder::new(), "labels.npy");
    folder.npy(input, &ball(1).into_dyn());
    let (input, out) = (folder.text(input), folder.text("x.npy"));
    let with = |regions: &str, more: &[&str]| -> Vec<String> {
        let mut all = args(["encode", "--classes", "3", "--out", &out, "--regions", regions]);
        all.extend(more.iter().map(|&arg| arg.to_owned()));
        all.push(input.clone());
        all
    };
    // Nothing is left of a run that failed, and it can be repeated.
    wrong(with("a=1,b=9", &[]));
    assert!(!folder.path("x.channels.json").exists());
    well(with("a=1,b=2", &[]));
    wrong(with("b=2,c=9", &["--overwrite"]));
    assert_eq!(names(&folder, "x.channels.json"), ["a", "b"]);
    well(["encode", "--classes", "3", "--overwrite", "--out", &out, &input]);
    assert!(!folder.path("x.channels.json").exists());

    // A folder is gone on with by the same channels alone.
    let soft = folder.text("soft/");
    let go_on = |regions: &str| {
        [
            "encode",
            "--classes",
            "3",
            "--quiet",
            "--skip-existing",
            "--out",
            &soft,
            "--regions",
            regions,
            &input,
        ]
        .map(str::to_owned)
    };
    well(go_on("a=1,b=2"));
    well(go_on("a=1,b=2"));
    let other = run(go_on("z=1"));
    assert_eq!(other.status.code(), Some(2));
    let error = String::from_utf8(other.stderr).unwrap();
    assert!(error.contains("names other channels"), "{error}");
}

#[test]
fn predictions_are_paired_by_name() {
    let folder = Folder::new();
    folder.npy("truth.npy", &ball(1).into_dyn());
    let (truth, found) = (folder.text("truth.npy"), folder.text("found.npy"));
    well([
        "encode",
        "--classes",
        "3",
        "--regions",
        "whole=1+2,core=2",
        "--out",
        &found,
        &truth,
    ]);
    let judge = |regions: &str, more: &[&str]| -> Vec<String> {
        let mut all = args([
            "judge",
            "--json",
            "--classes",
            "3",
            "--channels",
            "regions",
            "--regions",
            regions,
        ]);
        all.extend(more.iter().map(|&arg| arg.to_owned()));
        all.extend([found.clone(), truth.clone()]);
        all
    };
    let json: Value = serde_json::from_str(&well(judge("core=2,whole=1+2", &[]))).unwrap();
    assert_eq!(json["regions"]["core"]["dice"], 1.0);
    assert_eq!(json["regions"]["whole"]["dice"], 1.0);
    let error = wrong(judge("core=2,other=1", &[]));
    assert!(error.contains("none is called \"other\""), "{error}");
    let error = wrong(judge("core=2", &[]));
    assert!(error.contains("are judged"), "{error}");
    let error = wrong(["judge", "--classes", "3", "--threshold", "0.2", &truth, &truth]);
    assert!(error.contains("--threshold is for"), "{error}");

    // The sparse form, and thresholds in the precision of the file.
    let sparse = folder.text("found.npz");
    well([
        "encode",
        "--classes",
        "3",
        "--regions",
        "whole=1+2,core=2",
        "--sparse",
        "--out",
        &sparse,
        &truth,
    ]);
    let json = well([
        "judge",
        "--json",
        "--classes",
        "3",
        "--channels",
        "regions",
        "--regions",
        "whole=1+2,core=2",
        &sparse,
        &truth,
    ]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["regions"]["core"]["dice"], 1.0);
    std::fs::remove_file(folder.path("found.channels.json")).unwrap();
    let seven = Array4::<f32>::from_elem((1, 9, 12, 7), 0.7);
    folder.npy("found.npy", &seven.into_dyn());
    let json: Value = serde_json::from_str(&well(judge("all=0+1+2", &["--threshold", "0.7"]))).unwrap();
    assert_eq!(json["regions"]["all"]["dice"], 1.0);

    // Masks of 0 and 1 in 8 bits would be nothing at all.
    folder.npy(
        "found.npy",
        &ball(1)
            .mapv(|label| u8::from(label > 0))
            .insert_axis(Axis(0))
            .into_dyn(),
    );
    let error = wrong(judge("whole=1+2", &[]));
    assert!(error.contains("holds 0 and 1 in 8 bits"), "{error}");
}
