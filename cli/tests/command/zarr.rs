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
    assert_eq!(read::<f32>(&folder, "soft.zarr"), whole.clone().into_dyn());

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

    // Boxes that are larger than the map.
    encode("one.zarr", &["--scale", "999999999999"]);
    let mean = pool::average(&whole, [70, 83, 131]).unwrap();
    assert_eq!(read::<f32>(&folder, "one.zarr"), mean.into_dyn());

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

/// An error leaves nothing behind.
#[test]
fn an_error_cleans_up() {
    let folder = Folder::new();
    let mut bad = labels();
    bad[[69, 82, 130]] = 9;
    write(&folder, "in.zarr", &bad, [64, 64, 64]);
    let (input, out) = (folder.text("in.zarr"), folder.text("out.zarr"));
    let error = wrong(["encode", "--classes", "3", "--quiet", "--out", &out, &input]);
    assert!(error.contains("label 9 at voxel [69, 82, 130]"), "{error}");
    assert_eq!(folder.names("."), ["in.zarr"]);
}

/// Starts a run, and kills it when some of its blocks are there.
#[cfg(unix)]
fn killed(folder: &Folder, args: &[&str]) -> usize {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_soft-labels"))
        .args(args)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let log = folder.path(".soft-labels-out.zarr").join("soft-labels.done");
    while log.metadata().map_or(0, |log| log.len()) < 16 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    (log.metadata().unwrap().len() / 16) as usize
}

