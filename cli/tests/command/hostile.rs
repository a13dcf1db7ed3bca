//! Files that lie, and places where nothing can be written.

use super::{Folder, ball, run, well, wrong};

/// Each of these is one line and exit code 2.
#[test]
fn broken_files() {
    let folder = Folder::new();
    folder.nifti("good.nii", &ball(1));
    let nifti = std::fs::read(folder.path("good.nii")).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut copy = nifti.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    let npy = |header: &str| {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file
    };
    let gigantic = [3_i16, 32767, 32767, 32767].map(i16::to_le_bytes).concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
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
        // The library takes the last of two shapes.
        (
            "shapes.npy",
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, ), \"shape\": (9999999999999, ), }\n"),
        ),
        ("empty.nii", vec![]),
        ("header.nii", nifti[..200].to_vec()),
        ("cut.nii", nifti[..nifti.len() - 1].to_vec()),
        ("axes.nii", with(40, &9_i16.to_le_bytes())),
        ("gigantic.nii", with(40, &gigantic)),
        ("gigantic.nii.gz", {
            use std::io::Write;
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            gzip.write_all(&with(40, &gigantic)).unwrap();
            gzip.finish().unwrap()
        }),
        // Stored, so that the flipped bit is one of a voxel: only the checksum tells.
        ("flipped.nii.gz", {
            use std::io::Write;
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
            gzip.write_all(&nifti).unwrap();
            let mut file = gzip.finish().unwrap();
            let last = file.len() - 9;
            file[last] ^= 1;
            file
        }),
        ("type.nii", with(70, &2048_i16.to_le_bytes())),
        ("offset.nii", with(108, &1e30_f32.to_le_bytes())),
        (
            "offset_nan.nii",
            [with(108, &f32::NAN.to_le_bytes())[..nifti.len() - 9].to_vec()].concat(),
        ),
        ("text.png", b"hello".to_vec()),
        ("signature.png", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("text.tif", b"hello".to_vec()),
        ("loop.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec()),
        ("other.xyz", vec![]),
    ];
    for (name, bytes) in cases {
        folder.write(name, &bytes);
        let error = wrong([
            "encode",
            "--classes",
            "3",
            "--out",
            &folder.text("out.npy"),
            &folder.text(name),
        ]);
        assert!(error.contains(name), "{error}");
        assert!(!folder.path("out.npy").exists());
    }
}

#[cfg(unix)]
#[test]
fn links_pipes_and_odd_names() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    std::os::unix::fs::symlink("b.npy", folder.path("a.npy")).unwrap();
    std::os::unix::fs::symlink("a.npy", folder.path("b.npy")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path("zero.npy")).unwrap();
    for name in ["a.npy", "zero.npy"] {
        wrong([
            "encode",
            "--classes",
            "3",
            "--out",
            &folder.text("out.npy"),
            &folder.text(name),
        ]);
    }
    // A name that is not UTF-8 is encoded like any other.
    let odd = std::ffi::OsStr::from_bytes(b"in/\xff\xfe.npy");
    folder.npy("in/x.npy", &ball(1).into_dyn());
    std::fs::rename(folder.path("in/x.npy"), folder.0.path().join(odd)).unwrap();
    std::fs::create_dir(folder.path("in/deep.npy")).unwrap();
    let output = run([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("out"),
        &folder.text("in"),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(folder.path("out").read_dir().unwrap().count(), 1);
}

/// An output that is an input, an output in a folder that is not there.
#[test]
fn places() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(1).into_dyn());
    let a = folder.text("a.npy");
    let before = std::fs::read(&a).unwrap();
    assert!(wrong(["encode", "--classes", "3", "--overwrite", "--out", &a, &a]).contains("is an input, too"));
    assert_eq!(std::fs::read(&a).unwrap(), before);
    let nowhere = format!("{}/not/there/b.npy", folder.0.path().display());
    assert!(wrong(["encode", "--classes", "3", "--out", &nowhere, &a]).contains("make it first"));
    folder.write("file", b"");
    assert!(wrong(["encode", "--classes", "3", "--out", &folder.text("file"), &a]).contains("file"));
}

/// The process is killed while it writes: files may have one block here. What is written has another name until it is whole.
#[cfg(unix)]
#[test]
fn killed_while_writing() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(1).into_dyn());
    let script = "ulimit -f 1; trap '' XFSZ; \"$0\" encode --classes 3 --out out.npy a.npy";
    let shell = |script: &str| {
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", script, env!("CARGO_BIN_EXE_soft-labels")])
            .current_dir(&folder.0)
            .output()
            .unwrap()
    };
    let output = shell(script);
    // Told of the full disk, it cleans up.
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(folder.names("."), ["a.npy"]);
    let output = shell(&script.replace("trap '' XFSZ;", ""));
    assert_ne!(output.status.code(), Some(0));
    assert!(!folder.path("out.npy").exists());
}

