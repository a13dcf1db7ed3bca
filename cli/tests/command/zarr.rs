use std::sync::Arc;

use ndarray::{Array3, Array4, ArrayD, s};
use soft_labels::{Classes, OneHot, SoftEncoder, Svls, SvlsKernel, multirater, pool};
use zarrs::array::{Array, ArrayBuilder, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;

use super::{Folder, run, well, wrong};

/// Structures of many sizes; the shape is divided by no chunk.
fn labels() -> Array3<u8> {
    Array3::from_shape_fn((70, 83, 131), |(d, h, w)| {
        let wave = ((d * 3 + h) as f64 / 9.0).sin() + (w as f64 / 7.0).cos();
        u8::from(wave > 0.4) + u8::from(wave > 1.2)
    })
}

fn open(folder: &Folder, name: &str) -> Array<FilesystemStore> {
    Array::open(Arc::new(FilesystemStore::new(folder.path(name)).unwrap()), "/").unwrap()
}

fn read<T: ElementOwned>(folder: &Folder, name: &str) -> ArrayD<T> {
    let array = open(folder, name);
    array.retrieve_array_subset(&array.subset_all()).unwrap()
}

fn write(folder: &Folder, name: &str, labels: &Array3<u8>, chunk: [u64; 3]) {
    let store = Arc::new(FilesystemStore::new(folder.path(name)).unwrap());
    let shape = labels.shape().iter().map(|&len| len as u64).collect::<Vec<_>>();
    let array = ArrayBuilder::new(shape, chunk, data_type::uint8(), 0_u8)
        .build(store, "/")
        .unwrap();
    array.store_metadata().unwrap();
    array
        .store_array_subset(&array.subset_all(), labels.clone().into_dyn())
        .unwrap();
}

fn classes() -> Classes {
    Classes::contiguous(3).unwrap()
}

/// Blocks have the bits of one piece, with chunks that are thinner than the halo, too.
#[test]
fn blocks_are_one_piece() {
    let folder = Folder::new();
    let labels = labels();
    write(&folder, "in.zarr", &labels, [2, 64, 50]);
    let input = folder.text("in.zarr");
    let encode = |out: &str, more: &[&str]| {
        let out = folder.text(out);
        well(["encode", "--classes", "3", "--out", &out, &input].iter().chain(more));
    };
    let whole: Array4<f32> = Svls::default().encode(&labels, &classes()).unwrap();
    encode("soft.zarr", &[]);
    assert_eq!(read::<f32>(&folder, "soft.zarr"), whole.into_dyn());

    let wide = Svls::new(
        SvlsKernel::builder()
            .sigma(2.0)
            .radius([3, 1, 5])
            .strength(0.5)
            .build()
            .unwrap(),
    );
    let exact: Array4<f64> = wide.encode(&labels, &classes()).unwrap();
    let settings = [
        "--sigma",
        "2",
        "--radius",
        "3,1,5",
        "--strength",
        "0.5",
        "--window",
        "5:70,0:83,7:130",
    ];
    encode("wide.zarr", &[&settings[..], &["--dtype", "f64"]].concat());
    assert_eq!(
        read::<f64>(&folder, "wide.zarr"),
        exact.slice(s![.., 5.., .., 7..130]).into_dyn()
    );
    encode("bytes.zarr", &[&settings[..], &["--dtype", "u8"]].concat());
    encode("bytes.npy", &[&settings[..], &["--dtype", "u8"]].concat());
    assert_eq!(
        read::<u8>(&folder, "bytes.zarr"),
        super::read_npy::<u8>(&folder.path("bytes.npy"))
    );

    // Boxes whose halo does not begin at a box.
    let of_part: Array4<f32> = wide.encode(&labels, &classes()).unwrap();
    let pooled = pool::average(&of_part.slice(s![.., ..68, 2..82, ..130]), [1, 2, 2]).unwrap();
    let window = [
        "--sigma",
        "2",
        "--radius",
        "3,1,5",
        "--strength",
        "0.5",
        "--window",
        "0:68,2:82,0:130",
    ];
    encode("pooled.zarr", &[&window[..], &["--scale", "1,2,2"]].concat());
    assert_eq!(read::<f32>(&folder, "pooled.zarr"), pooled.into_dyn());

    // Boxes of which the last along each axis are smaller.
    let scale = ["--scale", "3,5,7"];
    encode("cut.zarr", &scale);
    let whole: Array4<f32> = Svls::default().encode(&labels, &classes()).unwrap();
    let pooled = pool::average(&whole, [3, 5, 7]).unwrap();
    assert_eq!(read::<f32>(&folder, "cut.zarr"), pooled.into_dyn());
}

/// Raters, a label map in memory, version 2, and other commands.
#[test]
fn raters_and_versions() {
    let folder = Folder::new();
    let (first, second) = (labels(), labels().slice_move(s![.., ..;-1, ..]));
    write(&folder, "rater_1/a.zarr", &first, [32, 32, 32]);
    folder.npy("rater_2/a.npy", &second.clone().into_dyn());
    well([
        "encode",
        "--classes",
        "3",
        "--format",
        "zarr",
        "--out",
        &folder.text("soft"),
        "--raters",
        &folder.text("rater_1"),
        &folder.text("rater_2"),
    ]);
    let views = [first.view(), second.view()];
    let expected: Array4<f32> = multirater::average(&Svls::default(), &views, &classes()).unwrap();
    assert_eq!(read::<f32>(&folder, "soft/a.zarr"), expected.into_dyn());

    // Version 2, as zarr-python writes it, without a compressor.
    let small = first.slice(s![..4, ..5, ..6]).to_owned();
    let metadata = r#"{"zarr_format": 2, "shape": [4, 5, 6], "chunks": [4, 5, 6], "dtype": "|u1", "compressor": null, "fill_value": 0, "order": "C", "filters": null}"#;
    folder.write("old/.zarray", metadata.as_bytes());
    folder.write("old/0.0.0", small.as_slice().unwrap());
    well([
        "encode",
        "--classes",
        "3",
        "--method",
        "one-hot",
        "--out",
        &folder.text("old.npy"),
        &folder.text("old"),
    ]);
    let expected: Array4<f32> = OneHot.encode(&small, &classes()).unwrap();
    assert_eq!(super::read_npy::<f32>(&folder.path("old.npy")), expected.into_dyn());
    let text = well([
        "judge",
        "--classes",
        "3",
        &folder.text("rater_1/a.zarr"),
        &folder.text("rater_2/a.npy"),
    ]);
    assert!(text.contains("Dice"), "{text}");
}

/// A run that ended early goes on where it was. Here it is a label that is no class, in the last block.
#[test]
fn interrupted() {
    let folder = Folder::new();
    let good = labels();
    let mut bad = good.clone();
    bad[[69, 82, 130]] = 9;
    write(&folder, "in.zarr", &bad, [64, 64, 64]);
    let (input, out) = (folder.text("in.zarr"), folder.text("out.zarr"));
    let error = wrong([
        "encode",
        "--classes",
        "3",
        "--quiet",
        "--jobs",
        "1",
        "--out",
        &out,
        &input,
    ]);
    assert!(error.contains("label 9 at voxel [69, 82, 130]"), "{error}");
    assert!(!folder.path("out.zarr").exists());

    // Labels that were changed since do not fit the blocks that are there.
    let chunk = folder.path("in.zarr/c/1/1/2");
    let before = chunk.metadata().unwrap().modified().unwrap();
    let array = open(&folder, "in.zarr");
    array
        .store_array_subset(
            &[69..70, 82..83, 130..131],
            Array3::from_elem((1, 1, 1), good[[69, 82, 130]]).into_dyn(),
        )
        .unwrap();
    let error = wrong(["encode", "--classes", "3", "--quiet", "--out", &out, &input]);
    assert!(error.contains("other settings or inputs"), "{error}");
    let file = std::fs::File::options().write(true).open(&chunk).unwrap();
    file.set_modified(before).unwrap();
    let error = wrong(["encode", "--classes", "4", "--quiet", "--out", &out, &input]);
    assert!(error.contains("other settings"), "{error}");
    // The last bytes of the list of blocks are cut off.
    let done = folder.path(".soft-labels-out.zarr/soft-labels.done");
    let list = std::fs::read(&done).unwrap();
    std::fs::write(&done, &list[..list.len() - 3]).unwrap();
    let output = run(["encode", "--classes", "3", "--out", &out, &input]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let blocks = list.len() / 8 - 1;
    assert!(
        errors.contains(&format!("goes on after {blocks} of {} blocks", list.len() / 8 + 1)),
        "{errors}"
    );
    let whole: Array4<f32> = Svls::default().encode(&good, &classes()).unwrap();
    assert_eq!(read::<f32>(&folder, "out.zarr"), whole.into_dyn());
    assert_eq!(folder.names("out.zarr"), ["c", "zarr.json"]);
    assert_eq!(folder.names("."), ["in.zarr", "out.zarr"]);

    assert!(wrong(["encode", "--classes", "3", "--out", &out, &input]).contains("--overwrite"));
    well([
        "encode",
        "--classes",
        "3",
        "--method",
        "one-hot",
        "--overwrite",
        "--out",
        &out,
        &input,
    ]);
    let whole: Array4<f32> = OneHot.encode(&good, &classes()).unwrap();
    assert_eq!(read::<f32>(&folder, "out.zarr"), whole.into_dyn());
    assert_eq!(folder.names("."), ["in.zarr", "out.zarr"]);
}

/// A folder that is no array may hold anything.
#[test]
fn other_folders_are_not_replaced() {
    let folder = Folder::new();
    write(&folder, "in.zarr", &labels(), [64, 64, 64]);
    folder.write("notes.zarr/file.txt", b"mine");
    let (input, out) = (folder.text("in.zarr"), folder.text("notes.zarr"));
    let error = wrong(["encode", "--classes", "3", "--overwrite", "--out", &out, &input]);
    assert!(error.contains("is a folder"), "{error}");
    assert_eq!(folder.names("notes.zarr"), ["file.txt"]);
}

#[test]
fn hostile() {
    let folder = Folder::new();
    let metadata = |shape: &str, chunks: &str, more: &str| {
        format!(
            r#"{{"zarr_format": 2, "shape": {shape}, "chunks": {chunks}, "dtype": "|u1", "compressor": {more}, "fill_value": 0, "order": "C", "filters": null}}"#
        )
    };
    for (at, text) in [
        metadata("[4, 5, 6]", "[4, 5, 6]", r#"{"id": "no-such-codec"}"#),
        metadata("[4, 5, 6]", "[0, 5, 6]", "null"),
        metadata("[4, 5, 6]", "[4000000000, 4000000000, 6]", "null"),
        metadata("[4, 0, 6]", "[4, 5, 6]", "null"),
        metadata("[1000000, 1000000, 1000000]", "[64, 64, 64]", "null"),
        metadata(
            "[18446744073709551615, 18446744073709551615, 6]",
            "[64, 64, 64]",
            "null",
        ),
        metadata("[4]", "[4]", "null").replace("|u1", "<f4"),
        "{".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("{at}.zarr");
        folder.write(&format!("{name}/.zarray"), text.as_bytes());
        let error = wrong([
            "encode",
            "--classes",
            "3",
            "--out",
            &folder.text("out.npy"),
            &folder.text(&name),
        ]);
        assert!(error.contains(&name), "{error}");
    }
    // A chunk with many more bytes than it has to hold.
    let gzip = metadata("[4, 5, 6]", "[4, 5, 6]", r#"{"id": "gzip", "level": 1}"#);
    folder.write("bomb.zarr/.zarray", gzip.as_bytes());
    folder.write("bomb.zarr/0.0.0", &[7; 10_000]);
    let input = folder.text("bomb.zarr");
    let error = wrong(["encode", "--classes", "3", "--out", &folder.text("out.npy"), &input]);
    assert!(error.contains("broken chunk at [0, 0, 0]"), "{error}");

    // More blocks than can be counted.
    let huge = metadata("[1099511627776, 1099511627776, 1099511627776]", "[64, 64, 64]", "null");
    folder.write("huge.zarr/.zarray", huge.as_bytes());
    let error = wrong([
        "encode",
        "--classes",
        "9",
        "--out",
        &folder.text("out.zarr"),
        &folder.text("huge.zarr"),
    ]);
    assert!(error.contains("too many voxels"), "{error}");
    let error = wrong([
        "encode",
        "--classes",
        "3",
        "--scale",
        "0",
        "--out",
        &folder.text("out.zarr"),
        &folder.text("bomb.zarr"),
    ]);
    assert!(error.contains("--scale"), "{error}");

    // A chunk that is shorter than it has to be.
    folder.write(
        "short.zarr/.zarray",
        metadata("[4, 5, 6]", "[4, 5, 6]", "null").as_bytes(),
    );
    folder.write("short.zarr/0.0.0", &[0; 100]);
    for out in ["out.npy", "out.zarr"] {
        wrong([
            "encode",
            "--classes",
            "3",
            "--quiet",
            "--out",
            &folder.text(out),
            &folder.text("short.zarr"),
        ]);
        assert!(!folder.path(out).exists());
    }
}
