//! NRRD and MetaImage, as ITK and 3D Slicer write them.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use ndarray::{Array3, Array4, array};
use soft_labels_files::{
    Axes, ElementType, ErrorKind, Geometry, read_labels, read_probabilities, read_segments, write_labels,
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

    fn put(&self, name: &str, header: &str, voxels: &[u8]) -> PathBuf {
        fs::write(self.path(name), [header.as_bytes(), voxels].concat()).unwrap();
        self.path(name)
    }
}

/// Turned by a quarter around z, as LPS; the first axis of (4, 3, 2) runs to the front.
const NRRD: &str = "NRRD0004\n# a note\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n\
    space directions: (0,-0.5,0) (0.7,0,0) (0,0,2)\nkinds: domain domain domain\nspace origin: (1,2,3)\n";
const META: &str = "ObjectType = Image\nNDims = 3\nBinaryData = True\nTransformMatrix = 0 -1 0 1 0 0 0 0 1\nOffset = 1 2 3\n\
    ElementSpacing = 0.5 0.7 2\nDimSize = 4 3 2\nElementType = MET_SHORT\n";
const AFFINE: [[f64; 4]; 3] = [[0.0, -0.7, 0.0, -1.0], [0.5, 0.0, 0.0, -2.0], [0.0, 0.0, 2.0, 3.0]];

fn labels() -> Array3<i16> {
    Array3::from_shape_fn((4, 3, 2), |(x, y, z)| (x + 4 * y + 12 * z) as i16 - 3)
}

