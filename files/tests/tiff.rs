//! TIFF whose pixels have several samples, and TIFF that is packed.

use std::path::PathBuf;

use ndarray::{Array3, Array4, ArrayD};
use soft_labels_files::{ErrorKind, Prediction, read_labels, read_prediction, read_probabilities};

/// A TIFF file of floats, or of bytes, in pages of 3 x 2 pixels.
struct Tiff<'a> {
    bits: u32,
    samples: u32,
    /// 1 if the samples of a pixel lie side by side, 2 if there is a plane for each sample.
    planes: u32,
    /// 1 for none, 50000 for zstd.
    compression: u32,
    description: &'a str,
    /// The strips of each page: one, or one for each plane.
    pages: Vec<Vec<Vec<u8>>>,
}

impl Tiff<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        for (at, strips) in self.pages.iter().enumerate() {
            let text = format!("{}\0\0\0\0", self.description);
            let each = |value: u32| vec![value; self.samples as usize];
            let lengths: Vec<u32> = strips.iter().map(|strip| strip.len() as u32).collect();
            let mut entries = vec![
                (256, vec![2]),
                (257, vec![3]),
                (258, each(self.bits)),
                (259, vec![self.compression]),
                (262, vec![if self.samples < 3 { 1 } else { 2 }]),
                (270, Vec::new()),
                (273, lengths.clone()),
                (277, vec![self.samples]),
                (278, vec![3]),
                (279, lengths.clone()),
                (284, vec![self.planes]),
                (339, each(if self.bits > 8 { 3 } else { 1 })),
            ];
            if self.samples == 4 {
                entries.insert(11, (338, vec![2]));
            }
            // Behind the directory: the text, the strips and all that is no single number.
            let text_at = file.len() + 2 + entries.len() * 12 + 4;
            let mut begin = (text_at + text.len()) as u32;
            let starts: Vec<u32> = lengths
                .iter()
                .map(|len| {
                    begin += len;
                    begin - len
                })
                .collect();
            let mut behind = [text.as_bytes(), &strips.concat()].concat();
            file.extend((entries.len() as u16).to_le_bytes());
            for (tag, values) in &entries {
                let values = if *tag == 273 { &starts } else { values };
                let is_long = matches!(tag, 273 | 279);
                let (kind, count, value) = match values.as_slice() {
                    [] => (2_u16, text.len() as u32, text_at as u32),
                    [one] => (if is_long { 4 } else { 3 }, 1, *one),
                    several => {
                        let place = (text_at + behind.len()) as u32;
                        let bytes = if is_long { 4 } else { 2 };
                        behind.extend(several.iter().flat_map(|value| value.to_le_bytes()[..bytes].to_vec()));
                        (if is_long { 4 } else { 3 }, several.len() as u32, place)
                    }
                };
                file.extend(u16::to_le_bytes(*tag));
                file.extend(kind.to_le_bytes());
                file.extend(count.to_le_bytes());
                file.extend(value.to_le_bytes());
            }
            let next = (text_at + behind.len()) as u32;
            file.extend(if at + 1 == self.pages.len() { 0 } else { next }.to_le_bytes());
            file.extend(behind);
        }
        file
    }

    fn put(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("a.tif");
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn floats<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u8> {
    values.into_iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn page(samples: usize, first: f32) -> Array3<f32> {
    Array3::from_shape_fn((3, 2, samples), |(h, w, c)| first + (h * 8 + w * 4 + c) as f32)
}

/// Floats whose last axis is 3 or 4, which tifffile writes as colours.
#[test]
fn the_samples_of_a_pixel_are_its_classes() {
    let folder = tempfile::tempdir().unwrap();
    for samples in [3, 4] {
        let values = page(samples, 0.0);
        for description in [format!("{{\"shape\": [3, 2, {samples}]}}"), String::new()] {
            let file = Tiff {
                bits: 32,
                samples: samples as u32,
                planes: 1,
                compression: 1,
                description: &description,
                pages: vec![vec![floats(&values)]],
            };
            let path = file.put(&folder);
            let read = read_probabilities(&path, 2).unwrap().values;
            assert_eq!(read, values.view().permuted_axes([2, 0, 1]).mapv(f64::from).into_dyn());
            // A label map of three axes is as it is.
            let expected = values.mapv(|value| value as i64).into_dyn();
            assert_eq!(read_labels(&path).unwrap().labels.into_i64(), expected);
            assert!(matches!(read_prediction(&path, 3).unwrap(), Prediction::Labels(_)));
        }
    }
    let pages = [page(3, 0.0), page(3, 100.0)];
    let file = Tiff {
        bits: 32,
        samples: 3,
        planes: 1,
        compression: 1,
        description: "{\"shape\": [2, 3, 2, 3]}",
        pages: pages.iter().map(|page| vec![floats(page)]).collect(),
    };
    let read = read_probabilities(file.put(&folder), 3).unwrap().values;
    let expected = Array4::from_shape_fn((3, 2, 3, 2), |(c, d, h, w)| f64::from(pages[d][[h, w, c]]));
    assert_eq!(read, expected.into_dyn());
}

#[test]
fn colours_and_planes_are_told_what_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let values = page(3, 0.0);
    let planes = (0..3).map(|c| floats(values.index_axis(ndarray::Axis(2), c))).collect();
    let pictures = [
        // As tifffile writes floats (3, H, W).
        (32, 2, "{\"shape\": [3, 3, 2]}", planes),
        (8, 1, "{\"shape\": [3, 2, 3]}", vec![vec![7; 18]]),
    ];
    for (bits, planes, description, strips) in pictures {
        let file = Tiff {
            bits,
            samples: 3,
            planes,
            compression: 1,
            description,
            pages: vec![strips],
        };
        let path = file.put(&folder);
        for error in [read_prediction(&path, 2).unwrap_err(), read_labels(&path).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Content);
            let error = error.to_string();
            assert!(
                error.contains("is RGB(") && error.contains("a page for each class"),
                "{error}"
            );
        }
    }
}

#[test]
fn pages_that_are_packed_by_zstd() {
    let folder = tempfile::tempdir().unwrap();
    // One frame, in which the bytes lie as they are.
    let frame = [&b"\x28\xb5\x2f\xfd\x20\x06\x31\0\0"[..], &[0, 1, 2, 3, 4, 5]].concat();
    let file = Tiff {
        bits: 8,
        samples: 1,
        planes: 1,
        compression: 50000,
        description: "",
        pages: vec![vec![frame]],
    };
    let read = read_labels(file.put(&folder));
    if cfg!(feature = "zarr") {
        let expected = ArrayD::from_shape_vec(vec![3, 2], vec![0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(read.unwrap().labels.into_i64(), expected);
    } else {
        let error = read.unwrap_err().to_string();
        assert!(error.contains("ZSTD"), "{error}");
    }
}
