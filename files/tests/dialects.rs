//! Files as other programs write them.

use std::fs;
use std::path::PathBuf;

use ndarray::{Array1, Array3, Array4, ArrayD, Axis, array};
use soft_labels_files::{
    ElementType, ErrorKind, Geometry, Prediction, read_labels, read_prediction, read_probabilities, write_labels,
    write_probabilities,
};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn small() -> Array3<u8> {
    Array3::from_shape_fn((6, 5, 4), |(x, y, z)| {
        u8::from((2..4).contains(&x) && (1..4).contains(&y) && (1..3).contains(&z))
    })
}

/// A NIfTI file of these voxels, of which some bytes of the header are others.
fn nifti(code: i16, shape: &[u16], voxels: &[u8], changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut header = vec![0; 352];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &348_i32.to_le_bytes());
    put(40, &(shape.len() as u16).to_le_bytes());
    for (axis, len) in shape.iter().enumerate() {
        put(42 + 2 * axis, &len.to_le_bytes());
    }
    let bytes = voxels.len() / shape.iter().map(|&len| usize::from(len)).product::<usize>();
    put(70, &code.to_le_bytes());
    put(72, &(8 * bytes as i16).to_le_bytes());
    for axis in 0..8 {
        put(76 + 4 * axis, &1_f32.to_le_bytes());
    }
    put(108, &352_f32.to_le_bytes());
    put(344, b"n+1\0");
    for (at, bytes) in changes {
        put(*at, bytes);
    }
    [header, voxels.to_vec()].concat()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Labels of a file with voxels of 16 bits, 0, 10 and 20, and this slope and offset.
fn with_slope(slope: f32, offset: f32) -> Result<Vec<i64>, soft_labels_files::Error> {
    let folder = Folder::new();
    let voxels = [0_i16, 10, 20].map(i16::to_le_bytes).concat();
    let path = folder.put(
        "a.nii",
        &nifti(4, &[3, 1, 1], &voxels, &[(112, &floats(&[slope, offset]))]),
    );
    Ok(read_labels(path)?.labels.into_i64().into_raw_vec_and_offset().0)
}

#[test]
fn slopes_of_32_bits() {
    assert_eq!(with_slope(f32::NAN, f32::NAN).unwrap(), [0, 10, 20]);
    assert_eq!(with_slope(0.0, 7.0).unwrap(), [0, 10, 20]);
    assert_eq!(with_slope(1.0, f32::NAN).unwrap(), [0, 10, 20]);
    assert_eq!(with_slope(0.1, 0.0).unwrap(), [0, 1, 2]);
    assert_eq!(with_slope(0.3, 7.0).unwrap(), [7, 10, 13]);
    assert_eq!(with_slope(-2.0, 1.0).unwrap(), [1, -19, -39]);
    let error = with_slope(0.05, 0.0).unwrap_err().to_string();
    assert!(error.contains("at [1, 0, 0], which is no label"), "{error}");
}

#[test]
fn large_labels_are_exact_or_an_error() {
    let folder = Folder::new();
    let large = (1_i64 << 53) + 1;
    let voxels = [large, i64::MAX, i64::MIN].map(i64::to_le_bytes).concat();
    for (slope, inter) in [(0.0, 0.0), (1.0, 0.0)] {
        let path = folder.put(
            "a.nii",
            &nifti(1024, &[3, 1, 1], &voxels, &[(112, &floats(&[slope, inter]))]),
        );
        let labels = read_labels(path).unwrap().labels.into_i64();
        assert_eq!(labels.into_raw_vec_and_offset().0, [large, i64::MAX, i64::MIN]);
    }
    let path = folder.put(
        "b.nii",
        &nifti(1024, &[1, 1, 1], &large.to_le_bytes(), &[(112, &floats(&[2.0, 3.0]))]),
    );
    assert_eq!(read_labels(path).unwrap().labels.into_i64()[[0, 0, 0]], 2 * large + 3);
    for (value, label) in [
        (2_f64.powi(63), None),
        (-2_f64.powi(63), Some(i64::MIN)),
        (f64::NAN, None),
    ] {
        let path = folder.put("c.nii", &nifti(64, &[1, 1, 1], &value.to_le_bytes(), &[]));
        let read = read_labels(path).ok().map(|map| map.labels.into_i64()[[0, 0, 0]]);
        assert_eq!(read, label, "{value}");
    }
}