/// Nothing that is read is written over, whatever is asked.
#[test]
fn inputs_are_spared() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(1).into_dyn());
    folder.npy("b.npy", &ball(2).into_dyn());
    let before = std::fs::read(folder.path("a.npy")).unwrap();
    let (a, b) = (folder.text("a.npy"), folder.text("b.npy"));
    let fixed = ["--classes", "3", "--overwrite"];
    for args in [
        vec!["encode", "--out", &a, "--raters", &a, &b],
        vec!["fuse", "--out", &b, "--raters", &a, &b],
        vec!["judge", "--csv", &a, &b, &a],
        vec!["judge", "--csv", &a, &a, &b],
    ] {
        let error = wrong(args.iter().chain(&fixed));
        assert!(error.contains("is an input, too"), "{error}");
    }
    let png = [0x89, b'P', b'N', b'G'];
    folder.write("a.png", &png);
    let picture = folder.text("a.png");
    wrong(["show", "--out", &picture, &picture].iter().chain(&fixed));
    assert_eq!(std::fs::read(&picture).unwrap(), png);
    let both = folder.text("both.svg");
    let error = wrong(
        ["judge", "--csv", &both, "--reliability", &both, &a, &b]
            .iter()
            .chain(&fixed),
    );
    assert!(error.contains("same file"), "{error}");
    assert_eq!(std::fs::read(&a).unwrap(), before);
    assert_eq!(folder.names("."), ["a.npy", "a.png", "b.npy"]);
}

