//! Files as other programs write them, and where their voxels are.

use ndarray::{Array3, Array4, ArrayD};
use nifti::writer::WriterOptions;

use super::{Folder, ball, read_npy, run, well, wrong};

/// A label map (x, y, z) that is moved along x by so many voxels.
fn placed(folder: &Folder, name: &str, labels: &Array3<u8>, moved: f32) {
    let header = nifti::NiftiHeader {
        pixdim: [1.0, 0.5, 1.0, 2.5, 1.0, 1.0, 1.0, 1.0],
        sform_code: 1,
        srow_x: [0.5, 0.0, 0.0, 7.0 + 0.5 * moved],
        srow_y: [0.0, 1.0, 0.0, -3.0],
        srow_z: [0.0, 0.0, 2.5, 4.0],
        ..nifti::NiftiHeader::default()
    };
    let options = WriterOptions::new(folder.path(name));
    options.reference_header(&header).write_nifti(labels).unwrap();
}

#[test]
fn raters_are_the_last_axis_of_nifti() {
    let folder = Folder::new();
    let maps: Vec<_> = (0..3).map(ball).collect();
    let stack = Array4::from_shape_fn((9, 12, 7, 3), |(x, y, z, rater)| maps[rater][[x, y, z]]);
    WriterOptions::new(folder.path("stack.nii.gz"))
        .write_nifti(&stack)
        .unwrap();
    for (rater, map) in maps.iter().enumerate() {
        folder.npy(&format!("rater_{rater}.npy"), &map.clone().into_dyn());
    }
    let path = |name: &str| folder.text(name);
    well([
        "encode",
        "--classes",
        "3",
        "--stacked-raters",
        "--out",
        &path("a.npy"),
        &path("stack.nii.gz"),
    ]);
    well([
        "encode",
        "--classes",
        "3",
        "--out",
        &path("b.npy"),
        &path("rater_0.npy"),
        &path("rater_1.npy"),
        &path("rater_2.npy"),
    ]);
    let soft: ArrayD<f32> = read_npy(&folder.path("a.npy"));
    assert_eq!(soft.shape(), [3, 9, 12, 7]);
    assert_eq!(soft, read_npy::<f32>(&folder.path("b.npy")));
    well([
        "show",
        "--classes",
        "3",
        "--stacked-raters",
        "--out",
        &path("a.png"),
        &path("stack.nii.gz"),
    ]);
    folder.nifti("one.nii", &ball(0));
    for command in ["encode", "fuse"] {
        let error = wrong([
            command,
            "--classes",
            "3",
            "--stacked-raters",
            "--out",
            &path("c.npy"),
            &path("one.nii"),
        ]);
        assert!(
            error.contains("[9, 12, 7]") && error.contains("(x, y, z, rater)"),
            "{error}"
        );
    }
}

#[test]
fn every_pair_of_inputs_is_compared() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(0).into_dyn());
    placed(&folder, "b.nii.gz", &ball(1), 0.0);
    placed(&folder, "c.nii.gz", &ball(2), 0.09);
    placed(&folder, "d.nii.gz", &ball(2), 3.0);
    let [a, b, near, far, out] = ["a.npy", "b.nii.gz", "c.nii.gz", "d.nii.gz", "out.npy"].map(|name| folder.text(name));
    well(["encode", "--classes", "3", "--out", &out, &a, &b, &near]);
    let picture = folder.text("out.png");
    for command in [
        &["encode", "--classes", "3", "--overwrite", "--out", &out, &a, &b, &far][..],
        &["fuse", "--classes", "3", "--overwrite", "--out", &out, &a, &b, &far],
        &["show", "--classes", "3", "--overwrite", "--out", &picture, &a, &b, &far],
        &["judge", "--classes", "3", &far, &b],
    ] {
        let error = wrong(command);
        assert!(error.contains("lie 3.00 voxels apart"), "{error}");
        assert!(error.contains("b.nii.gz") && error.contains("d.nii.gz"), "{error}");
        let output = run([command, &["--same-grid"]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        let warning = String::from_utf8(output.stderr).unwrap();
        assert!(warning.contains("lie 3.00 voxels apart"), "{warning}");
    }
}

#[test]
fn a_foreground_is_two_classes() {
    let folder = Folder::new();
    let labels = ball(0).mapv(|label| u8::from(label > 0));
    let p = labels.mapv(|label| 0.1 + 0.8 * f32::from(label));
    folder.npy("labels.npy", &labels.clone().into_dyn());
    folder.npy("p.npy", &p.clone().into_dyn());
    folder.npy("one.npy", &p.insert_axis(ndarray::Axis(0)).into_dyn());
    let [labels, p, one] = ["labels.npy", "p.npy", "one.npy"].map(|name| folder.text(name));
    for prediction in [&p, &one] {
        let text = well(["judge", "--classes", "2", "--json", prediction, &labels]);
        assert!(text.contains("\"dice\": 1.0") && text.contains("0.1"), "{text}");
    }
    let error = wrong(["judge", "--classes", "3", &p, &labels]);
    assert!(error.contains("probability of a foreground"), "{error}");
}

#[test]
fn predictions_as_they_are_written() {
    let folder = Folder::new();
    folder.nifti("labels.nii.gz", &ball(0));
    let labels = folder.text("labels.nii.gz");
    let mut texts = Vec::new();
    for (name, dtype) in [
        ("a.npy", "f32"),
        ("b.npy", "f16"),
        ("c.nii.gz", "u8"),
        ("d.npy", "u8"),
        ("e.nii", "f32"),
    ] {
        let out = folder.text(name);
        well(["encode", "--classes", "3", "--dtype", dtype, "--out", &out, &labels]);
        texts.push(well([
            "judge",
            "--classes",
            "3",
            "--scope",
            "foreground",
            &out,
            &labels,
        ]));
    }
    assert!(
        texts
            .iter()
            .all(|text| text.contains("NLL") || text.lines().count() > 8),
        "{}",
        texts[0]
    );
    assert_eq!(texts[0], texts[4]);
    assert_eq!(texts[2], texts[3]);
}
