//! Both experiments on real images, on tiny folders in the layouts of the published data.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use ndarray::{Array2, Array3, Array4};
use nifti::writer::WriterOptions;
use nifti::{IntoNdArray, NiftiObject, ReaderOptions};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_soft-labels-experiment"))
        .args(args)
        .output()
        .unwrap()
}

/// Two structures, one after the other, in a bright ellipsoid.
fn hippocampus(folder: &Path) {
    for kind in ["imagesTr", "labelsTr"] {
        fs::create_dir_all(folder.join(kind)).unwrap();
    }
    for case in 0..12 {
        let shape = [25 + case % 3, 34, 24];
        let labels = Array3::from_shape_fn(shape, |(x, y, z)| {
            let distance = [(x, 12, 5.0), (y, 15 + case % 4, 9.0), (z, 12, 5.0)]
                .map(|(at, center, radius)| ((at as f32 - center as f32) / radius).powi(2));
            let inside = distance.iter().sum::<f32>() < 1.0;
            u8::from(inside) + u8::from(inside && y > 15)
        });
        let image = labels.map(|&label| 100.0 + 50.0 * f32::from(label));
        let name = format!("hippocampus_{case:03}.nii.gz");
        let write = |kind: &str| WriterOptions::new(folder.join(kind).join(&name)).compress(true);
        write("imagesTr").write_nifti(&image).unwrap();
        write("labelsTr").write_nifti(&labels).unwrap();
    }
}

fn write_png(file: &Path, color: png::ColorType, pixels: &[u8]) {
    let mut encoder = png::Encoder::new(File::create(file).unwrap(), 100, 96);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

/// Discs, of which each expert sees another radius.
fn cfos(folder: &Path) {
    fs::create_dir_all(folder.join("images")).unwrap();
    let mut groups = "file_id,group_id\n".to_owned();
    for case in 0..4 {
        groups += &format!("{case:04},{}\n", case % 3);
        let disc = |radius: i32| {
            Array2::from_shape_fn((96, 100), |(y, x)| {
                let (y, x) = (y as i32 % 40 - 15 - case, x as i32 % 50 - 20);
                if y * y + x * x < radius * radius { 255 } else { 0 }
            })
        };
        let image: Vec<u8> = disc(6).iter().map(|&level: &u8| level / 4 + 20).collect();
        write_png(
            &folder.join(format!("images/{case:04}.png")),
            png::ColorType::Grayscale,
            &image,
        );
        for expert in 1..=5 {
            let labels = folder.join(format!("labels/expert_{expert}"));
            fs::create_dir_all(&labels).unwrap();
            let mask: Vec<u8> = disc(3 + expert).iter().flat_map(|&level| [level; 3]).collect();
            write_png(&labels.join(format!("{case:04}_cFOS.png")), png::ColorType::Rgb, &mask);
        }
    }
    fs::write(folder.join("groups_wue1.csv"), groups).unwrap();
}

fn check(name: &str, folder: &Path, files: &[&str]) {
    let out = folder.join("out");
    let args = [
        name,
        "--quick",
        "--data",
        folder.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let output = run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |file: &str| fs::read(out.join("quick").join(file)).unwrap();
    assert!(files.iter().all(|file| !read(file).is_empty()));

    // One network is lost: it alone is trained again, and the results are the same.
    let csv = format!("{name}.csv");
    let before = read(&csv);
    let networks = fs::read_dir(out.join("quick/networks")).unwrap();
    let mut scores: Vec<_> = networks
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    scores.sort();
    fs::remove_file(&scores[0]).unwrap();
    let output = run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(read(&csv), before);
}

#[test]
fn hippocampus_runs_and_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    hippocampus(folder.path());
    let files = [
        "hippocampus.md",
        "hippocampus_curves.svg",
        "hippocampus_panel.png",
        "hippocampus_reliability.svg",
    ];
    check("hippocampus", folder.path(), &files);
    predictions_have_the_scores_of_their_network(folder.path());
}

/// The Brier score of what `predict` writes is the one that the network was given when it was trained.
fn predictions_have_the_scores_of_their_network(folder: &Path) {
    let networks = folder.join("out/quick/networks");
    let network = fs::read_dir(&networks)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "bpk"))
        .unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let out = folder.join("predictions");
    let args = [
        "predict",
        "--data",
        &path(folder),
        "--network",
        &path(&network),
        "--out",
        &path(&out),
    ];
    let output = run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut scores = csv::Reader::from_path(network.with_extension("csv")).unwrap();
    let names = scores.headers().unwrap().clone();
    let column = |name: &str| names.iter().position(|column| column == name).unwrap();
    let row = scores
        .records()
        .map(Result::unwrap)
        .find(|row| &row[column("part")] == "held out" && &row[column("temperature")] == "1.0")
        .unwrap();
    let case = &row[column("case")];
    let probabilities: Array4<f32> = ndarray_npy::read_npy(out.join(format!("{case}.npy"))).unwrap();
    let labels = ReaderOptions::new()
        .read_file(folder.join(format!("labelsTr/{case}.nii.gz")))
        .unwrap();
    let labels = labels.into_volume().into_ndarray::<u8>().unwrap();
    let squares = probabilities.indexed_iter().map(|((class, x, y, z), &p)| {
        let label = usize::from(labels[[x, y, z]]);
        (f64::from(p) - f64::from(u8::from(label == class))).powi(2)
    });
    let brier = squares.sum::<f64>() / labels.len() as f64;
    let expected: f64 = row[column("brier")].parse().unwrap();
    assert!((brier - expected).abs() < 1e-9, "{brier} {expected}");
}

#[test]
fn cfos_runs_and_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    cfos(folder.path());
    check(
        "cfos",
        folder.path(),
        &["cfos.md", "cfos_panel.png", "cfos_reliability.svg"],
    );
}

#[test]
fn a_folder_without_the_data_says_where_it_is_to_be_had() {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in [("hippocampus", "medicaldecathlon.com"), ("cfos", "bioimage_analysis")] {
        let output = run(&[name, "--quick", "--data", folder.path().to_str().unwrap()]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(source) && error.contains("licence"),
            "{error}"
        );
    }
}
