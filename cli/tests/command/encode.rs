use half::f16;
use ndarray::{Array4, ArrayD, Axis, Ix3, s};
use ndarray_npy::NpzReader;
use nifti::{IntoNdArray, NiftiObject, ReaderOptions};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Classes, OneHot, Raters, SoftEncoder, Svls, multirater};

use super::{Folder, args, ball, read_npy, run, well, wrong};

fn classes() -> Classes {
    Classes::contiguous(3).unwrap()
}

fn svls(seed: usize) -> Array4<f32> {
    Svls::default().encode(&ball(seed), &classes()).unwrap()
}

/// 20 cases, five of them broken: those are named, the others are made.
#[test]
fn a_folder_with_broken_files() {
    let folder = Folder::new();
    for case in 0..15 {
        folder.nifti(&format!("in/case_{case:02}.nii.gz"), &ball(case));
    }
    folder.npy("in/e_label.npy", &ArrayD::from_elem(vec![4, 4, 4], 9_u8));
    folder.npy("in/e_floats.npy", &ArrayD::from_elem(vec![4, 4, 4], 0.5_f32));
    folder.write("in/e_empty.nii.gz", b"");
    folder.write("in/e_text.png", b"no picture");
    let whole = std::fs::read(folder.path("in/case_00.nii.gz")).unwrap();
    folder.write("in/e_cut.nii.gz", &whole[..whole.len() / 2]);
    folder.write("in/notes.txt", b"not a label map");

    let (input, out) = (folder.text("in"), folder.text("out"));
    let output = run(["encode", "--classes", "3", "--out", &out, &input]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    for broken in ["e_label", "e_floats", "e_empty", "e_text", "e_cut"] {
        assert!(
            errors
                .lines()
                .any(|line| line.starts_with(&format!("soft-labels: {broken}: "))),
            "{errors}"
        );
    }
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("15 of 20 cases written, 5 failed")
    );
    let expected: Vec<_> = (0..15).map(|case| format!("case_{case:02}.nii.gz")).collect();
    assert_eq!(folder.names("out"), expected);
    for case in 0..15 {
        let object = ReaderOptions::new()
            .read_file(folder.path(&format!("out/case_{case:02}.nii.gz")))
            .unwrap();
        assert_eq!(object.header().srow_z, [0.0, 0.0, 2.5, 4.0]);
        let soft = object.into_volume().into_ndarray::<f32>().unwrap();
        assert_eq!(soft.permuted_axes(vec![3, 0, 1, 2]), svls(case).into_dyn());
    }

    // Nothing is replaced unless told.
    assert!(wrong(["encode", "--classes", "3", "--out", &out, &input]).contains("--overwrite"));
    let output = run([
        "encode",
        "--classes",
        "3",
        "--overwrite",
        "--quiet",
        "--out",
        &out,
        &input,
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 5);
}

/// What is there stays, and only the rest is written.
#[test]
fn a_folder_goes_on() {
    let folder = Folder::new();
    for seed in 0..3 {
        folder.npy(&format!("in/{seed}.npy"), &ball(seed).into_dyn());
    }
    folder.write("out/1.npy", b"from before");
    let (input, out) = (folder.text("in"), folder.text("out"));
    let error = wrong(["encode", "--classes", "3", "--out", &out, &input]);
    assert!(error.contains("--skip-existing"), "{error}");
    let output = run(["encode", "--classes", "3", "--skip-existing", "--out", &out, &input]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(errors.contains("1 of 3 outputs exist already"), "{errors}");
    assert_eq!(folder.names("out"), ["0.npy", "1.npy", "2.npy"]);
    assert_eq!(std::fs::read(folder.path("out/1.npy")).unwrap(), b"from before");
    assert_eq!(read_npy::<f32>(&folder.path("out/2.npy")), svls(2).into_dyn());
}

/// Names that are more likely mistyped than meant.
#[test]
fn mistyped_names() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(0).into_dyn());
    let input = folder.text("a.npy");
    let error = wrong([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("soft.nii.gzz"),
        &input,
    ]);
    assert!(error.contains("unknown ending"), "{error}");
    let missing = folder.text("b.npy");
    let error = wrong([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("soft"),
        &input,
        &missing,
    ]);
    assert!(error.contains("b.npy: there is no such file"), "{error}");
    assert_eq!(folder.names("."), ["a.npy"]);
    let error = wrong([
        "encode",
        "--classes",
        "3",
        "--jobs",
        "1000000000",
        "--out",
        "x.npy",
        &input,
    ]);
    assert!(error.contains("1000000000"), "{error}");
}

