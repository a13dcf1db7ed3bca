//! Images of OME-Zarr, block by block.

use std::sync::Arc;

use ndarray::{Array3, Array4, s};
use serde_json::{Value, json};
use soft_labels::{Classes, SoftEncoder, Svls, pool};
use zarrs::array::{Array, ArrayBuilder, data_type};
use zarrs::filesystem::FilesystemStore;

use super::{Folder, run, well, wrong};

fn labels() -> Array3<u8> {
    Array3::from_shape_fn((9, 70, 67), |(d, h, w)| ((d / 2 + h / 5 + w / 7) % 3) as u8)
}

/// A group with an image of one channel, of version 0.4 or 0.5.
fn image(folder: &Folder, name: &str, version: &str, labels: &Array3<u8>, transformations: &Value) {
    let space = |name| json!({"name": name, "type": "space", "unit": "micrometer"});
    let image = json!({"axes": [{"name": "c", "type": "channel"}, space("z"), space("y"), space("x")],
        "datasets": [{"path": "s0", "coordinateTransformations": transformations}]});
    let shape: Vec<u64> = [1]
        .into_iter()
        .chain(labels.shape().iter().map(|&len| len as u64))
        .collect();
    if version == "0.4" {
        folder.write(&format!("{name}/.zgroup"), br#"{"zarr_format": 2}"#);
        let attributes = json!({"multiscales": [image]});
        folder.write(&format!("{name}/.zattrs"), attributes.to_string().as_bytes());
        let array = json!({"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "|u1", "compressor": null,
            "fill_value": 0, "order": "C", "filters": null, "dimension_separator": "/"});
        folder.write(&format!("{name}/s0/.zarray"), array.to_string().as_bytes());
        folder.write(&format!("{name}/s0/0/0/0/0"), labels.as_slice().unwrap());
    } else {
        let attributes = json!({"ome": {"version": "0.5", "multiscales": [image]}});
        let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
        folder.write(&format!("{name}/zarr.json"), group.to_string().as_bytes());
        let store = Arc::new(FilesystemStore::new(folder.path(&format!("{name}/s0"))).unwrap());
        let chunk = [1, 4, 30, 67];
        let array = ArrayBuilder::new(shape, chunk, data_type::uint8(), 0_u8)
            .build(store, "/")
            .unwrap();
        array.store_metadata().unwrap();
        let labels = labels.clone().insert_axis(ndarray::Axis(0)).into_dyn();
        array.store_array_subset(&array.subset_all(), labels).unwrap();
    }
}

fn placed(x: f64) -> Value {
    json!([{"type": "scale", "scale": [1.0, 2.0, 0.5, 0.25]}, {"type": "translation", "translation": [0.0, 10.0, -3.0, x]}])
}

fn json_of(folder: &Folder, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path(name)).unwrap()).unwrap()
}

/// The image of a group that was written, and its array.
fn written(folder: &Folder, name: &str, version: &str) -> (Value, Array<FilesystemStore>) {
    let image = if version == "0.4" {
        assert_eq!(folder.names(name), [".zattrs", ".zgroup", "0"]);
        json_of(folder, &format!("{name}/.zattrs"))["multiscales"][0].take()
    } else {
        assert_eq!(folder.names(name), ["0", "zarr.json"]);
        json_of(folder, &format!("{name}/zarr.json"))["attributes"]["ome"]["multiscales"][0].take()
    };
    let store = Arc::new(FilesystemStore::new(folder.path(name)).unwrap());
    (image, Array::open(store, "/0").unwrap())
}

