//! Images of OME-Zarr: where their voxels are, and results that are written as such images again.
#![cfg(feature = "zarr")]

use std::fs;
use std::path::{Path, PathBuf};

use half::f16;
use ndarray::{Array3, Array4, ArrayD, Axis};
use serde_json::{Value, json};
use soft_labels_files::zarr::{ArrayWriter, LabelArray};
use soft_labels_files::{
    Axes, ElementType, Geometry, Place, Prediction, read_labels, read_prediction, read_probabilities, write_labels,
    write_probabilities,
};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    /// A group of version 0.4 or 0.5 with an image of zeros.
    fn image(&self, name: &str, version: &str, shape: &[usize], image: &Value) -> PathBuf {
        let multiscales = json!([image]);
        if version == "0.4" {
            self.put(&format!("{name}/.zgroup"), r#"{"zarr_format": 2}"#);
            let attributes = json!({"multiscales": multiscales});
            self.put(&format!("{name}/.zattrs"), &attributes.to_string());
            let array = json!({"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "|u1", "compressor": null,
                "fill_value": 0, "order": "C", "filters": null, "dimension_separator": "/"});
            self.put(&format!("{name}/0/.zarray"), &array.to_string());
        } else {
            let attributes = json!({"ome": {"version": "0.5", "multiscales": multiscales}});
            let group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
            self.put(&format!("{name}/zarr.json"), &group.to_string());
            ArrayWriter::create(&self.path(&format!("{name}/0")), shape, shape, ElementType::U8, &[]).unwrap();
        }
        self.path(name)
    }
}

/// A name for each axis, and transformations of its dataset.
fn image(axes: &str, unit: Option<&str>, transformations: &Value) -> Value {
    let axis = |name: char| match (name, unit) {
        ('t', _) => json!({"name": name, "type": "time"}),
        ('c', _) => json!({"name": name, "type": "channel"}),
        (_, Some(unit)) => json!({"name": name, "type": "space", "unit": unit}),
        (_, None) => json!({"name": name, "type": "space"}),
    };
    let axes: Vec<_> = axes.chars().map(axis).collect();
    json!({"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": transformations}]})
}

fn placed() -> Value {
    json!([{"type": "scale", "scale": [1.0, 1.0, 2.0, 0.5, 0.25]},
        {"type": "translation", "translation": [0.0, 0.0, 10.0, -3.0, 0.5]}])
}

/// The image of a group that was written.
fn written(folder: &Folder, name: &str, version: &str) -> Value {
    if version == "0.4" {
        assert_eq!(folder.json(&format!("{name}/.zgroup")), json!({"zarr_format": 2}));
        let image = folder.json(&format!("{name}/.zattrs"))["multiscales"][0].take();
        assert_eq!(image["version"], "0.4");
        image
    } else {
        let mut group = folder.json(&format!("{name}/zarr.json"));
        assert_eq!(group["attributes"]["ome"]["version"], "0.5");
        group["attributes"]["ome"]["multiscales"][0].take()
    }
}

fn geometry(path: &Path) -> Geometry {
    let geometry = read_labels(path).unwrap().geometry;
    assert_eq!(*LabelArray::open(path).unwrap().geometry(), geometry);
    geometry
}

#[test]
fn the_first_voxel_has_a_place() {
    let folder = Folder::new();
    let shape = [1, 1, 3, 4, 5];
    for version in ["0.4", "0.5"] {
        let path = folder.image(version, version, &shape, &image("tczyx", Some("micrometer"), &placed()));
        let found = geometry(&path);
        assert_eq!(found.spacing_mm(), Some(&[2e-3, 5e-4, 2.5e-4][..]));
        let affine = found.affine().unwrap();
        assert_eq!(affine.map(|row| row[3]), [0.01, -0.003, 0.0005]);
        assert_eq!([affine[0][0], affine[1][1], affine[2][2]], [2e-3, 5e-4, 2.5e-4]);

        // What an image has besides is done after what its dataset has.
        let mut both = image("tczyx", Some("micrometer"), &placed());
        both["coordinateTransformations"] = json!([{"type": "scale", "scale": [1, 1, 2, 2, 4]},
            {"type": "translation", "translation": [0, 0, 1, 1, 1]}]);
        let twice = geometry(&folder.image("both", version, &shape, &both));
        assert_eq!(twice.spacing_mm(), Some(&[4e-3, 1e-3, 1e-3][..]));
        assert_eq!(twice.affine().unwrap().map(|row| row[3]), [0.021, -0.005, 0.003]);

        // Half a voxel is another place, and so is none where no place is told.
        let mut moved = placed();
        moved[1]["translation"][4] = json!(0.625);
        let moved = geometry(&folder.image("moved", version, &shape, &image("tczyx", Some("micrometer"), &moved)));
        let far = found.distance_in_voxels(&moved, &[3, 4, 5]).unwrap();
        assert!((far - 0.5).abs() < 1e-9, "{far}");
        let scale = json!([placed()[0]]);
        let spaced = geometry(&folder.image("spaced", version, &shape, &image("tczyx", Some("micrometer"), &scale)));
        assert_eq!(spaced.affine(), None);
        assert!(spaced.same_place(&moved, &[3, 4, 5]));
        // Its axes are not those of an affine of x, y and z.
        let affine = [[2e-3, 0.0, 0.0, 7.0], [0.0, 5e-4, 0.0, 0.0], [0.0, 0.0, 2.5e-4, 0.0]];
        assert!(found.same_place(&Geometry::from_affine(&affine), &[3, 4, 5]));
        fs::remove_dir_all(folder.path("both")).unwrap();
        fs::remove_dir_all(folder.path("moved")).unwrap();
        fs::remove_dir_all(folder.path("spaced")).unwrap();
    }
}