/// An error about one of several raters names that rater's file.
#[test]
fn a_bad_label_is_told_with_its_file() {
    let folder = Folder::new();
    let mut bad = ball(0);
    bad[[1, 2, 3]] = 9;
    folder.npy("rater_1.npy", &ball(0).into_dyn());
    folder.npy("rater_2.npy", &bad.into_dyn());
    let files = [folder.text("rater_1.npy"), folder.text("rater_2.npy")];
    for command in ["encode", "fuse"] {
        let error = wrong([
            command,
            "--classes",
            "3",
            "--out",
            &folder.text("out.npy"),
            &files[0],
            &files[1],
        ]);
        assert!(error.contains("rater_2.npy: label 9 at voxel [1, 2, 3] is"), "{error}");
        assert!(error.contains("--values or --ignore"), "{error}");
    }
}

#[test]
fn raters_in_folders() {
    let folder = Folder::new();
    for (rater, seeds) in [("rater_1", [1, 2, 3]), ("rater_2", [4, 5, 6])] {
        for (case, seed) in ["a", "b", "c"].iter().zip(seeds) {
            if (rater, *case) != ("rater_2", "b") {
                folder.npy(&format!("{rater}/{case}.npy"), &ball(seed).into_dyn());
            }
        }
    }
    let (first, second) = (folder.text("rater_1"), folder.text("rater_2"));
    let encode = |out: &str, more: &[&str]| {
        let mut all = args(["encode", "--classes", "3", "--quiet", "--out"]);
        all.push(folder.text(out));
        all.extend(more.iter().map(|&arg| arg.to_owned()));
        all.extend(["--raters".to_owned(), first.clone(), second.clone()]);
        all
    };
    let error = wrong(encode("none", &[]));
    assert!(error.contains("rater_2 has no case b"), "{error}");
    assert!(!folder.path("none").exists());

    well(encode("skipped", &["--missing", "skip"]));
    assert_eq!(folder.names("skipped"), ["a.npy", "c.npy"]);

    well(encode("weighted", &["--missing", "others", "--rater-weights", "1,3"]));
    assert_eq!(folder.names("weighted"), ["a.npy", "b.npy", "c.npy"]);
    let (first, second) = (ball(1), ball(4));
    let both = [first.view(), second.view()];
    let expected: Array4<f32> = multirater::weighted_average(&Svls::default(), &both, &[1.0, 3.0], &classes()).unwrap();
    assert_eq!(read_npy::<f32>(&folder.path("weighted/a.npy")), expected.into_dyn());
    assert_eq!(read_npy::<f32>(&folder.path("weighted/b.npy")), svls(2).into_dyn());
    assert!(wrong(encode("none", &["--rater-weights", "1", "--missing", "skip"])).contains("2 raters"));
}

/// Patterns that no shell expanded, files of several raters, and files of several cases.
#[test]
fn patterns_and_files() {
    let folder = Folder::new();
    for seed in 0..3 {
        folder.npy(&format!("in/{seed}.npy"), &ball(seed).into_dyn());
    }
    let file = |seed: usize| folder.text(&format!("in/{seed}.npy"));
    well([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("out"),
        &folder.text("in/*.npy"),
    ]);
    well([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("two/"),
        &file(0),
        &file(2),
    ]);
    assert_eq!(
        (folder.names("out").len(), folder.names("two")),
        (3, args(["0.npy", "2.npy"]))
    );
    well([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("raters.npy"),
        "--raters",
        &file(0),
        &file(2),
    ]);
    let (first, second) = (ball(0), ball(2));
    let views = [first.view(), second.view()];
    let expected: Array4<f32> = multirater::average(&Svls::default(), &views, &classes()).unwrap();
    assert_eq!(read_npy::<f32>(&folder.path("raters.npy")), expected.into_dyn());
    assert!(
        wrong([
            "encode",
            "--classes",
            "3",
            "--out",
            &folder.text("one.npy"),
            &folder.text("in")
        ])
        .contains("3 cases")
    );
    let error = wrong([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("none"),
        &folder.text("in/*.tif"),
    ]);
    assert!(error.contains("no such file"), "{error}");
}