/// Of an image soft labels are one, of the same version, with the channels first and in the same place.
#[test]
fn soft_labels_of_images() {
    let labels = labels();
    let whole: Array4<f32> = Svls::default()
        .encode(&labels, &Classes::contiguous(3).unwrap())
        .unwrap();
    for version in ["0.4", "0.5"] {
        let folder = Folder::new();
        image(&folder, "in.zarr", version, &labels, &placed(0.5));
        let input = folder.text("in.zarr");
        let encode = |out: &str, more: &[&str]| {
            let out = folder.text(out);
            well(["encode", "--classes", "3", "--out", &out, &input].iter().chain(more));
        };
        encode("soft.zarr", &[]);
        let (image, array) = written(&folder, "soft.zarr", version);
        let names: Vec<_> = (0..4).map(|axis| image["axes"][axis]["name"].clone()).collect();
        assert_eq!(names, ["c", "z", "y", "x"]);
        assert_eq!(image["axes"][3]["unit"], "micrometer");
        assert_eq!(image["datasets"][0]["coordinateTransformations"], placed(0.5));
        assert_eq!(array.attributes()["labels"], json!(["0", "1", "2"]));
        let found: ndarray::ArrayD<f32> = array.retrieve_array_subset(&array.subset_all()).unwrap();
        assert_eq!(found, whole.clone().into_dyn());

        let window = ["--window", "1:9,0:70,2:66", "--scale", "1,2,2", "--dtype", "f64"];
        encode("part.zarr", &window);
        let (image, array) = written(&folder, "part.zarr", version);
        assert_eq!(array.shape(), [3, 8, 35, 32]);
        assert_eq!(
            image["datasets"][0]["coordinateTransformations"],
            json!([{"type": "scale", "scale": [1.0, 2.0, 1.0, 0.5]},
                {"type": "translation", "translation": [0.0, 12.0, -2.75, 1.125]}])
        );
        let exact: Array4<f64> = Svls::default()
            .encode(&labels, &Classes::contiguous(3).unwrap())
            .unwrap();
        let pooled = pool::average(&exact.slice(s![.., 1.., .., 2..66]), [1, 2, 2]).unwrap();
        let found: ndarray::ArrayD<f64> = array.retrieve_array_subset(&array.subset_all()).unwrap();
        assert_eq!(found, pooled.into_dyn());

        // They are read again, are in the place of their label map, and are replaced.
        let soft = folder.text("soft.zarr");
        let scores = well(["judge", "--classes", "3", "--json", &soft, &input]);
        assert!(scores.contains("\"brier\""), "{scores}");
        encode("soft.zarr", &["--overwrite", "--method", "one-hot", "--dtype", "u8"]);
        well(["judge", "--classes", "3", &soft, &input]);
        folder.write("soft.zarr/0/notes.txt", b"mine");
        let error = wrong(["encode", "--classes", "3", "--overwrite", "--out", &soft, &input]);
        assert!(error.contains("is a folder"), "{error}");

        let vote = folder.text("vote.zarr");
        well(["fuse", "--classes", "3", "--out", &vote, "--raters", &input, &input]);
        let (image, array) = written(&folder, "vote.zarr", version);
        assert_eq!(
            (image["axes"].as_array().unwrap().len(), array.shape()),
            (3, &[9, 70, 67][..])
        );
        encode("again.zarr", &[]);
        well(["judge", "--classes", "3", &folder.text("again.zarr"), &vote]);
    }
}

/// The places of images are compared before blocks are encoded, and `--same-grid` lets other ones pass.
#[test]
fn places_of_raters_are_compared() {
    let folder = Folder::new();
    let labels = labels();
    let mirrored = labels
        .clone()
        .slice_move(s![.., ..;-1, ..])
        .as_standard_layout()
        .into_owned();
    image(&folder, "a.zarr", "0.4", &labels, &placed(0.5));
    image(&folder, "b.zarr", "0.5", &mirrored, &placed(0.51));
    image(&folder, "c.zarr", "0.5", &mirrored, &placed(1.0));
    image(
        &folder,
        "d.zarr",
        "0.5",
        &mirrored,
        &json!([{"type": "scale", "scale": [1.0, 2.0, 0.5, 0.5]}]),
    );
    let [a, near, moved, spaced] = ["a.zarr", "b.zarr", "c.zarr", "d.zarr"].map(|name| folder.text(name));
    let encode = |out: &str, other: &str, more: &[&str]| {
        let out = folder.text(out);
        let mut all = vec!["encode", "--classes", "3", "--quiet", "--out", &out];
        all.extend(more);
        all.extend(["--raters", &a, other]);
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    well(encode("near.zarr", &near, &[]));
    let (_, expected) = written(&folder, "near.zarr", "0.4");
    let read = |array: &Array<FilesystemStore>| -> ndarray::ArrayD<f32> {
        array.retrieve_array_subset(&array.subset_all()).unwrap()
    };
    for (at, (other, far, second)) in [(&moved, "2.00", "c.zarr"), (&spaced, "66.00", "d.zarr")]
        .into_iter()
        .enumerate()
    {
        let error = wrong(encode("far.zarr", other, &[]));
        assert!(error.contains(&format!("lie {far} voxels apart")), "{error}");
        assert!(error.contains("a.zarr and ") && error.contains(second), "{error}");
        assert!(!folder.path("far.zarr").exists());
        let out = format!("{at}.zarr");
        let output = run(encode(&out, other, &["--same-grid"]));
        let warning = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{warning}");
        assert!(warning.contains(&format!("lie {far} voxels apart")), "{warning}");
        // Of the first rater it has the place, and of both the labels.
        let (image, array) = written(&folder, &out, "0.4");
        assert_eq!(image["datasets"][0]["coordinateTransformations"], placed(0.5));
        assert_eq!(read(&array), read(&expected));
    }
}

/// The spacing of an array that was written here is that of the next command.
#[test]
fn spacing_of_arrays_is_read_again() {
    let folder = Folder::new();
    folder.nifti("a.nii.gz", &super::ball(0));
    let [a, vote] = ["a.nii.gz", "vote.zarr"].map(|name| folder.text(name));
    well(["fuse", "--classes", "3", "--out", &vote, "--raters", &a, &a]);
    for (input, out) in [(&a, "of_file.npy"), (&vote, "of_array.npy")] {
        let out = folder.text(out);
        well(["encode", "--classes", "3", "--sigma-mm", "2", "--out", &out, input]);
    }
    let [of_file, of_array] = ["of_file.npy", "of_array.npy"].map(|name| super::read_npy::<f32>(&folder.path(name)));
    assert_eq!(of_file, of_array);
    let out = folder.text("in_voxels.npy");
    well(["encode", "--classes", "3", "--sigma", "2", "--out", &out, &a]);
    assert_ne!(of_file, super::read_npy::<f32>(&folder.path("in_voxels.npy")));
}