/// The voxels, the first axis the fastest.
fn voxels(big_endian: bool) -> Vec<u8> {
    let labels = labels();
    let bytes = |&label: &i16| {
        if big_endian {
            label.to_be_bytes()
        } else {
            label.to_le_bytes()
        }
    };
    labels.t().iter().flat_map(bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[track_caller]
fn check(path: PathBuf) {
    let map = read_labels(path).unwrap();
    assert_eq!(map.geometry.axes(), Axes::Xyz);
    assert_eq!(map.element_type, ElementType::I16);
    let expected = Geometry::from_affine(&AFFINE);
    assert!(
        map.geometry.distance_in_voxels(&expected, &[4, 3, 2]).unwrap() < 1e-12,
        "{:?}",
        map.geometry
    );
    assert_eq!(map.geometry.spacing_mm(), Some(&[0.5, 0.7, 2.0][..]));
    assert_eq!(map.labels.cast::<i16>().unwrap(), labels().into_dyn());
}

#[test]
fn nrrd_raw_packed_and_detached_in_either_byte_order() {
    let folder = Folder::new();
    for (endian, big_endian) in [("little", false), ("big", true)] {
        let raw = voxels(big_endian);
        let header = format!("{NRRD}endian: {endian}\n");
        check(folder.put("a.nrrd", &format!("{header}encoding: raw\n\n"), &raw));
        check(folder.put("b.nrrd", &format!("{header}encoding: gzip\n\n"), &gzip(&raw)));
        let skipped = [b"a line\n12".as_slice(), &raw].concat();
        check(folder.put(
            "c.nrrd",
            &format!("{header}encoding: raw\nline skip: 1\nbyte skip: 2\n\n"),
            &skipped,
        ));
        check(folder.put("d.nrrd", &format!("{header}encoding: raw\nbyte skip: -1\n\n"), &skipped));
        folder.put("voxels.raw.gz", "", &gzip(&raw));
        check(folder.put(
            "e.nhdr",
            &format!("{header}encoding: gz\r\ndata file: voxels.raw.gz\r\n"),
            &[],
        ));
        check(folder.put(
            "f.nhdr",
            &format!("{header}encoding: gz\ndatafile: ./voxels.raw.gz\n\n"),
            &[],
        ));
    }
    // To the right and to the front, in metres.
    let header = NRRD
        .replace("left-posterior-superior", "RAS")
        .replace("(0,-0.5,0) (0.7,0,0) (0,0,2)", "(0,0.0005,0) (-0.0007,0,0) (0,0,0.002)")
        .replace("(1,2,3)", "(-0.001,-0.002,0.003)");
    let units = "space units: \"m\" \"m\" \"m\"\nendian: little\nencoding: raw\n\n";
    check(folder.put("g.nrrd", &(header + units), &voxels(false)));
    // Old headers have a spacing alone.
    let header = "NRRD0001\ntype: uint8\ndimension: 2\nsizes: 2 1\nspacings: 0.5 nan\nencoding: raw\n\n";
    let map = read_labels(folder.put("h.nrrd", header, &[7, 8])).unwrap();
    assert_eq!(map.labels.into_i64(), array![[7], [8]].into_dyn());
    assert_eq!(map.geometry.spacing_mm(), None);
}

#[test]
fn metaimage_raw_packed_and_detached_in_either_byte_order() {
    let folder = Folder::new();
    for (endian, big_endian) in [("False", false), ("True", true)] {
        let raw = voxels(big_endian);
        let header = format!("{META}BinaryDataByteOrderMSB = {endian}\n");
        check(folder.put("a.mha", &format!("{header}ElementDataFile = LOCAL\n"), &raw));
        let packed = format!("{header}CompressedData = True\nElementDataFile = LOCAL\r\n");
        check(folder.put("b.mha", &packed, &zlib(&raw)));
        folder.put("voxels.zraw", "", &zlib(&raw));
        check(folder.put(
            "c.mhd",
            &format!("{header}CompressedData = True\nElementDataFile = voxels.zraw\n"),
            &[],
        ));
        folder.put("voxels.raw", "12", &raw);
        check(folder.put(
            "d.mhd",
            &format!("{header}HeaderSize = -1\nElementDataFile = voxels.raw\n"),
            &[],
        ));
    }
}

#[test]
fn vectors_are_probabilities() {
    let folder = Folder::new();
    // Two classes of two voxels, the classes of a voxel together.
    let values: Vec<u8> = [0.25, 0.75, 0.5, 0.5_f32]
        .iter()
        .flat_map(|p| p.to_le_bytes())
        .collect();
    let nrrd = "NRRD0004\ntype: float\ndimension: 4\nspace: LPS\nsizes: 2 2 1 1\n\
        space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: vector domain domain domain\nendian: little\nencoding: raw\n\n";
    let meta =
        "NDims = 3\nDimSize = 2 1 1\nElementNumberOfChannels = 2\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n";
    for path in [folder.put("a.nrrd", nrrd, &values), folder.put("a.mha", meta, &values)] {
        let soft = read_probabilities(path, 3).unwrap();
        assert_eq!(soft.values, array![[[[0.25]], [[0.5]]], [[[0.75]], [[0.5]]]].into_dyn());
        assert_eq!(soft.geometry.affine().unwrap()[0], [-1.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new();
    let path = folder.path("a.nrrd");
    write_labels(&path, &labels(), &Geometry::from_affine(&AFFINE)).unwrap();
    check(path);
    let parts = Array4::from_shape_fn((2, 4, 3, 2), |(c, x, y, z)| {
        let part = (x * 50 + y * 3 + z) as u8;
        if c == 0 { part } else { 255 - part }
    });
    let soft = parts.mapv(|part| f64::from(part) / 255.0);
    write_probabilities(&folder.path("u8.nrrd"), &parts, &Geometry::from_affine(&AFFINE)).unwrap();
    write_probabilities(
        &folder.path("f64.nrrd"),
        &soft,
        &Geometry::from_spacing_mm(&[0.5, 0.7, 2.0]),
    )
    .unwrap();
    for name in ["u8.nrrd", "f64.nrrd"] {
        let read = read_probabilities(folder.path(name), 3).unwrap();
        assert_eq!(read.values, soft.clone().into_dyn(), "{name}");
        assert_eq!(read.geometry.spacing_mm(), Some(&[0.5, 0.7, 2.0][..]));
    }
    let image = soft.index_axis(ndarray::Axis(3), 0);
    write_probabilities(&folder.path("image.nrrd"), &image, &Geometry::unknown()).unwrap();
    assert_eq!(
        read_probabilities(folder.path("image.nrrd"), 2).unwrap().values,
        image.into_dyn()
    );
}

#[test]
fn segments_of_slicer() {
    let folder = Folder::new();
    let header = |layers: usize| {
        format!(
            "NRRD0004\ntype: unsigned char\ndimension: 4\nspace: left-posterior-superior\nsizes: {layers} 3 1 1\n\
             space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: list domain domain domain\nencoding: raw\n\
             space origin: (0,0,0)\nSegment0_ID:=s0\nSegment0_Name:=left: kidney\nSegment0_LabelValue:=2\nSegment0_Layer:=0\n\
             Segment1_Name:=tumour\nSegment1_LabelValue:=1\nSegment1_Layer:={}\n\n",
            layers - 1
        )
    };
    let path = folder.put("two.seg.nrrd", &header(2), &[0, 1, 2, 1, 2, 0]);
    let error = read_labels(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Content);
    assert!(
        error.to_string().contains("2 layers of segments that overlap"),
        "{error}"
    );
    let segments = read_segments(&path).unwrap();
    let mask = |name: &str| segments.mask(name).unwrap().into_raw_vec_and_offset().0;
    assert_eq!(mask("left: kidney"), [false, true, true]);
    assert_eq!(mask("tumour"), [true, true, false]);
    assert_eq!(segments.mask("spleen"), None);
    assert!(segments.geometry.affine().is_some());
    // One layer is a label map.
    let path = folder.put("one.seg.nrrd", &header(1), &[0, 1, 2]);
    assert_eq!(
        read_labels(&path).unwrap().labels.into_i64(),
        array![[[0]], [[1]], [[2]]].into_dyn()
    );
    assert_eq!(
        read_segments(&path)
            .unwrap()
            .mask("tumour")
            .unwrap()
            .iter()
            .filter(|&&inside| inside)
            .count(),
        1
    );
    let path = folder.put(
        "none.nrrd",
        &header(1).replace("Segment0", "Note").replace("Segment1", "Remark"),
        &[0, 1, 2],
    );
    assert!(
        read_segments(path)
            .unwrap_err()
            .to_string()
            .contains("names no segments")
    );
}

#[test]
fn headers_that_lie() {
    let outer = Folder::new();
    outer.put("secret.raw", "", &voxels(false));
    let folder = outer.path("inner");
    fs::create_dir(&folder).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(outer.path("secret.raw"), folder.join("link.raw")).unwrap();
    let secret = outer.path("secret.raw");
    let raw = format!("{NRRD}endian: little\nencoding: raw\n");
    let packed = format!("{NRRD}endian: little\nencoding: gzip\n");
    for name in [
        "../secret.raw",
        secret.to_str().unwrap(),
        "link.raw",
        "missing.raw",
        "",
        "LIST",
        "a%d.raw 1 3 1",
    ] {
        fs::write(folder.join("a.nhdr"), format!("{raw}data file: {name}\n")).unwrap();
        fs::write(folder.join("a.mhd"), format!("{META}ElementDataFile = {name}\n")).unwrap();
        for file in ["a.nhdr", "a.mhd"] {
            let error = read_labels(folder.join(file)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Content, "{name}: {error}");
        }
    }
    let large = |text: &str| text.replace("4 3 2", "4000000000 4000000000 2");
    let overflow = |text: &str| text.replace("4 3 2", "18446744073709551615 18446744073709551615 2");
    let wrong = |text: &str, from: &str, to: &str| text.replace(from, to) + "\n";
    for header in [
        String::new(),
        "NRRD".to_owned(),
        NRRD.to_owned(),
        large(&raw) + "\n",
        overflow(&raw) + "\n",
        large(&packed) + "\n",
        wrong(&raw, "dimension: 3", "dimension: 4"),
        wrong(&raw, "4 3 2", "4 3 0"),
        wrong(&raw, "4 3 2", "4 -3 2"),
        wrong(&raw, "short", "block"),
        wrong(&raw, "raw", "bzip2"),
        wrong(&raw, "(0,-0.5,0)", "(0,-0.5,0"),
        wrong(&raw, "(0,-0.5,0)", "none"),
        wrong(&raw, "(0,-0.5,0)", ""),
        format!("{raw}byte skip: 9223372036854775807\n\n"),
        format!("{raw}byte skip: -2\n\n"),
        format!("{raw}line skip: 99999999\n\n"),
        format!("{packed}byte skip: -1\n\n"),
        format!("{NRRD}{}", "x: y\n".repeat(300_000)),
        format!("{NRRD}a line\n\n"),
    ] {
        for name in ["a.nrrd", "a.nhdr"] {
            fs::write(folder.join(name), &header).unwrap();
            let error = read_labels(folder.join(name)).unwrap_err();
            assert_ne!(error.kind(), ErrorKind::Io, "{error}");
        }
    }
    let local = format!("{META}ElementDataFile = LOCAL\n");
    for header in [
        String::new(),
        META.to_owned(),
        large(&local),
        overflow(&local),
        local.replace("NDims = 3", "NDims = 2"),
        local.replace("NDims = 3", "ElementNumberOfChannels = 99999999999"),
        local.replace("BinaryData = True", "CompressedData = True"),
        local.replace("BinaryData = True", "BinaryData = False"),
        local.replace("BinaryData = True", "HeaderSize = -7"),
        local.replace("MET_SHORT", "MET_OTHER"),
        local.replace("DimSize = 4 3 2", "DimSize = 4 3 x"),
        "a = b\n".repeat(2000),
    ] {
        fs::write(folder.join("a.mha"), &header).unwrap();
        let error = read_labels(folder.join("a.mha")).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Io, "{error}");
    }
    // Cut off, and with a bit turned over.
    let mut packed = [format!("{packed}\n").as_bytes(), &gzip(&voxels(false))].concat();
    let last = packed.len() - 6;
    packed[last] ^= 1;
    fs::write(folder.join("a.nrrd"), &packed).unwrap();
    assert_eq!(
        read_labels(folder.join("a.nrrd")).unwrap_err().kind(),
        ErrorKind::Broken
    );
    fs::write(folder.join("a.nrrd"), &packed[..last]).unwrap();
    assert_eq!(
        read_labels(folder.join("a.nrrd")).unwrap_err().kind(),
        ErrorKind::Broken
    );
}