/// The files of other options are inputs, too, and so is what links lead to.
#[cfg(unix)]
#[test]
fn all_that_is_read_is_spared() {
    let folder = Folder::new();
    folder.npy("in/a.npy", &ball(1).into_dyn());
    folder.npy("b.npy", &ball(2).into_dyn());
    folder.write("dataset.json", br#"{"labels": {"background": 0, "one": 1, "two": 2}}"#);
    folder.write("config.json", br#"{"method": "one_hot"}"#);
    let link = |from: &str, to: &str| std::os::unix::fs::symlink(folder.path(from), folder.path(to)).unwrap();
    link("dataset.json", "dataset.npy");
    link("dataset.json", "dataset.svg");
    link("dataset.json", "dataset.png");
    link("config.json", "config.npy");
    link("in", "link");
    let before = |name: &str| std::fs::read(folder.path(name)).unwrap();
    let kept = ["in/a.npy", "b.npy", "dataset.json", "config.json"].map(|name| (name, before(name)));
    let [a, b, dataset, config] = ["in/a.npy", "b.npy", "dataset.json", "config.json"].map(|name| folder.text(name));
    let out = |name: &str| folder.text(name);
    for args in [
        vec!["judge", "--dataset", &dataset, "--csv", &dataset, &a, &b],
        vec![
            "judge",
            "--dataset",
            &dataset,
            "--reliability",
            &out("dataset.svg"),
            &a,
            &b,
        ],
        vec!["encode", "--dataset", &dataset, "--out", &out("dataset.npy"), &a],
        vec![
            "encode",
            "--classes",
            "3",
            "--config",
            &config,
            "--out",
            &out("config.npy"),
            &a,
        ],
        vec![
            "fuse",
            "--dataset",
            &dataset,
            "--out",
            &out("dataset.npy"),
            "--raters",
            &a,
            &b,
        ],
        vec!["show", "--dataset", &dataset, "--out", &out("dataset.png"), &a],
        vec!["encode", "--classes", "3", "--out", &out("link/a.npy"), &a],
        vec!["encode", "--classes", "3", "--out", &out("link"), &out("in")],
        vec![
            "encode",
            "--classes",
            "3",
            "--out",
            &out("in"),
            "--raters",
            &out("link"),
        ],
        vec!["fuse", "--classes", "3", "--out", &out("in/new.npy"), &out("link")],
        vec![
            "judge",
            "--classes",
            "3",
            "--csv",
            &out("in/a.npy"),
            &out("link"),
            &out("in"),
        ],
    ] {
        let error = wrong(args.iter().copied().chain(["--overwrite"]));
        assert!(
            error.contains("is an input, too") || error.contains("lies in a folder of inputs"),
            "{error}"
        );
    }
    for (name, bytes) in kept {
        assert_eq!(before(name), bytes, "{name}");
    }
    // A folder within, and a table beside what is judged, are nobody's inputs.
    well(["encode", "--classes", "3", "--out", &out("in/soft"), &out("in")]);
    well([
        "judge",
        "--classes",
        "3",
        "--csv",
        &out("in/scores.csv"),
        &out("in"),
        &out("in"),
    ]);
}

/// Names of classes that fit no table, and of cases that steer a terminal.
#[test]
fn names() {
    let folder = Folder::new();
    folder.npy("a.npy", &ball(1).into_dyn());
    let long = format!(
        r#"{{"labels": {{"background": 0, "one": 1, "{}": 2}}}}"#,
        "x".repeat(70_000)
    );
    folder.write("dataset.json", long.as_bytes());
    let (input, dataset) = (folder.text("a.npy"), folder.text("dataset.json"));
    let error = wrong(["judge", "--dataset", &dataset, &input, &input]);
    assert!(error.contains("70000 characters"), "{error}");
    folder.npy("in/e\u{1b}[31m.npy", &ball(1).into_dyn());
    let output = run([
        "encode",
        "--classes",
        "3",
        "--out",
        &folder.text("out"),
        &folder.text("in"),
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
}

/// What does not fit in memory is an error, not the end of the program.
#[cfg(target_os = "linux")]
#[test]
fn under_a_limit_of_memory() {
    let folder = Folder::new();
    // Files with holes take no disk.
    let npy = |name: &str, kind: &str, bytes: u64| {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (20, 1000, 1000), }}");
        let mut file = b"\x93NUMPY\x01\x00v\x00".to_vec();
        file.extend(format!("{header:117}\n").as_bytes());
        folder.write(name, &file);
        let file = std::fs::File::options().write(true).open(folder.path(name)).unwrap();
        file.set_len(128 + bytes * 20_000_000).unwrap();
    };
    npy("bytes.npy", "|u1", 1);
    npy("bools.npy", "|b1", 1);
    npy("shorts.npy", "<i2", 2);
    npy("wide.npy", "<i8", 8);
    folder.nifti("small.nii", &ball(1));
    let mut nifti = std::fs::read(folder.path("small.nii")).unwrap()[..352].to_vec();
    for (at, len) in [3_i16, 1000, 1000, 20].into_iter().enumerate() {
        nifti[40 + 2 * at..42 + 2 * at].copy_from_slice(&len.to_le_bytes());
    }
    folder.write("a.nii", &nifti);
    let file = std::fs::File::options().write(true).open(folder.path("a.nii")).unwrap();
    file.set_len(352 + 20_000_000).unwrap();
    // 225 million pixels of a bit each.
    let mut encoder = png::Encoder::new(std::fs::File::create(folder.path("a.png")).unwrap(), 15_000, 15_000);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; 1875 * 15_000]).unwrap();
    writer.finish().unwrap();

    let limited = |limit: &str, args: &[&str]| {
        let script = format!("ulimit -v {limit}; exec \"$0\" \"$@\"");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_soft-labels")]);
        let output = shell
            .args(args)
            .args(["--classes", "2"])
            .current_dir(&folder.0)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert!(
            matches!(code, Some(0..=2)),
            "{args:?} under {limit}: {:?} {errors}",
            output.status
        );
        assert!(
            code == Some(0) || errors.starts_with("soft-labels: "),
            "{args:?} under {limit}: {errors}"
        );
        let _ = std::fs::remove_file(folder.path("out.npy"));
        code == Some(0)
    };
    for limit in ["100000", "400000"] {
        for input in ["bytes.npy", "bools.npy", "shorts.npy", "wide.npy", "a.nii", "a.png"] {
            for args in [
                &[
                    "encode",
                    "--jobs",
                    "1",
                    "--window",
                    "0:1,0:9,0:9",
                    "--out",
                    "out.npy",
                    input,
                ][..],
                &["encode", "--jobs", "1", "--out", "out.npy", input],
                &[
                    "encode",
                    "--jobs",
                    "1",
                    "--sparse",
                    "--out",
                    "out.npz",
                    "--overwrite",
                    input,
                ],
                &["fuse", "--jobs", "1", "--out", "out.npy", "--raters", input, input],
                &["judge", "--jobs", "1", input, input],
                &["show", "--out", "out.png", "--overwrite", input],
            ] {
                let well = limited(limit, args);
                assert!(!well || (input, limit) != ("wide.npy", "100000"), "160 MB in 100");
            }
        }
    }
    assert!(limited(
        "900000",
        &[
            "encode",
            "--jobs",
            "1",
            "--window",
            "0:1,0:9,0:9",
            "--out",
            "out.npy",
            "bytes.npy"
        ]
    ));
}
