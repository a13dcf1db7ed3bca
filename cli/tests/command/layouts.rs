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
    // Folders of cases match a pattern of files in vain.
    folder.npy("other/case_3/seg1.npy", &ball(1).into_dyn());
    let (other, out) = (folder.text("other"), folder.text("all"));
    well(["fuse", "--classes", "3", "--rater-files", "*", "--out", &out, &other]);
    assert_eq!(folder.names("all"), ["case_3.npy"]);
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

/// A picture of 4 x 3 pixels in colours.
fn picture(folder: &Folder, name: &str, alpha: bool, colors: &[[u8; 3]; 12]) {
    let bytes: Vec<u8> = colors
        .iter()
        .flat_map(|color| color.iter().copied().chain(alpha.then_some(9)))
        .collect();
    let file = std::fs::File::create(folder.path(name)).unwrap();
    if name.ends_with(".png") {
        let mut encoder = png::Encoder::new(file, 4, 3);
        encoder.set_color(if alpha {
            png::ColorType::Rgba
        } else {
            png::ColorType::Rgb
        });
        encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    } else {
        let mut encoder = tiff::encoder::TiffEncoder::new(file).unwrap();
        if alpha {
            encoder
                .write_image::<tiff::encoder::colortype::RGBA8>(4, 3, &bytes)
                .unwrap();
        } else {
            encoder
                .write_image::<tiff::encoder::colortype::RGB8>(4, 3, &bytes)
                .unwrap();
        }
    }
}

/// Pictures whose colours are classes.
#[test]
fn colours_of_a_palette() {
    let folder = Folder::new();
    let (road, sky, tree) = ([128, 64, 128], [70, 130, 180], [0, 100, 0]);
    let colors = [road, road, sky, sky, road, tree, tree, sky, road, tree, tree, tree];
    let labels = colors.map(|color| [road, sky, tree].iter().position(|&known| known == color).unwrap() as u8);
    folder.npy(
        "labels.npy",
        &ArrayD::from_shape_vec(vec![3, 4], labels.to_vec()).unwrap(),
    );
    folder.write(
        "colours.csv",
        b"name,r,g,b\nroad,128,64,128\nsky,70,130,180\n\"a, tree\",0,100,0\n",
    );
    folder.write(
        "colours.json",
        br#"[{"name": "road", "r": 128, "g": 64, "b": 128}, {"name": "sky", "r": 70, "g": 130, "b": 180},
            {"name": "tree", "r": 0, "g": 100, "b": 0}]"#,
    );
    let expected = folder.text("expected.npy");
    well([
        "encode",
        "--classes",
        "3",
        "--out",
        &expected,
        &folder.text("labels.npy"),
    ]);
    folder.write(
        "by_name.json",
        br#"{"road": [128, 64, 128], "sky": [70, 130, 180], "a tree": [0, 100, 0]}"#,
    );
    for (name, alpha) in [("a.png", false), ("b.png", true), ("a.tif", false), ("b.tif", true)] {
        picture(&folder, name, alpha, &colors);
        for palette in ["colours.csv", "colours.json", "by_name.json"] {
            let [input, palette, out] = [name, palette, "out.npy"].map(|name| folder.text(name));
            well(["encode", "--palette", &palette, "--overwrite", "--out", &out, &input]);
            assert_eq!(read_npy::<f32>(out.as_ref()), read_npy::<f32>(expected.as_ref()));
            let text = well(["judge", "--palette", &palette, &out, &input]);
            assert!(text.contains("sky") && text.contains("tree"), "{text}");
            well(["judge", "--palette", &palette, &input, &input]);
        }
    }
    let (palette, out) = (folder.text("colours.csv"), folder.text("new.npy"));
    let picture_png = folder.text("picture.png");
    well([
        "show",
        "--palette",
        &palette,
        "--out",
        &picture_png,
        &folder.text("a.png"),
    ]);
    let mut wrong_colors = colors;
    wrong_colors[6] = [1, 2, 3];
    picture(&folder, "wrong.png", false, &wrong_colors);
    let error = wrong([
        "encode",
        "--palette",
        &palette,
        "--out",
        &out,
        &folder.text("wrong.png"),
    ]);
    assert!(error.contains("1, 2, 3 at pixel [1, 2]"), "{error}");
    for text in [
        "a,1,2,3\na,4,5,6",
        "a,1,2,3\nb,1,2,3",
        "a,1,2,300\nb,1,2,400",
        "",
        "[",
        r#"{"a": [1, 2]}"#,
    ] {
        folder.write("bad", text.as_bytes());
        wrong([
            "encode",
            "--palette",
            &folder.text("bad"),
            "--out",
            &out,
            &folder.text("a.png"),
        ]);
    }
    // The palette is an input, too.
    std::fs::copy(&palette, folder.path("palette.npy")).unwrap();
    let palette = folder.text("palette.npy");
    let error = wrong([
        "encode",
        "--palette",
        &palette,
        "--overwrite",
        "--out",
        &palette,
        &folder.text("a.png"),
    ]);
    assert!(error.contains("is an input, too"), "{error}");
}