/// Types of 8 and 16 bits, whole and in a window.
#[test]
fn narrow_types() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(3).mapv(u16::from).into_dyn());
    let exact: Array4<f64> = Svls::default().encode(&ball(3), &classes()).unwrap();
    let encode = |dtype: &str, window: &str| {
        let out = folder.text(&format!("{dtype}.npy"));
        let window = if window.is_empty() {
            vec![]
        } else {
            vec!["--window", window]
        };
        let fixed = [
            "encode",
            "--classes",
            "3",
            "--overwrite",
            "--dtype",
            dtype,
            "--out",
            &out,
        ];
        well(fixed.into_iter().chain(window).chain([folder.text("a.npy").as_str()]));
        out
    };
    let rounded: Array4<f16> = Svls::default().encode(&ball(3), &classes()).unwrap();
    let bytes = std::fs::read(encode("f16", "")).unwrap();
    let values = bytes[bytes.len() - 2 * rounded.len()..]
        .as_chunks()
        .0
        .iter()
        .map(|&bytes| f16::from_le_bytes(bytes));
    assert!(values.eq(rounded.iter().copied()));

    for (window, part) in [("", exact.view()), ("2:9,1:12,0:7", exact.slice(s![.., 2.., 1.., ..]))] {
        let parts = read_npy::<u8>(encode("u8", window).as_ref());
        assert_eq!(parts.shape(), part.shape());
        for (parts, exact) in parts.lanes(Axis(0)).into_iter().zip(part.lanes(Axis(0))) {
            assert_eq!(parts.iter().map(|&part| u32::from(part)).sum::<u32>(), 255);
            assert!(
                parts
                    .iter()
                    .zip(exact)
                    .all(|(&part, exact)| (f64::from(part) - 255.0 * exact).abs() < 1.0)
            );
        }
    }
    // The annotated class remains the largest, in specks, too.
    let parts = read_npy::<u8>(encode("u8", "").as_ref());
    for (parts, &label) in parts.lanes(Axis(0)).into_iter().zip(&ball(3)) {
        assert!(parts.iter().all(|&part| part <= parts[usize::from(label)]));
    }
}

#[test]
fn sparse_form() {
    let folder = Folder::new();
    folder.npy("in/a.npy", &ball(5).into_dyn());
    well([
        "encode",
        "--classes",
        "3",
        "--sparse",
        "--out",
        &folder.text("out"),
        &folder.text("in"),
    ]);
    let mut npz = NpzReader::new(std::fs::File::open(folder.path("out/a.npz")).unwrap()).unwrap();
    let labels = ball(5);
    let expected: SparseLabels<f32, Ix3> = sparse::encode(&Svls::default(), &labels, &classes()).unwrap();
    let parts = expected.parts();
    let class: ndarray::Array3<u16> = npz.by_name("class").unwrap();
    assert!(class.shape() == labels.shape() && class.iter().eq(parts.class));
    let uncertain: ndarray::Array1<u64> = npz.by_name("uncertain").unwrap();
    assert!(
        uncertain.iter().eq(parts
            .uncertain
            .iter()
            .map(|&voxel| voxel as u64)
            .collect::<Vec<_>>()
            .iter())
    );
    let probability: ndarray::Array1<f32> = npz.by_name("pair_probability").unwrap();
    assert!(probability.iter().eq(parts.pair_probability));
    assert!(
        wrong([
            "encode",
            "--classes",
            "3",
            "--sparse",
            "--out",
            &folder.text("a.npy"),
            &folder.text("in")
        ])
        .contains(".npz")
    );
}

/// A stack of grey pages, of one byte and of one bit.
#[test]
fn tiff_stacks() {
    use tiff::encoder::{TiffEncoder, colortype::Gray8};
    let folder = Folder::new();
    let labels = ball(2);
    let mut encoder = TiffEncoder::new(std::fs::File::create(folder.path("a.tif")).unwrap()).unwrap();
    for page in labels.outer_iter() {
        encoder.write_image::<Gray8>(7, 12, page.as_slice().unwrap()).unwrap();
    }
    drop(encoder);
    well([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("a.npy"),
        &folder.text("a.tif"),
    ]);
    assert_eq!(read_npy::<f32>(&folder.path("a.npy")), svls(2).into_dyn());
}