/// The same place by the sform, by the qform and by the spacing alone.
#[test]
fn three_methods_give_one_affine() {
    let folder = Folder::new();
    let pixdim = floats(&[1.0, 0.7, 0.8, 2.0]);
    let rows = floats(&[0.7, 0.0, 0.0, -20.0, 0.0, 0.8, 0.0, 13.0, 0.0, 0.0, 2.0, 5.0]);
    let at_zero = floats(&[0.7, 0.0, 0.0, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
    let origin = floats(&[-20.0, 13.0, 5.0]);
    let one = 1_i16.to_le_bytes();
    let of = |name: &str, changes: &[(usize, &[u8])]| {
        let changes = [&[(76, pixdim.as_slice())], changes].concat();
        let voxels = small().into_raw_vec_and_offset().0;
        read_labels(folder.put(name, &nifti(2, &[6, 5, 4], &voxels, &changes)))
            .unwrap()
            .geometry
    };
    let sform = of("sform.nii", &[(254, &one), (280, &rows)]);
    let qform = of("qform.nii", &[(252, &one), (268, &origin)]);
    let spacing = of("spacing.nii", &[]);
    let zero = of("zero.nii", &[(254, &one), (280, &at_zero)]);
    let shape = [6, 5, 4];
    assert!(sform.distance_in_voxels(&qform, &shape).unwrap() < 1e-6);
    assert!(qform.distance_in_voxels(&sform, &shape).unwrap() < 1e-6);
    assert!(spacing.distance_in_voxels(&zero, &shape).unwrap() < 1e-6);
    let far = spacing.distance_in_voxels(&sform, &shape).unwrap();
    let expected = ((20.0 / 0.7_f64).powi(2) + (13.0 / 0.8_f64).powi(2) + 2.5_f64.powi(2)).sqrt();
    assert!((far - expected).abs() < 1e-4, "{far}, not {expected}");
    // The same lengths in micrometres and in metres.
    for (code, factor) in [(1_u8, 1e-3), (3, 1e3)] {
        let scaled = |bytes: &[u8]| {
            let values = bytes
                .as_chunks()
                .0
                .iter()
                .map(|&value| f32::from_le_bytes(value) * factor);
            floats(&values.collect::<Vec<_>>())
        };
        let geometry = of(
            "unit.nii",
            &[
                (80, &scaled(&pixdim[4..])),
                (123, &[code]),
                (254, &one),
                (280, &scaled(&rows)),
            ],
        );
        assert!(geometry.distance_in_voxels(&sform, &shape).unwrap() < 1e-5);
        let expected = [0.7, 0.8, 2.0];
        for (step, expected) in geometry.spacing_mm().unwrap().iter().zip(expected) {
            assert!((step - expected).abs() < 1e-6, "{step}");
        }
    }
}

#[test]
fn vectors_and_a_foreground_in_nifti() {
    let folder = Folder::new();
    // (x, y, z, 1, C), as ITK writes vectors.
    let values = floats(&[0.25, 0.5, 0.75, 0.5]);
    let path = folder.put("vector.nii", &nifti(16, &[2, 1, 1, 1, 2], &values, &[]));
    let soft = read_probabilities(path, 3).unwrap().values;
    assert_eq!(soft, array![[[[0.25]], [[0.5]]], [[[0.75]], [[0.5]]]].into_dyn());
    let path = folder.put("foreground.nii", &nifti(16, &[2, 1, 2], &values, &[]));
    match read_prediction(&path, 3).unwrap() {
        Prediction::Foreground(p) => assert_eq!(p.values[[1, 0, 1]], 0.5),
        other => panic!("{other:?}"),
    }
    let error = read_labels(&path).unwrap_err();
    assert!(error.to_string().contains("probabilities"), "{error}");
    // Whole floats are labels.
    let path = folder.put("whole.nii", &nifti(16, &[2, 1, 2], &floats(&[0.0, 1.0, 2.0, 1.0]), &[]));
    assert!(matches!(read_prediction(path, 3).unwrap(), Prediction::Labels(_)));
}

#[test]
fn bytes_in_nifti_have_a_slope() {
    let folder = Folder::new();
    let parts = Array4::from_shape_fn((2, 3, 2, 2), |(c, x, y, z)| {
        let part = (x * 80 + y * 7 + z) as u8;
        if c == 0 { part } else { 255 - part }
    });
    for name in ["a.nii", "a.nii.gz"] {
        write_probabilities(&folder.path(name), &parts, &Geometry::unknown()).unwrap();
        let soft = read_probabilities(folder.path(name), 3).unwrap().values;
        assert_eq!(soft, parts.mapv(|part| f64::from(part) / 255.0).into_dyn());
    }
    let bytes = fs::read(folder.path("a.nii")).unwrap();
    assert_eq!(bytes[112..116], (1.0_f32 / 255.0).to_le_bytes());
    assert_eq!(bytes.len(), 352 + 24);
}

#[test]
fn nifti_2() {
    let folder = Folder::new();
    for big in [false, true] {
        let mut file = vec![0; 544];
        let mut put = |at: usize, mut bytes: Vec<u8>| {
            if big {
                bytes.reverse();
            }
            file[at..at + bytes.len()].copy_from_slice(&bytes);
        };
        put(0, 540_i32.to_le_bytes().to_vec());
        put(12, 4_i16.to_le_bytes().to_vec());
        put(14, 16_i16.to_le_bytes().to_vec());
        for (axis, len) in [3_i64, 3, 1, 2].into_iter().enumerate() {
            put(16 + 8 * axis, len.to_le_bytes().to_vec());
        }
        for (axis, step) in [1.0, 500.0, 600.0, 700.0_f64].into_iter().enumerate() {
            put(104 + 8 * axis, step.to_le_bytes().to_vec());
        }
        put(168, 544_i64.to_le_bytes().to_vec());
        put(176, 1_f64.to_le_bytes().to_vec());
        put(500, 3_i32.to_le_bytes().to_vec());
        file[4..8].copy_from_slice(b"n+2\0");
        for label in [0_i16, 1, 2, 3, 4, 500] {
            file.extend(if big { label.to_be_bytes() } else { label.to_le_bytes() });
        }
        let map = read_labels(folder.put("a.nii", &file)).unwrap();
        assert_eq!(map.labels.shape(), [3, 1, 2]);
        assert_eq!(map.element_type, ElementType::I16);
        for (step, expected) in map.geometry.spacing_mm().unwrap().iter().zip([0.5, 0.6, 0.7]) {
            assert!((step - expected).abs() < 1e-9, "{step}");
        }
        assert_eq!(map.labels.into_i64()[[2, 0, 1]], 500);
    }
}

#[test]
fn gzip_with_zeros_behind_it() {
    let folder = Folder::new();
    let path = folder.path("a.nii.gz");
    write_labels(&path, &small(), &Geometry::unknown()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 500]);
    let padded = folder.put("padded.nii.gz", &bytes);
    assert_eq!(read_labels(padded).unwrap().labels, read_labels(&path).unwrap().labels);
    bytes.extend(b"more");
    let error = read_labels(folder.put("more.nii.gz", &bytes)).unwrap_err();
    assert!(error.to_string().contains("neither gzip nor zeros"), "{error}");
}

fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values);
    file
}

