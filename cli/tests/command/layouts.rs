//! How the label maps of cases and raters lie on disk.

use ndarray::{Array3, ArrayD};
use soft_labels::{Classes, Svls, multirater};

use super::{Folder, ball, read_npy, run, well, wrong};

fn mean(seeds: &[usize]) -> ArrayD<f32> {
    let maps: Vec<Array3<u8>> = seeds.iter().map(|&seed| ball(seed)).collect();
    let views: Vec<_> = maps.iter().map(|map| map.view().into_dyn()).collect();
    multirater::average(&Svls::default(), &views, &Classes::contiguous(3).unwrap()).unwrap()
}

/// Each case is a folder with the files of its raters, of which there may be more in one than in another.
#[test]
fn raters_in_the_folder_of_a_case() {
    let folder = Folder::new();
    for (case, seeds) in [("case_1", vec![1, 2, 3]), ("case_2", vec![4, 5])] {
        for (rater, seed) in seeds.into_iter().enumerate() {
            folder.npy(&format!("data/{case}/task01_seg{rater:02}.npy"), &ball(seed).into_dyn());
            folder.npy(&format!("data/{case}/task02_seg{rater:02}.npy"), &ball(9).into_dyn());
        }
        folder.write(&format!("data/{case}/image.nii.gz"), b"");
    }
    folder.write("data/notes/readme.txt", b"");
    let (data, pattern) = (folder.text("data"), folder.text("data/case_*"));
    let cases = [folder.text("data/case_1"), folder.text("data/case_2")];
    let fixed = ["encode", "--classes", "3", "--rater-files", "task01_seg*.npy", "--out"];
    for (out, inputs) in [("a", vec![&data]), ("b", vec![&pattern]), ("c", cases.iter().collect())] {
        let out = folder.text(out);
        well(
            fixed
                .iter()
                .copied()
                .chain([out.as_str()])
                .chain(inputs.into_iter().map(String::as_str)),
        );
        let read = |case: &str| read_npy::<f32>(&std::path::Path::new(&out).join(case));
        assert_eq!(read("case_1.npy"), mean(&[1, 2, 3]));
        assert_eq!(read("case_2.npy"), mean(&[4, 5]));
    }
    well([
        "fuse",
        "--classes",
        "3",
        "--rater-files",
        "task01*",
        "--out",
        &folder.text("votes"),
        &data,
    ]);
    assert_eq!(folder.names("votes"), ["case_1.npy", "case_2.npy"]);
    // One case may go to one file.
    let one = folder.text("one.npy");
    well(fixed.iter().copied().chain([one.as_str(), &cases[1]]));
    assert_eq!(read_npy::<f32>(one.as_ref()), mean(&[4, 5]));
    let error = |inputs: &[&str]| wrong(fixed.iter().copied().chain(inputs.iter().copied()));
    assert!(error(&[&one, &data]).contains("2 cases"));
    assert!(error(&[&folder.text("d"), &folder.text("data/notes")]).contains("has no task01_seg*.npy"));
    assert!(error(&[&folder.text("d"), &one]).contains("is no folder"));
    assert!(error(&[&folder.text("data/soft"), &data]).contains("is an input, too"));
}

/// Files of one name in folders of their own are cases that are called as their folders are.
#[test]
fn cases_are_named_by_their_folders() {
    let folder = Folder::new();
    for seed in 1..4 {
        folder.npy(&format!("data/case_{seed}/segmentation.npy"), &ball(seed).into_dyn());
    }
    let pattern = folder.text("data/case_*/segmentation.npy");
    let files = [1, 2, 3].map(|seed| folder.text(&format!("data/case_{seed}/segmentation.npy")));
    well(["encode", "--classes", "3", "--out", &folder.text("a"), &pattern]);
    let out = folder.text("b");
    well(
        ["encode", "--classes", "3", "--out", &out]
            .into_iter()
            .chain(files.iter().map(String::as_str)),
    );
    for out in ["a", "b"] {
        assert_eq!(folder.names(out), ["case_1.npy", "case_2.npy", "case_3.npy"]);
        assert_eq!(read_npy::<f32>(&folder.path(out).join("case_2.npy")), mean(&[2]));
    }
    // An unquoted pattern for one result is no mean of cases.
    let one = folder.text("one.npy");
    let args = ["encode", "--classes", "3", "--out", &one].into_iter();
    let error = wrong(args.chain(files.iter().map(String::as_str)));
    assert!(
        error.contains("3 files are given for one result") && error.contains("--raters"),
        "{error}"
    );
}