/// nnU-Net's names, regions and ignore label; and the older layout.
#[test]
fn dataset_json() {
    let folder = Folder::new();
    folder.write(
        "new.json",
        br#"{"labels": {"background": 0, "edema": 2, "whole": [2, 3], "ignore": 4}, "numTraining": 3}"#,
    );
    folder.write(
        "old.json",
        br#"{"labels": {"0": "background", "1": "Anterior", "2": "Posterior"}}"#,
    );
    folder.npy(
        "four.npy",
        &ball(1).mapv(|label| [0_u8, 2, 3][usize::from(label)]).into_dyn(),
    );
    well([
        "encode",
        "--dataset",
        &folder.text("new.json"),
        "--out",
        &folder.text("a.npy"),
        &folder.text("four.npy"),
    ]);
    assert_eq!(read_npy::<f32>(&folder.path("a.npy")), svls(1).into_dyn());
    folder.npy("three.npy", &ball(1).into_dyn());
    well([
        "encode",
        "--dataset",
        &folder.text("old.json"),
        "--out",
        &folder.text("b.npy"),
        &folder.text("three.npy"),
    ]);
    assert_eq!(read_npy::<f32>(&folder.path("b.npy")), svls(1).into_dyn());
    for broken in [
        "{",
        "{}",
        r#"{"labels": {"a": "b"}}"#,
        r#"{"labels": {"a": 0, "b": 0}}"#,
        r#"{"labels": {"a": [0.5]}}"#,
    ] {
        folder.write("broken.json", broken.as_bytes());
        let error = wrong([
            "encode",
            "--dataset",
            &folder.text("broken.json"),
            "--out",
            &folder.text("c.npy"),
            &folder.text("three.npy"),
        ]);
        assert!(error.contains("broken.json"), "{error}");
    }
}

/// One-hot labels of a case of one rater are the raters' shares.
#[test]
fn stacked_raters() {
    let folder = Folder::new();
    let (first, second) = (ball(1), ball(2));
    let stack = ndarray::stack(Axis(0), &[first.view(), second.view()]).unwrap();
    folder.npy("in/a.npy", &stack.into_dyn());
    let out = folder.text("out");
    well([
        "encode",
        "--classes",
        "3",
        "--stacked-raters",
        "--method",
        "one-hot",
        "--out",
        &out,
        &folder.text("in"),
    ]);
    let raters = Raters::new(&[first.view(), second.view()]).unwrap();
    let mut expected = Array4::<f32>::zeros((3, 9, 12, 7));
    OneHot
        .encode_raters_window_into(&raters, &classes(), &[0..9, 0..12, 0..7], &mut expected)
        .unwrap();
    assert_eq!(read_npy::<f32>(&folder.path("out/a.npy")), expected.into_dyn());
}

/// The radius follows from sigma, which follows from the spacing in the header.
#[test]
fn truncate() {
    let folder = Folder::new();
    folder.npy("in.npy", &ball(1).into_dyn());
    folder.nifti("in.nii.gz", &ball(1));
    let encode = |input: &str, out: &str, more: &[&str]| {
        let (input, out) = (folder.text(input), folder.text(out));
        well(["encode", "--classes", "3", "--out", &out, &input].iter().chain(more));
        read_npy::<f32>(&folder.path(out.as_ref()))
    };
    let truncated = encode("in.npy", "a.npy", &["--sigma", "0.8,1,1.5", "--truncate", "2"]);
    let given = encode("in.npy", "b.npy", &["--sigma", "0.8,1,1.5", "--radius", "2,2,3"]);
    assert_eq!(truncated, given);
    let millimetres = ["--sigma-mm", "2", "--truncate", "1.5"];
    let of_header = encode("in.nii.gz", "c.npy", &millimetres);
    folder.write(
        "svls.json",
        br#"{"method": "svls", "sigma_mm": 2, "spacing_mm": [1, 1, 2.5], "truncate": 1.5}"#,
    );
    let spaced = encode("in.nii.gz", "d.npy", &["--config", &folder.text("svls.json")]);
    assert_eq!(of_header, spaced);

    let (input, out) = (folder.text("in.npy"), folder.text("none.npy"));
    for (more, why) in [
        (
            &["--truncate", "2", "--radius", "2"][..],
            "radius and truncate are given; give one of them",
        ),
        (
            &["--truncate", "0"],
            "truncate is 0; it must be finite and greater than 0",
        ),
        (&["--truncate", "nan"], "it has to be finite"),
        (&["--sigma", "1,inf,1"], "it has to be finite"),
        (&["--truncate", "1e9"], "too large"),
        (
            &["--method", "one-hot", "--truncate", "2"],
            "one_hot has no truncate; leave it out",
        ),
        (
            &["--method", "ls", "--sigma", "2"],
            "label_smoothing has no sigma; leave it out",
        ),
        (&["--alpha", "0.2"], "svls has no alpha; leave it out"),
        (
            &["--sigma-mm", "2"],
            "--sigma-mm needs the voxel spacing; give --spacing-mm",
        ),
        (&["--config", "a.json", "--truncate", "2"], "cannot be used with"),
        (&["--config", "a.json", "--method", "ls"], "cannot be used with"),
    ] {
        let arguments = ["encode", "--classes", "3", "--out", &out, &input];
        let error = wrong(arguments.iter().chain(more));
        assert!(error.contains(why), "{more:?}: {error}");
    }
}