#[test]
fn whole_floats_in_npy() {
    let folder = Folder::new();
    let path = folder.put(
        "a.npy",
        &npy("<f8", "(2,)", &[0.0, 3.0_f64].map(f64::to_le_bytes).concat()),
    );
    assert_eq!(
        read_labels(path).unwrap().labels.into_i64(),
        Array1::from(vec![0, 3]).into_dyn()
    );
    let path = folder.put(
        "b.npy",
        &npy(">f4", "(1, 2)", &[7.0, 1.5_f32].map(f32::to_be_bytes).concat()),
    );
    let error = read_labels(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Content);
    assert!(
        error
            .to_string()
            .ends_with("holds 1.5 at [0, 1], which is no label; labels are whole numbers"),
        "{error}"
    );
    // 16 bits, as probabilities and as labels.
    let halves = [0.25, 0.75].map(|p| half::f16::from_f64(p).to_le_bytes()).concat();
    let path = folder.put("c.npy", &npy("<f2", "(2, 1, 1)", &halves));
    assert_eq!(
        read_probabilities(path, 2).unwrap().values,
        array![[[0.25]], [[0.75]]].into_dyn()
    );
    // Any byte but 0 is true.
    let path = folder.put("d.npy", &npy("|b1", "(3,)", &[0, 1, 7]));
    assert_eq!(
        read_labels(path).unwrap().labels.into_i64(),
        Array1::from(vec![0, 1, 1]).into_dyn()
    );
}

