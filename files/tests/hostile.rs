//! Files that lie. Each of them is an error that names the file, with no panic in the caller.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::Array3;
use soft_labels_files::{ErrorKind, Geometry, read_dataset, read_labels, read_prediction, write_labels};

fn npy(header: &str) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file
}

fn gzip(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), compression);
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn broken_files() -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.nii");
    write_labels(&path, &Array3::<u8>::ones((5, 6, 7)), &Geometry::unknown()).unwrap();
    let nifti = fs::read(path).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut copy = nifti.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    let gigantic = with(40, &[3_i16, 32767, 32767, 32767].map(i16::to_le_bytes).concat());
    vec![
        ("empty.npy", vec![]),
        ("magic.npy", b"\x93NUMPY".to_vec()),
        (
            "large.npy",
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\n"),
        ),
        ("header.npy", {
            // Version 3, whose header is 600 MB long.
            let header = "{'descr': '<u8', 'fortran_order': True, 'shape': (2, ), }";
            [&b"\x93NUMPY\x03\x00v\x00{'"[..], header.as_bytes()].concat()
        }),
        ("nested.npy", npy(&format!("{}\n", "(".repeat(60000)))),
        (
            "negative.npy",
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 4), }\n"),
        ),
        (
            "shapes.npy",
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, ), \"shape\": (9999999999999, ), }\n"),
        ),
        ("empty.nii", vec![]),
        ("header.nii", nifti[..200].to_vec()),
        ("cut.nii", nifti[..nifti.len() - 1].to_vec()),
        ("axes.nii", with(40, &9_i16.to_le_bytes())),
        ("bits.nii", with(72, &16_i16.to_le_bytes())),
        ("type.nii", with(70, &2048_i16.to_le_bytes())),
        ("offset.nii", with(108, &1e30_f32.to_le_bytes())),
        ("gigantic.nii.gz", gzip(&gigantic, Compression::best())),
        ("gigantic.nii", gigantic),
        // Stored, so that the flipped bit is one of a voxel: only the checksum tells.
        ("flipped.nii.gz", {
            let mut file = gzip(&nifti, Compression::none());
            let last = file.len() - 9;
            file[last] ^= 1;
            file
        }),
        ("text.png", b"hello".to_vec()),
        ("signature.png", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("text.tif", b"hello".to_vec()),
        ("loop.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec()),
        ("other.xyz", vec![]),
        ("sparse.npz", vec![]),
    ]
}

#[test]
fn broken_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in broken_files() {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let errors = [read_labels(&path).unwrap_err(), read_prediction(&path, 3).unwrap_err()];
        for error in errors {
            assert_eq!(error.path(), Some(path.as_path()));
            assert!(error.to_string().contains(name), "{error}");
            let expected = match name {
                "other.xyz" => ErrorKind::Format,
                "sparse.npz" if error.kind() == ErrorKind::Format => ErrorKind::Format,
                _ => ErrorKind::Broken,
            };
            assert!(
                error.kind() == expected || error.kind() == ErrorKind::Content,
                "{error}: {:?}",
                error.kind()
            );
        }
    }
    let missing = read_labels(folder.path().join("missing.npy")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Io);
    assert!(std::error::Error::source(&missing).is_some());
    fs::create_dir(folder.path().join("folder.npy")).unwrap();
    assert_eq!(
        read_labels(folder.path().join("folder.npy")).unwrap_err().kind(),
        ErrorKind::Broken
    );
}

#[test]
fn datasets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dataset.json");
    let name = "x".repeat(201);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"labels": 3}"#,
        r#"{"labels": {"a": 1.5}}"#,
        r#"{"labels": {"a": []}}"#,
        r#"{"labels": {"a": "b"}}"#,
        &format!(r#"{{"labels": {{"{name}": 1}}}}"#),
    ] {
        fs::write(&path, text).unwrap();
        assert!(read_dataset(&path).is_err(), "{text}");
    }
    // nnU-Net 1, and a region of a label that has no name.
    fs::write(&path, r#"{"labels": {"0": "background", "1": "a", "whole": [1, 7]}}"#).unwrap();
    let dataset = read_dataset(&path).unwrap();
    assert_eq!(
        dataset.classes,
        [(0, "background".into()), (1, "a".into()), (7, "7".into())]
    );
}

#[cfg(feature = "zarr")]
#[test]
fn zarr() {
    let metadata = |shape: &str, chunks: &str, compressor: &str| {
        format!(
            r#"{{"zarr_format": 2, "shape": {shape}, "chunks": {chunks}, "dtype": "|u1", "compressor": {compressor}, "fill_value": 0, "order": "C", "filters": null}}"#
        )
    };
    let gzip = r#"{"id": "gzip", "level": 1}"#;
    for (text, chunk) in [
        (metadata("[4, 5, 6]", "[4, 5, 6]", r#"{"id": "no-such-codec"}"#), 0),
        (metadata("[4, 5, 6]", "[0, 5, 6]", "null"), 0),
        (metadata("[4, 5, 6]", "[4000000000, 4000000000, 6]", "null"), 0),
        (metadata("[4, 0, 6]", "[4, 5, 6]", "null"), 0),
        (metadata("[1000000, 1000000, 1000000]", "[64, 64, 64]", "null"), 0),
        (metadata("[4]", "[4]", "null").replace("|u1", "<c8"), 0),
        ("{".to_owned(), 0),
        // With many more bytes than the chunk has to hold, and with fewer.
        (metadata("[4, 5, 6]", "[4, 5, 6]", gzip), 10_000),
        (metadata("[4, 5, 6]", "[4, 5, 6]", "null"), 100),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".zarray"), &text).unwrap();
        if chunk > 0 {
            fs::write(folder.path().join("0.0.0"), vec![7; chunk]).unwrap();
        }
        let error = read_labels(folder.path()).unwrap_err();
        assert_eq!(error.path(), Some(folder.path()), "{text}");
    }
}