#[test]
fn what_is_no_place_is_not_known() {
    let folder = Folder::new();
    for (at, wrong) in [
        json!([{"type": "scale", "scale": [1, 1, 2, 0, 1]}]),
        json!([{"type": "scale", "scale": [1, 1, 2, -1, 1]}]),
        json!([{"type": "scale", "scale": [1, 1, 2]}]),
        json!([{"type": "scale", "scale": [1, 1, 1e308, 1, 1]}, {"type": "translation", "translation": [1]}]),
    ]
    .iter()
    .enumerate()
    {
        let name = at.to_string();
        let path = folder.image(&name, "0.5", &[1, 1, 2, 3, 4], &image("tczyx", Some("meter"), wrong));
        assert_eq!(geometry(&path), Geometry::unknown(), "{wrong}");
    }
    let far = json!([{"type": "scale", "scale": [1, 1, 1e308, 1, 1]}]);
    let path = folder.image("far", "0.5", &[1, 1, 2, 3, 4], &image("tczyx", Some("meter"), &far));
    assert_eq!(geometry(&path).spacing_mm(), None);
}

#[test]
fn soft_labels_of_an_image_are_one() {
    let folder = Folder::new();
    let soft = Array4::from_shape_fn((3, 4, 70, 6), |(c, d, h, w)| (c + d * 2 + h + w) as f32 / 128.0);
    for version in ["0.4", "0.5"] {
        let path = folder.image(
            "in",
            version,
            &[1, 1, 4, 70, 6],
            &image("tczyx", Some("micrometer"), &placed()),
        );
        let told = geometry(&path);
        let out = folder.path("soft.zarr");
        write_probabilities(&out, &soft, &told).unwrap();
        let found = written(&folder, "soft.zarr", version);
        let space = |name| json!({"name": name, "type": "space", "unit": "micrometer"});
        let axes = json!([{"name": "c", "type": "channel"}, space("z"), space("y"), space("x")]);
        assert_eq!(found["axes"], axes);
        let expected = json!([{"path": "0", "coordinateTransformations": [
            {"type": "scale", "scale": [1.0, 2.0, 0.5, 0.25]},
            {"type": "translation", "translation": [0.0, 10.0, -3.0, 0.5]}]}]);
        assert_eq!(found["datasets"], expected);
        if version == "0.5" {
            let array = folder.json("soft.zarr/0/zarr.json");
            assert_eq!(array["dimension_names"], json!(["c", "z", "y", "x"]));
        } else {
            assert_eq!(folder.json("soft.zarr/0/.zarray")["dimension_separator"], "/");
        }
        let read = read_probabilities(&out, 3).unwrap();
        assert_eq!(read.values, soft.mapv(f64::from).into_dyn());
        assert_eq!(read.geometry, told);
        // As a label map it would be one of several channels.
        let error = read_labels(&out).unwrap_err().to_string();
        assert!(error.contains("has 3 times or channels"), "{error}");

        // It is replaced, also by an array, unless there is anything else in it.
        write_probabilities(Place::new(&out).overwrite(true), &soft.mapv(f16::from_f32), &told).unwrap();
        let values = read_probabilities(&out, 3).unwrap().values;
        assert_eq!(values, soft.mapv(f64::from).into_dyn());
        folder.put("soft.zarr/0/notes.txt", "mine");
        let place = || Place::new(&out).overwrite(true);
        assert!(write_probabilities(place(), &soft, &told).is_err());
        fs::rename(folder.path("soft.zarr/0/notes.txt"), folder.path("soft.zarr/notes.txt")).unwrap();
        assert!(write_probabilities(place(), &soft, &told).is_err());
        fs::remove_file(folder.path("soft.zarr/notes.txt")).unwrap();
        write_probabilities(place(), &soft, &Geometry::unknown()).unwrap();
        assert_eq!(folder.json("soft.zarr/zarr.json")["node_type"], "array");
        assert!(write_probabilities(Place::new(&path).overwrite(true), &soft, &told).is_err());
        fs::remove_dir_all(path).unwrap();
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn label_maps_parts_and_other_spacings() {
    let folder = Folder::new();
    let labels = Array3::from_shape_fn((3, 4, 5), |(d, h, w)| (d + h + w) as i16 % 3);
    for version in ["0.4", "0.5"] {
        let scale = json!([placed()[0]]);
        let path = folder.image(
            "in",
            version,
            &[1, 1, 3, 4, 5],
            &image("tczyx", Some("micrometer"), &scale),
        );
        let told = geometry(&path);
        write_labels(&folder.path("a.zarr"), &labels, &told).unwrap();
        let read = read_labels(folder.path("a.zarr")).unwrap();
        assert_eq!(read.labels.cast::<i16>().unwrap(), labels.clone().into_dyn());
        assert_eq!((read.geometry, read.element_type), (told.clone(), ElementType::I16));
        let found = written(&folder, "a.zarr", version);
        assert_eq!(found["axes"].as_array().unwrap().len(), 3);
        assert_eq!(found["datasets"][0]["coordinateTransformations"][1], Value::Null);

        // Boxes of 1 x 2 x 2 voxels from voxel (1, 0, 0) on.
        let soft = Array4::<f64>::zeros((2, 2, 2, 2));
        write_probabilities(
            &folder.path("b.zarr"),
            &soft,
            &told.clone().window(&[1, 0, 0], &[1, 2, 2]),
        )
        .unwrap();
        let transformations = &written(&folder, "b.zarr", version)["datasets"][0]["coordinateTransformations"];
        assert_eq!(transformations[0]["scale"], json!([1.0, 2.0, 1.0, 0.5]));
        assert_eq!(transformations[1]["translation"], json!([0.0, 2.0, 0.25, 0.125]));
        let read = read_probabilities(folder.path("b.zarr"), 3).unwrap().geometry;
        assert_eq!(read.affine().unwrap().map(|row| row[3]), [2e-3, 2.5e-4, 1.25e-4]);

        write_probabilities(&folder.path("c.zarr"), &soft, &told.with_spacing_mm(&[0.5])).unwrap();
        let transformations = &written(&folder, "c.zarr", version)["datasets"][0]["coordinateTransformations"];
        assert_eq!(transformations[0]["scale"], json!([1.0, 500.0, 500.0, 500.0]));
        for name in ["in", "a.zarr", "b.zarr", "c.zarr"] {
            fs::remove_dir_all(folder.path(name)).unwrap();
        }
    }
}

/// A scale without a unit is no length, but it is written again. Names that others have are not.
#[test]
fn units_and_names_that_are_not_told() {
    let folder = Folder::new();
    let scale = json!([{"type": "scale", "scale": [3.0, 0.5]}]);
    let soft = Array3::<f32>::zeros((2, 4, 5));
    let told = geometry(&folder.image("in", "0.5", &[4, 5], &image("yx", None, &scale)));
    assert_eq!((told.spacing_mm(), told.is_known()), (None, true));
    let part = told.clone().window(&[1, 0], &[2]);
    assert_eq!(part.spacing_mm(), None);
    write_probabilities(&folder.path("a.zarr"), &soft, &part).unwrap();
    let found = written(&folder, "a.zarr", "0.5");
    assert_eq!(found["axes"][1], json!({"name": "y", "type": "space"}));
    let transformations = &found["datasets"][0]["coordinateTransformations"];
    assert_eq!(transformations[0]["scale"], json!([1.0, 6.0, 1.0]));
    assert_eq!(transformations[1]["translation"], json!([0.0, 4.5, 0.25]));
    write_probabilities(&folder.path("b.zarr"), &soft, &told.with_spacing_mm(&[2.0, 1.0])).unwrap();
    let found = written(&folder, "b.zarr", "0.5");
    assert_eq!(found["axes"][2]["unit"], "millimeter");
    assert_eq!(
        found["datasets"][0]["coordinateTransformations"][0]["scale"],
        json!([1.0, 2.0, 1.0])
    );

    // An old version, which names its axes alone; and names that are there twice, or that the channels have.
    let mut old = image("yx", None, &json!([]));
    old["axes"] = json!(["y", "x"]);
    for (axes, expected) in [
        (json!(["y", "x"]), ["y", "x"]),
        (
            json!([{"name": "row", "type": "space"}, {"name": "column", "type": "space"}]),
            ["row", "column"],
        ),
        (
            json!([{"name": "x", "type": "space"}, {"name": "x", "type": "space"}]),
            ["y", "x"],
        ),
        (
            json!([{"name": "c", "type": "space"}, {"name": "x", "type": "space"}]),
            ["y", "x"],
        ),
        (json!([{"type": "space"}, {"type": "space"}]), ["y", "x"]),
    ] {
        old["axes"] = axes;
        let told = geometry(&folder.image("old", "0.4", &[4, 5], &old));
        assert_eq!(told.spacing_mm(), None);
        let out = folder.path("old.zarr");
        write_probabilities(Place::new(&out).overwrite(true), &soft, &told).unwrap();
        let found = written(&folder, "old.zarr", "0.4");
        let names: Vec<_> = (0..3).map(|axis| found["axes"][axis]["name"].clone()).collect();
        assert_eq!(names, [&["c"][..], &expected[..]].concat());
        assert_eq!(
            found["datasets"][0]["coordinateTransformations"],
            json!([{"type": "scale", "scale": [1.0, 1.0, 1.0]}])
        );
    }
    // What has other axes than its geometry is an array.
    let told = geometry(&folder.path("in"));
    write_probabilities(&folder.path("c.zarr"), &Array4::<f32>::zeros((2, 3, 4, 5)), &told).unwrap();
    assert_eq!(folder.json("c.zarr/zarr.json")["node_type"], "array");
}

/// One channel is that of soft labels where they were written here, and any number elsewhere is several.
#[test]
fn channels_of_predictions() {
    let folder = Folder::new();
    let told = geometry(&folder.image("in", "0.5", &[1, 4, 5], &image("cyx", None, &json!([]))));
    let prediction = |name: &str| read_prediction(folder.path(name), 2).unwrap();
    assert!(matches!(prediction("in"), Prediction::Labels(map) if map.labels.shape() == [4, 5]));
    write_probabilities(
        &folder.path("one.zarr"),
        &Array3::<f32>::from_elem((1, 4, 5), 0.25),
        &told,
    )
    .unwrap();
    assert!(matches!(prediction("one.zarr"), Prediction::Probabilities(p) if p.values.shape() == [1, 4, 5]));
    folder.image("two", "0.4", &[2, 4, 5], &image("cyx", None, &json!([])));
    assert!(matches!(prediction("two"), Prediction::Probabilities(p) if p.values.shape() == [2, 4, 5]));
    for (name, shape, axes) in [("times", &[2, 1, 4, 5][..], "tcyx"), ("last", &[4, 5, 2], "yxc")] {
        let path = folder.image(name, "0.5", shape, &image(axes, None, &json!([])));
        let error = read_prediction(&path, 2).unwrap_err().to_string();
        assert!(error.contains("has 2 times or channels"), "{error}");
    }
}

/// The attribute that written arrays have is the spacing when they are read.
#[test]
fn spacing_of_arrays() {
    let folder = Folder::new();
    let spaced = Geometry::from_spacing_mm(&[2.5, 0.7, 0.6]);
    let affine = [[0.0, 0.5, 0.0, -10.0], [0.7, 0.0, 0.0, 4.0], [0.0, 0.0, -2.5, 8.0]];
    for (geometry, spacing) in [
        (spaced, [2.5, 0.7, 0.6]),
        (Geometry::from_affine(&affine), [0.7, 0.5, 2.5]),
    ] {
        let labels = folder.path("labels.zarr");
        write_labels(
            Place::new(&labels).overwrite(true),
            &Array3::<u8>::zeros((3, 4, 5)),
            &geometry,
        )
        .unwrap();
        let soft = folder.path("soft.zarr");
        write_probabilities(
            Place::new(&soft).overwrite(true),
            &Array4::<f32>::zeros((2, 3, 4, 5)),
            &geometry,
        )
        .unwrap();
        let of_labels = read_labels(&labels).unwrap().geometry;
        let of_soft = read_probabilities(&soft, 3).unwrap();
        assert_eq!(of_soft.values.len_of(Axis(0)), 2);
        for read in [of_labels, of_soft.geometry] {
            assert_eq!((read.spacing_mm(), read.axes()), (Some(&spacing[..]), Axes::Dhw));
        }
    }
    let mut array = folder.json("labels.zarr/zarr.json");
    for wrong in [
        json!([1.0, 2.0]),
        json!([1.0, 0.0, 1.0]),
        json!([1.0, "a", 1.0]),
        json!("1"),
        json!([null, 1, 1]),
    ] {
        array["attributes"]["spacing_mm"] = wrong;
        folder.put("wrong.zarr/zarr.json", &array.to_string());
        assert_eq!(geometry(&folder.path("wrong.zarr")), Geometry::unknown());
    }
    assert_eq!(
        read_labels(folder.path("wrong.zarr")).unwrap().labels.into_i64(),
        ArrayD::<i64>::zeros(vec![3, 4, 5])
    );
}