/// A TIFF file of pages of 3 x 2 pixels without compression.
struct Tiff {
    bits: u16,
    /// 1 for numbers without a sign, 3 for floats.
    format: u16,
    /// 0 if white is 0, 1 if black is, 3 for a palette.
    colours: u16,
    description: &'static str,
    /// The first one's kind, and the pixels.
    pages: Vec<(u32, Vec<u8>)>,
}

impl Tiff {
    fn bytes(&self, big_endian: bool) -> Vec<u8> {
        let u16 = |value: u16| {
            if big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let u32 = |value: u32| {
            if big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let mut file = if big_endian {
            b"MM\0*".to_vec()
        } else {
            b"II*\0".to_vec()
        };
        file.extend(u32(8));
        for (page, (kind, pixels)) in self.pages.iter().enumerate() {
            let text = format!("{}\0\0\0\0", self.description);
            let map = 2 * 3 * (1_u32 << self.bits.min(8));
            let behind = file.len() as u32 + 2 + 12 * 12 + 4;
            let entries = [
                (254, 4, 1, *kind),
                (256, 3, 1, 3),
                (257, 3, 1, 2),
                (258, 3, 1, self.bits.into()),
                (259, 3, 1, 1),
                (262, 3, 1, self.colours.into()),
                (270, 2, text.len() as u32, behind),
                (273, 4, 1, behind + text.len() as u32 + map),
                (277, 3, 1, 1),
                (278, 3, 1, 2),
                (279, 4, 1, pixels.len() as u32),
                (320, 3, map / 2, behind + text.len() as u32),
            ];
            let end = behind as usize + text.len() + map as usize + pixels.len();
            file.extend(u16(entries.len() as u16 + 1));
            let at = file.len();
            for (tag, kind, count, value) in entries {
                file.extend(u16(tag));
                file.extend(u16(kind));
                file.extend(u32(count));
                if kind == 3 && count == 1 {
                    file.extend(u16(value as u16));
                    file.extend(u16(0));
                } else {
                    // What is behind the entries is 12 bytes further, for the last one.
                    let moved = matches!(tag, 270 | 273 | 320);
                    file.extend(u32(value + if moved { 12 } else { 0 }));
                }
            }
            file.extend([u16(339), u16(3)].concat());
            file.extend(u32(1));
            file.extend([u16(self.format), u16(0)].concat());
            assert_eq!(file.len(), at + 12 * 13);
            let last = page + 1 == self.pages.len();
            file.extend(u32(if last { 0 } else { end as u32 + 12 }));
            file.extend(text.as_bytes());
            file.extend(vec![0; map as usize]);
            file.extend(pixels);
        }
        file
    }
}

fn tiff(colours: u16, description: &'static str, pages: &[[u8; 6]]) -> Tiff {
    Tiff {
        bits: 8,
        format: 1,
        colours,
        description,
        pages: pages.iter().map(|page| (0, page.to_vec())).collect(),
    }
}

fn labels_of(file: &Tiff, big_endian: bool) -> Result<ArrayD<i64>, soft_labels_files::Error> {
    let folder = Folder::new();
    Ok(read_labels(folder.put("a.tif", &file.bytes(big_endian)))?
        .labels
        .into_i64())
}

#[test]
fn tiff_as_it_is_stored() {
    let pixels = [0, 1, 2, 255, 7, 0];
    for colours in [0, 1, 3] {
        for big_endian in [false, true] {
            let labels = labels_of(&tiff(colours, "", &[pixels]), big_endian).unwrap();
            assert_eq!(labels, array![[0, 1, 2], [255, 7, 0]].into_dyn(), "{colours}");
            let labels = labels_of(&tiff(colours, "", &[pixels, [1; 6]]), big_endian).unwrap();
            assert_eq!(labels.shape(), [2, 2, 3]);
            assert_eq!(labels.index_axis(Axis(0), 1), array![[1, 1, 1], [1, 1, 1]].into_dyn());
        }
    }
    let values = [0.0, 3.0, 1.0, 1.0, 0.0, 2.0_f32];
    let mut file = Tiff {
        bits: 32,
        format: 3,
        pages: vec![(0, floats(&values))],
        ..tiff(1, "", &[])
    };
    assert_eq!(
        labels_of(&file, false).unwrap(),
        array![[0, 3, 1], [1, 0, 2]].into_dyn()
    );
    file.pages = vec![(0, floats(&values.map(|value| value / 4.0)))];
    let error = labels_of(&file, false).unwrap_err();
    assert!(error.to_string().contains("holds 0.75 at [0, 1]"), "{error}");
}

#[test]
fn pixels_of_odd_bits() {
    let mut file = tiff(1, "", &[[0; 6]]);
    for bits in [3, 5, 6, 7] {
        file.bits = bits;
        assert!(labels_of(&file, false).is_err(), "{bits}");
    }
}

/// The library makes room for as many offsets as a directory says.
#[test]
fn a_tiff_with_a_count_that_lies() {
    let folder = Folder::new();
    let file = tiff(1, "", &[[0; 6], [1; 6]]).bytes(false);
    let entry = [273_u16.to_le_bytes(), 4_u16.to_le_bytes()].concat();
    let places: Vec<_> = (0..file.len()).filter(|&at| file[at..].starts_with(&entry)).collect();
    assert_eq!(places.len(), 2);
    for place in places {
        let mut broken = file.clone();
        broken[place + 4..place + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(read_labels(folder.put("a.tif", &broken)).is_err());
    }
}

#[test]
fn axes_of_tiff() {
    let pages = [[0; 6], [1; 6], [2; 6], [3; 6]];
    for (description, error) in [
        ("ImageJ=1.53\nimages=4\nframes=4\n", "4 times (ImageJ)"),
        ("ImageJ=1.53\nimages=4\nchannels=2\nslices=2\n", "2 channels (ImageJ)"),
        (
            "<OME><Image><Pixels SizeC=\"1\" SizeT=\"2\" SizeZ=\"2\"/></Image></OME>",
            "2 times (OME)",
        ),
        (
            "<OME><Image><Pixels SizeZ=\"2\"/></Image><Image><Pixels SizeZ=\"2\"/></Image></OME>",
            "2 images (OME)",
        ),
        ("{\"shape\": [4, 2, 3], \"axes\": \"TYX\"}", "4 times (tifffile)"),
        ("ImageJ=1.53\nimages=9\nslices=9\n", "4 pages"),
    ] {
        let found = labels_of(&tiff(1, description, &pages), false).unwrap_err().to_string();
        assert!(found.contains(error), "{found}");
    }
    for (description, shape) in [
        ("ImageJ=1.53\nimages=4\nslices=4\n", &[4, 2, 3][..]),
        ("{\"shape\": [2, 2, 2, 3]}", &[2, 2, 2, 3]),
        ("{\"shape\": [1, 4, 2, 3], \"axes\": \"TZYX\"}", &[4, 2, 3]),
        ("a note", &[4, 2, 3]),
    ] {
        let labels = labels_of(&tiff(1, description, &pages), true).unwrap();
        assert_eq!(labels.shape(), shape, "{description}");
    }
    // An overview is no slice.
    let mut file = tiff(1, "", &pages);
    file.pages[1].0 = 1;
    assert_eq!(labels_of(&file, false).unwrap().shape(), [3, 2, 3]);
}

#[test]
fn spacing_of_tiff() {
    let folder = Folder::new();
    let description = "<OME><Image><Pixels PhysicalSizeX=\"0.5\" PhysicalSizeY='2' PhysicalSizeZ=\"3\" PhysicalSizeXUnit=\"mm\" SizeZ=\"2\"/></Image></OME>";
    let path = folder.put("a.tif", &tiff(1, description, &[[0; 6], [1; 6]]).bytes(false));
    let geometry = read_labels(path).unwrap().geometry;
    assert_eq!(geometry.spacing_mm(), Some(&[0.003, 0.002, 0.5][..]));
}

#[cfg(feature = "zarr")]
#[test]
fn chunks_that_are_not_there() {
    use soft_labels_files::zarr::ArrayWriter;

    let folder = Folder::new();
    let path = folder.path("a.zarr");
    let writer = ArrayWriter::create(&path, &[300, 300, 300], &[64, 64, 64], ElementType::U8, &[]).unwrap();
    writer.write(&[1, 2, 3], &Array3::<u8>::ones((2, 2, 2))).unwrap();
    let labels = read_labels(&path).unwrap().labels.cast::<u8>().unwrap();
    assert_eq!(labels.shape(), [300, 300, 300]);
    assert_eq!(labels.iter().filter(|&&label| label == 1).count(), 8);
    assert_eq!(labels[[65, 129, 193]], 1);
    // The fill value of version 2.
    let metadata = r#"{"zarr_format": 2, "shape": [3, 4], "chunks": [2, 2], "dtype": "<i2", "compressor": null, "fill_value": -7, "order": "C", "filters": null}"#;
    folder.put("b.zarr/.zarray", metadata.as_bytes());
    let labels = read_labels(folder.path("b.zarr")).unwrap().labels.into_i64();
    assert_eq!(labels, ArrayD::from_elem(vec![3, 4], -7));
    // No memory for what is not there.
    let metadata = metadata
        .replace("[3, 4]", "[4000000000, 4000000000]")
        .replace("[2, 2]", "[4096, 4096]");
    folder.put("c.zarr/.zarray", metadata.as_bytes());
    assert_eq!(
        read_labels(folder.path("c.zarr")).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

#[test]
fn a_header_with_its_voxels_beside() {
    let folder = Folder::new();
    let voxels = small().t().iter().copied().collect::<Vec<_>>();
    let whole = nifti(2, &[6, 5, 4], &voxels, &[(108, &floats(&[0.0])), (344, b"ni1\0")]);
    let header = folder.put("a.hdr", &whole[..348]);
    let error = read_labels(&header).unwrap_err();
    assert!(error.to_string().contains("has no .img of the same name"), "{error}");
    folder.put("a.img", &whole[352..]);
    assert_eq!(
        read_labels(&header).unwrap().labels.cast::<u8>().unwrap(),
        small().into_dyn()
    );
    let error = read_labels(folder.path("a.img")).unwrap_err();
    assert!(
        error.to_string().contains("name the file that ends with .hdr"),
        "{error}"
    );
    let mut analyze = whole[..348].to_vec();
    analyze[344..].fill(0);
    let error = read_labels(folder.put("a.hdr", &analyze)).unwrap_err();
    assert!(error.to_string().contains("ANALYZE 7.5"), "{error}");
}

#[test]
fn what_is_no_image_is_named() {
    let folder = Folder::new();
    for (bytes, what) in [
        (
            &b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"[..],
            "git lfs pull",
        ),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"", "is empty"),
    ] {
        for name in ["a.nii", "a.nii.gz", "a.npy", "a.png", "a.tif", "a.nrrd", "a.mha"] {
            let error = read_labels(folder.put(name, bytes)).unwrap_err();
            assert!(error.to_string().contains(what), "{name}: {error}");
        }
    }
    let path = folder.put("dataset.json", "\u{feff}{\"labels\": {\"a\": 1}}".as_bytes());
    assert_eq!(
        soft_labels_files::read_dataset(path).unwrap().classes,
        [(1, "a".into())]
    );
}

#[test]
fn predictions_in_npz() {
    use soft_labels::{Classes, SoftEncoder, Svls, sparse};
    use soft_labels_files::{Axes, read_prediction_of, write_sparse};

    let folder = Folder::new();
    let classes = Classes::contiguous(2).unwrap();
    let path = folder.path("sparse.npz");
    let map = small().into_dyn();
    write_sparse(&path, &sparse::encode(&Svls::default(), &map, &classes).unwrap()).unwrap();
    let dense: ArrayD<f32> = Svls::default().encode(&map, &classes).unwrap();
    let read = |path: &PathBuf, order| match read_prediction_of(path, 3, order).unwrap() {
        Prediction::Probabilities(p) => p.values,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&path, Axes::Xyz), dense.mapv(f64::from));

    // nnU-Net: (C, z, y, x).
    let soft = Array4::from_shape_fn((2, 4, 5, 6), |(c, z, y, x)| (c * 7 + z * 5 + y * 3 + x) as f32 / 64.0);
    for name in ["probabilities", "softmax"] {
        let path = folder.path(&format!("{name}.npz"));
        let packed = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        let mut npz = ndarray_npy::NpzWriter::new_with_options(fs::File::create(&path).unwrap(), packed);
        npz.add_array(name, &soft).unwrap();
        npz.finish().unwrap();
        assert_eq!(read(&path, Axes::Dhw), soft.mapv(f64::from).into_dyn());
        let turned = soft.view().permuted_axes([0, 3, 2, 1]).mapv(f64::from);
        assert_eq!(read(&path, Axes::Xyz), turned.into_dyn());
    }
    let path = folder.path("other.npz");
    let mut npz = ndarray_npy::NpzWriter::new(fs::File::create(&path).unwrap());
    npz.add_array("class", &soft).unwrap();
    npz.finish().unwrap();
    assert_eq!(read_prediction(&path, 3).unwrap_err().kind(), ErrorKind::Content);
    let bytes = fs::read(folder.path("sparse.npz")).unwrap();
    for end in (0..bytes.len()).step_by(97) {
        assert!(read_prediction(folder.put("cut.npz", &bytes[..end]), 3).is_err());
    }
}

#[cfg(feature = "zarr")]
#[test]
fn groups_of_ome_zarr() {
    use soft_labels_files::zarr::{ArrayWriter, LabelArray};

    let folder = Folder::new();
    let array = |path: &str, shape: &[usize]| {
        let writer = ArrayWriter::create(&folder.path(path), shape, shape, ElementType::U8, &[]).unwrap();
        let values = ArrayD::from_shape_vec(shape, small().into_raw_vec_and_offset().0).unwrap();
        writer.write(&vec![0; shape.len()], &values).unwrap();
    };
    let image = |first: &str| {
        format!(
            r#"{{"multiscales": [{{"axes": [{{"name": "t", "type": "time"}}, {{"name": "c", "type": "channel"}},
            {{"name": "z", "type": "space", "unit": "micrometer"}}, {{"name": "y", "type": "space", "unit": "micrometer"}},
            {{"name": "x", "type": "space", "unit": "micrometer"}}], "datasets": [{{"path": "{first}",
            "coordinateTransformations": [{{"type": "scale", "scale": [1, 1, 2.0, 0.5, 0.25]}}]}}, {{"path": "low"}}]}}]}}"#
        )
    };
    let group =
        |image: &str| format!(r#"{{"zarr_format": 3, "node_type": "group", "attributes": {{"ome": {image}}}}}"#);
    folder.put("a.zarr/zarr.json", group(&image("0")).as_bytes());
    array("a.zarr/0", &[1, 1, 6, 5, 4]);
    // Version 0.4, in a folder without an ending.
    folder.put("b/.zgroup", br#"{"zarr_format": 2}"#);
    folder.put("b/.zattrs", image("0").as_bytes());
    array("b/0", &[1, 1, 6, 5, 4]);
    for name in ["a.zarr", "b"] {
        let map = read_labels(folder.path(name)).unwrap();
        assert_eq!(map.labels.cast::<u8>().unwrap(), small().into_dyn());
        assert_eq!(map.geometry.spacing_mm(), Some(&[0.002, 0.0005, 0.00025][..]));
        let array = LabelArray::open(&folder.path(name)).unwrap();
        assert_eq!(array.shape(), [6, 5, 4]);
        let part = array.read(&[1..4, 2..3, 0..2]).unwrap().cast::<u8>().unwrap();
        assert_eq!(part, small().slice(ndarray::s![1..4, 2..3, 0..2]).into_dyn());
    }
    for (image, shape, what) in [
        (image("0"), &[1, 2, 3, 5, 4][..], "2 times or channels"),
        (image("0"), &[6, 5, 4], "names 5 axes"),
        (image("../a.zarr/0"), &[1, 1, 6, 5, 4], "is not in it"),
        (image("missing"), &[1, 1, 6, 5, 4], "is not in it"),
        ("{}".to_owned(), &[1, 1, 6, 5, 4], "group without an image"),
    ] {
        let _ = fs::remove_dir_all(folder.path("c.zarr"));
        folder.put("c.zarr/zarr.json", group(&image).as_bytes());
        array("c.zarr/0", shape);
        let error = read_labels(folder.path("c.zarr")).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[cfg(feature = "zarr")]
#[test]
fn probabilities_in_zarr() {
    let folder = Folder::new();
    let soft = Array4::from_shape_fn((2, 4, 5, 6), |(c, z, y, x)| (c * 7 + z * 5 + y * 3 + x) as f32 / 64.0);
    let unknown = Geometry::unknown();
    write_probabilities(&folder.path("f32.zarr"), &soft, &unknown).unwrap();
    write_probabilities(&folder.path("f16.zarr"), &soft.mapv(half::f16::from_f32), &unknown).unwrap();
    let parts = soft.mapv(|p| (p * 64.0) as u8);
    write_probabilities(&folder.path("u8.zarr"), &parts, &unknown).unwrap();
    let read = |name: &str| read_probabilities(folder.path(name), 3).unwrap().values;
    assert_eq!(read("f32.zarr"), soft.mapv(f64::from).into_dyn());
    assert_eq!(read("f16.zarr"), soft.mapv(f64::from).into_dyn());
    assert_eq!(read("u8.zarr"), parts.mapv(|part| f64::from(part) / 255.0).into_dyn());
}