/// A run that was killed goes on where it was, with labels that were changed in between as well.
#[cfg(unix)]
#[test]
fn interrupted() {
    let folder = Folder::new();
    let mut good = Array3::<u8>::zeros((140, 200, 262));
    for (at, part) in good.exact_chunks_mut((70, 50, 131)).into_iter().enumerate() {
        ndarray::Zip::from(part)
            .and(&labels().slice(s![.., 10..60, ..]))
            .for_each(|to, &from| *to = (from + at as u8) % 3);
    }
    write(&folder, "in.zarr", &good, [64, 64, 64]);
    let (input, out) = (folder.text("in.zarr"), folder.text("out.zarr"));
    let first = [
        "encode",
        "--classes",
        "3",
        "--quiet",
        "--jobs",
        "1",
        "--out",
        &out,
        &input,
    ];
    let blocks = killed(&folder, &first);
    assert!(!folder.path("out.zarr").exists());

    let error = wrong(["encode", "--classes", "4", "--quiet", "--out", &out, &input]);
    assert!(error.contains("other settings"), "{error}");
    // The last bytes of the list of blocks are cut off.
    let done = folder.path(".soft-labels-out.zarr/soft-labels.done");
    let list = std::fs::read(&done).unwrap();
    std::fs::write(&done, [&list[..], &[1; 5]].concat()).unwrap();
    // A chunk of a finished block is replaced by one of the same size and time.
    let chunk = folder.path("in.zarr/c/0/0/0");
    let before = chunk.metadata().unwrap().modified().unwrap();
    good.slice_mut(s![..64, ..64, ..64])
        .map_inplace(|label| *label = 2 - *label);
    write(&folder, "other.zarr", &good, [64, 64, 64]);
    std::fs::copy(folder.path("other.zarr/c/0/0/0"), &chunk).unwrap();
    let file = std::fs::File::options().write(true).open(&chunk).unwrap();
    file.set_modified(before).unwrap();

    let output = run(["encode", "--classes", "3", "--out", &out, &input]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(
        errors.contains(&format!("goes on after {blocks} of 60 blocks")),
        "{errors}"
    );
    let whole: Array4<f32> = Svls::default().encode(&good, &classes()).unwrap();
    assert_eq!(read::<f32>(&folder, "out.zarr"), whole.into_dyn());
    assert_eq!(folder.names("out.zarr"), ["c", "zarr.json"]);
    assert_eq!(folder.names("."), ["in.zarr", "other.zarr", "out.zarr"]);

    assert!(wrong(["encode", "--classes", "3", "--out", &out, &input]).contains("--overwrite"));
    let again = ["--method", "one-hot", "--overwrite", "--out", &out, &input];
    well(["encode", "--classes", "3"].iter().chain(&again));
    let whole: Array4<f32> = OneHot.encode(&good, &classes()).unwrap();
    assert_eq!(read::<f32>(&folder, "out.zarr"), whole.into_dyn());
    assert_eq!(folder.names("."), ["in.zarr", "other.zarr", "out.zarr"]);
}

/// A second process neither joins the first one nor tells anybody to remove its folder, and links are not followed.
#[cfg(unix)]
#[test]
fn somebody_else_writes_there() {
    let folder = Folder::new();
    write(&folder, "in.zarr", &labels(), [64, 64, 64]);
    let (input, out) = (folder.text("in.zarr"), folder.text("out.zarr"));
    let part = folder.path(".soft-labels-out.zarr");
    std::fs::create_dir(&part).unwrap();
    let lock = std::fs::File::create(part.join("soft-labels.lock")).unwrap();
    std::fs::write(part.join("soft-labels.json"), "{}").unwrap();
    std::fs::create_dir(part.join("array")).unwrap();
    lock.lock().unwrap();
    let encode = || wrong(["encode", "--classes", "3", "--quiet", "--out", &out, &input]);
    assert!(encode().contains("is being written by another process"));
    lock.unlock().unwrap();
    assert!(encode().contains("begun with other settings"));
    std::fs::remove_dir_all(&part).unwrap();

    folder.write("mine/file.txt", b"mine");
    std::os::unix::fs::symlink(folder.path("mine"), &part).unwrap();
    assert!(encode().contains("is in the way"));
    std::fs::remove_file(&part).unwrap();
    std::fs::create_dir(&part).unwrap();
    std::os::unix::fs::symlink(folder.path("mine"), part.join("array")).unwrap();
    assert!(encode().contains("is in the way"));
    assert_eq!(folder.names("mine"), ["file.txt"]);
}

/// Only an array that was written here, and with nothing else in it, is replaced.
#[test]
fn other_folders_are_not_replaced() {
    let folder = Folder::new();
    write(&folder, "in.zarr", &labels(), [64, 64, 64]);
    folder.write("notes.zarr/file.txt", b"mine");
    folder.write("group.zarr/zarr.json", br#"{"zarr_format": 3, "node_type": "group"}"#);
    folder.write("group.zarr/file.txt", b"mine");
    folder.write("group/zarr.json", b"{}");
    folder.write("group/file.txt", b"mine");
    write(&folder, "array.zarr", &labels(), [64, 64, 64]);
    let input = folder.text("in.zarr");
    for name in ["ours.zarr", "deep.zarr", "linked.zarr", "ours_too.zarr"] {
        well([
            "encode",
            "--classes",
            "3",
            "--quiet",
            "--out",
            &folder.text(name),
            &input,
        ]);
    }
    well([
        "fuse",
        "--classes",
        "3",
        "--out",
        &folder.text("vote.zarr"),
        "--raters",
        &input,
        &input,
    ]);
    folder.write("ours.zarr/notes.txt", b"mine");
    folder.write("deep.zarr/c/0/notes.txt", b"mine");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path("notes.zarr"), folder.path("linked.zarr/c/77")).unwrap();
    #[cfg(not(unix))]
    folder.write("linked.zarr/notes.txt", b"mine");
    for name in [
        "notes.zarr",
        "group.zarr",
        "array.zarr",
        "ours.zarr",
        "deep.zarr",
        "linked.zarr",
    ] {
        let before = folder.names(name);
        for command in ["encode", "fuse"] {
            let out = folder.text(name);
            let error = wrong([command, "--classes", "3", "--overwrite", "--out", &out, &input]);
            assert!(error.contains("is a folder"), "{error}");
        }
        assert_eq!(folder.names(name), before);
    }
    let out = folder.text("group");
    wrong(["judge", "--classes", "3", "--overwrite", "--csv", &out, &input, &input]);
    assert_eq!(folder.names("group"), ["file.txt", "zarr.json"]);
    assert_eq!(folder.names("notes.zarr"), ["file.txt"]);
    for name in ["ours_too.zarr", "vote.zarr"] {
        well([
            "encode",
            "--classes",
            "3",
            "--quiet",
            "--overwrite",
            "--out",
            &folder.text(name),
            &input,
        ]);
    }
    // Nor is anything put into an input.
    let inside = folder.text("in.zarr") + "/soft.zarr";
    let error = wrong(["encode", "--classes", "3", "--out", &inside, &input]);
    assert!(error.contains("is an input, too"), "{error}");
    assert_eq!(folder.names("in.zarr"), ["c", "zarr.json"]);
}

/// Blocks of label maps of different shapes fit one another, so the shapes are compared.
#[test]
fn shapes_of_raters() {
    let folder = Folder::new();
    folder.npy("a.npy", &ndarray::Array2::<u8>::zeros((3, 4)).into_dyn());
    folder.npy("b.npy", &ndarray::Array2::<u8>::zeros((6, 8)).into_dyn());
    folder.npy("one/x.npy", &ndarray::Array2::<u8>::zeros((6, 8)).into_dyn());
    folder.npy("two/x.npy", &ndarray::Array2::<u8>::zeros((3, 4)).into_dyn());
    write(&folder, "c.zarr", &labels(), [64, 64, 64]);
    write(&folder, "d.zarr", &labels().slice_move(s![.., ..80, ..]), [64, 64, 64]);
    let [a, b, c, d] = ["a.npy", "b.npy", "c.zarr", "d.zarr"].map(|name| folder.text(name));
    for inputs in [[&a, &b], [&b, &a], [&c, &d], [&d, &c], [&a, &c]] {
        for out in ["out.zarr", "out.npy"] {
            let out = folder.text(out);
            let args = ["encode", "--classes", "3", "--out", &out, "--raters"].into_iter();
            let error = wrong(args.chain(inputs.map(String::as_str)));
            assert!(error.contains("shape"), "{error}");
        }
    }
    let [one, two, out] = ["one", "two", "out"].map(|name| folder.text(name));
    let output = run([
        "encode",
        "--classes",
        "3",
        "--format",
        "zarr",
        "--out",
        &out,
        "--raters",
        &one,
        &two,
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(folder.names("out").is_empty());
    let picture = folder.text("out.png");
    let error = wrong(["show", "--classes", "3", "--out", &picture, &b, &a]);
    assert!(error.contains("a.npy") && error.contains("shape"), "{error}");
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

    // Chunks that claim to hold more than the array has, or do.
    let zstd = [
        &b"\x28\xb5\x2f\xfd\xe0"[..],
        &(1_u64 << 60).to_le_bytes(),
        &[1, 0, 0, 0],
    ]
    .concat();
    let blosc = [&[2, 1, 0, 1][..], &u32::MAX.to_le_bytes(), &[0, 0, 1, 0, 16, 0, 0, 0]].concat();
    let gzip = {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![0; 3_000_000]).unwrap();
        gzip.finish().unwrap()
    };
    for (id, chunk) in [("zstd", zstd), ("blosc", blosc), ("gzip", gzip)] {
        let codec =
            format!(r#"{{"id": "{id}", "level": 1, "clevel": 5, "cname": "lz4", "shuffle": 1, "blocksize": 0}}"#);
        let fields: serde_json::Value = serde_json::from_str(&codec).unwrap();
        let known = match id {
            "blosc" => ["id", "clevel", "cname", "shuffle", "blocksize"].as_slice(),
            _ => &["id", "level"],
        };
        let codec: serde_json::Map<_, _> = known.iter().map(|&key| (key.to_owned(), fields[key].clone())).collect();
        let name = format!("{id}.zarr");
        let text = metadata("[4, 5, 6]", "[4, 5, 6]", &serde_json::Value::from(codec).to_string());
        folder.write(&format!("{name}/.zarray"), text.as_bytes());
        folder.write(&format!("{name}/0.0.0"), &chunk);
        for out in ["out.npy", "out.zarr"] {
            let (out, input) = (folder.text(out), folder.text(&name));
            let error = wrong(["encode", "--classes", "3", "--quiet", "--out", &out, &input]);
            assert!(
                ["more than its 120 bytes", "too much memory", "broken chunk"]
                    .iter()
                    .any(|text| error.contains(text)),
                "{error}"
            );
        }
    }

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