/// Files that nobody called a rater's are not averaged.
#[test]
fn structures_and_cases_are_no_raters() {
    let folder = Folder::new();
    for name in [
        "liver", "spleen", "case_1", "case_2", "rater_1", "rater_2", "x_seg01", "x_seg02",
    ] {
        folder.npy(&format!("{name}.npy"), &ball(name.len()).into_dyn());
    }
    folder.npy("expert1/x.npy", &ball(1).into_dyn());
    folder.npy("expert2/x.npy", &ball(2).into_dyn());
    let path = |name: &str| folder.text(&format!("{name}.npy"));
    let out = path("out");
    for command in ["encode", "fuse"] {
        let fixed = [command, "--classes", "3", "--overwrite", "--out", &out];
        let with = |more: &[&str]| -> Vec<String> { fixed.iter().chain(more).map(|&arg| arg.to_owned()).collect() };
        for pair in [["liver", "spleen"], ["case_1", "case_2"], ["rater_1", "case_2"]] {
            let [a, b] = pair.map(path);
            let error = wrong(with(&[&a, &b]));
            assert!(
                error.contains("does not look like a rater's") && error.contains("--raters FILE"),
                "{error}"
            );
            assert!(!folder.path("out.npy").exists());
            well(with(&["--raters", &a, &b]));
            std::fs::remove_file(&out).unwrap();
        }
        for pair in [
            ["rater_1", "rater_2"],
            ["x_seg01", "x_seg02"],
            ["expert1/x", "expert2/x"],
        ] {
            let [a, b] = pair.map(path);
            well(with(&[&a, &b]));
            std::fs::remove_file(&out).unwrap();
        }
    }
}

/// Numbered objects are one class.
#[test]
fn foreground() {
    let folder = Folder::new();
    let numbered = ndarray::Array2::from_shape_fn((8, 9), |(y, x)| match (y, x) {
        (0, _) => 255_u16,
        (2..=3, 1..=2) => 1,
        (5..=6, 2..=4) => 300,
        _ => 0,
    });
    let one = numbered.mapv(|label| if label == 300 { 1 } else { label });
    folder.npy("numbered.npy", &numbered.into_dyn());
    folder.npy("one.npy", &one.into_dyn());
    let encode = |out: &str, input: &str, more: &[&str]| {
        let (out, input) = (folder.text(out), folder.text(input));
        let args = ["encode", "--classes", "2", "--ignore", "255", "--out", &out, &input];
        well(args.iter().chain(more));
    };
    encode("a.npy", "numbered.npy", &["--foreground", "1"]);
    encode("b.npy", "one.npy", &[]);
    assert_eq!(
        read_npy::<f32>(&folder.path("a.npy")),
        read_npy::<f32>(&folder.path("b.npy"))
    );
    #[cfg(feature = "zarr")]
    {
        encode("a.zarr", "numbered.npy", &["--foreground", "1"]);
        encode("b.zarr", "one.npy", &[]);
        let chunk = |name: &str| std::fs::read(folder.path(name).join("c/0/0/0")).unwrap();
        assert_eq!(chunk("a.zarr"), chunk("b.zarr"));
    }
    let out = run([
        "encode",
        "--classes",
        "2",
        "--foreground",
        "0",
        "--out",
        "x.npy",
        "y.npy",
    ]);
    assert_eq!(out.status.code(), Some(2));
}
