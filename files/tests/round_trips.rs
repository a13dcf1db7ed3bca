//! What is written is what is read, with its geometry.

use std::fmt::Debug;
use std::fs::File;
use std::path::PathBuf;

use half::f16;
use ndarray::{Array, Array2, Array3, Array4, ArrayD, Axis, ShapeBuilder, array};
use nifti::writer::WriterOptions;
use nifti::{NiftiHeader, NiftiObject, ReaderOptions};
use soft_labels_files::{
    Axes, ElementType, ErrorKind, Format, Geometry, LabelElement, Place, Prediction, Unit, read_labels,
    read_prediction, read_probabilities, write_labels, write_labels_as, write_probabilities, write_sparse,
};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Labels without any order, in another order in memory.
fn labels<T: LabelElement + From<bool>>() -> Array3<T> {
    Array3::from_shape_fn((5, 4, 3).f(), |(x, y, z)| T::from((x * 7 + y * 3 + z) % 5 < 2))
}

fn each_format(writes: fn(Format) -> bool) -> impl Iterator<Item = String> {
    let endings = Format::all().filter(move |format| writes(*format) && format.reads_labels());
    endings.flat_map(Format::endings).map(|ending| format!("a{ending}"))
}

#[test]
fn labels_of_each_type_in_each_format() {
    fn check<T: LabelElement + From<bool> + Debug + PartialEq>() {
        let folder = Folder::new();
        for name in each_format(Format::writes_labels) {
            let (map, path) = (labels::<T>(), folder.path(&name));
            if name.ends_with(".png") {
                let slice = map.index_axis(Axis(2), 1);
                write_labels(&path, &slice, &Geometry::unknown()).unwrap();
                let read = read_labels(&path).unwrap();
                assert_eq!(read.labels.cast::<T>().unwrap(), slice.into_dyn());
                assert!(write_labels(Place::new(&path).overwrite(true), &map, &Geometry::unknown()).is_err());
                continue;
            }
            write_labels(&path, &map, &Geometry::unknown()).unwrap();
            let read = read_labels(&path).unwrap();
            let expected = match (name.contains(".nii") || name.contains(".nrrd"), T::TYPE) {
                (true, ElementType::Bool) => ElementType::U8,
                (_, written) => written,
            };
            assert_eq!(read.element_type, expected, "{name}");
            assert_eq!(read.labels.cast::<T>().unwrap(), map.into_dyn(), "{name}");
        }
    }
    check::<bool>();
    check::<u8>();
    check::<u16>();
    check::<u32>();
    check::<u64>();
    check::<i8>();
    check::<i16>();
    check::<i32>();
    check::<i64>();
}

#[test]
fn types_that_are_chosen_at_run_time() {
    let folder = Folder::new();
    let map = array![[0_i64, 200], [7, 3]];
    for (name, element_type) in [
        ("a.npy", ElementType::U8),
        ("b.nii", ElementType::U16),
        ("c.png", ElementType::I8),
    ] {
        let path = folder.path(name);
        write_labels_as(&path, &map, element_type, &Geometry::unknown()).unwrap();
        let read = read_labels(&path).unwrap();
        assert_eq!(
            read.element_type,
            if name == "c.png" { ElementType::U8 } else { element_type }
        );
        assert_eq!(read.labels.into_i64().into_iter().collect::<Vec<_>>(), [0, 200, 7, 3]);
    }
    let path = folder.path("d.npy");
    let error = write_labels_as(&path, &map, ElementType::I8, &Geometry::unknown()).unwrap_err();
    assert_eq!(
        (error.kind(), error.path()),
        (ErrorKind::TooLarge, Some(path.as_path()))
    );
    assert!(
        error
            .to_string()
            .ends_with("label 200 does not fit the type of the input, i8"),
        "{error}"
    );
    assert!(write_labels_as(&path, &map, ElementType::F32, &Geometry::unknown()).is_err());
    assert!(write_labels(&folder.path("e.png"), &array![[256]], &Geometry::unknown()).is_err());
    assert!(write_labels(&folder.path("e.tif"), &map, &Geometry::unknown()).is_err());
    let names: Vec<_> = folder
        .0
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

/// (C, x, y, z) in C order, in Fortran order and in that of the file.
#[test]
fn probabilities_in_any_order() {
    let folder = Folder::new();
    let value = |(c, x, y, z): (usize, usize, usize, usize)| ((c * 31 + x * 7 + y * 3 + z) % 8) as f32 / 8.0;
    let shape = (2, 5, 4, 3);
    let of_file = Array::from_shape_fn((2, 3, 4, 5), |(c, z, y, x)| value((c, x, y, z))).permuted_axes([0, 3, 2, 1]);
    for (at, soft) in [
        Array4::from_shape_fn(shape, value),
        Array4::from_shape_fn(shape.f(), value),
        of_file,
    ]
    .into_iter()
    .enumerate()
    {
        for ending in ["npy", "nii", "nii.gz"] {
            let path = folder.path(&format!("{at}.{ending}"));
            let geometry = Geometry::from_spacing_mm(&[0.5, 0.5, 3.0]);
            write_probabilities(&path, &soft, &geometry).unwrap();
            let read = read_probabilities(&path, 3).unwrap();
            assert_eq!(read.values, soft.mapv(f64::from).into_dyn());
            if ending != "npy" {
                assert!(read.geometry.same_place(&geometry, &[5, 4, 3]));
                assert_eq!(read.geometry.spacing_mm(), geometry.spacing_mm());
            }
        }
    }
}

#[test]
fn probabilities_of_each_type() {
    let folder = Folder::new();
    let soft: Array3<f32> = array![[[0.25, 1.0, 0.5]], [[0.75, 0.0, 0.5]]];
    let parts = soft.mapv(|p| (p * 255.0).round() as u8);
    let unknown = Geometry::unknown();
    write_probabilities(&folder.path("f64.npy"), &soft.mapv(f64::from), &unknown).unwrap();
    write_probabilities(&folder.path("u8.npy"), &parts, &unknown).unwrap();
    write_probabilities(&folder.path("f16.npy"), &soft.mapv(f16::from_f32), &unknown).unwrap();
    write_probabilities(&folder.path("image.nii"), &soft, &unknown).unwrap();
    for name in ["f64.npy", "image.nii"] {
        let read = read_probabilities(folder.path(name), 2).unwrap();
        assert_eq!(read.values, soft.mapv(f64::from).into_dyn(), "{name}");
    }
    let read = read_probabilities(folder.path("u8.npy"), 2).unwrap();
    assert_eq!(read.values, parts.mapv(|part| f64::from(part) / 255.0).into_dyn());
    assert!(matches!(
        read_prediction(folder.path("u8.npy"), 3),
        Ok(Prediction::Labels(_))
    ));
    assert!(read_probabilities(folder.path("u8.npy"), 3).is_err());

    // NumPy's own header of 16-bit floats, and the values after it.
    let bytes = std::fs::read(folder.path("f16.npy")).unwrap();
    let (header, values) = bytes.split_at(bytes.len() - 12);
    assert_eq!(header.len() % 64, 0);
    assert!(
        String::from_utf8_lossy(header).contains("'descr': '<f2', 'fortran_order': False, 'shape': (2, 1, 3, ), }")
    );
    assert_eq!(values[..2], f16::from_f32(0.25).to_le_bytes());
    let error = write_probabilities(&folder.path("f16.nii"), &soft.mapv(f16::from_f32), &unknown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(!folder.path("f16.nii").exists());
}

#[test]
fn sparse_soft_labels() {
    use soft_labels::{Classes, Svls, sparse};

    let folder = Folder::new();
    let map = Array2::from_shape_fn((6, 7), |(y, x)| u8::from(y > 2) + u8::from(x > 4)).into_dyn();
    let sparse = sparse::encode(&Svls::default(), &map, &Classes::contiguous(3).unwrap()).unwrap();
    let path = folder.path("a.npz");
    write_sparse(&path, &sparse).unwrap();
    let mut npz = ndarray_npy::NpzReader::new(File::open(&path).unwrap()).unwrap();
    let class: ArrayD<u16> = npz.by_name("class").unwrap();
    assert_eq!(class, map.mapv(u16::from));
    let pairs: ArrayD<f32> = npz.by_name("pair_probability").unwrap();
    assert!(pairs.iter().eq(sparse.parts().pair_probability));
    assert!(write_sparse(&folder.path("a.npy"), &sparse).is_err());
}

/// Oblique, with both forms and a description, in micrometres.
fn header() -> NiftiHeader {
    let mut header = NiftiHeader {
        pixdim: [1.0, 500.0, 500.0, 2500.0, 1.0, 1.0, 1.0, 1.0],
        xyzt_units: 3,
        sform_code: 2,
        srow_x: [400.0, 0.0, 1500.0, -9000.0],
        srow_y: [0.0, -500.0, 0.0, 8000.0],
        srow_z: [300.0, 0.0, -2000.0, 7000.0],
        qform_code: 1,
        quatern_x: 5.0,
        intent_code: 1002,
        cal_max: 4.0,
        ..NiftiHeader::default()
    };
    header.set_description_str("from the scanner").unwrap();
    header
}

#[test]
fn the_header_of_nifti_goes_on() {
    let folder = Folder::new();
    let path = folder.path("in.nii.gz");
    let map = labels::<u8>();
    WriterOptions::new(&path)
        .reference_header(&header())
        .write_nifti(&map)
        .unwrap();
    let read = read_labels(&path).unwrap();
    assert_eq!(
        (read.geometry.axes(), read.geometry.unit()),
        (Axes::Xyz, Unit::Micrometre)
    );
    assert_eq!(read.geometry.spacing_mm(), Some(&[0.5, 0.5, 2.5][..]));
    let affine = read.geometry.affine().unwrap();
    assert_eq!(affine[0], [0.4, 0.0, 1.5, -9.0]);
    assert_eq!(affine[2], [0.3, 0.0, -2.0, 7.0]);

    // A part, averaged over boxes along x.
    let geometry = read.geometry.clone().window(&[1, 0, 2], &[2, 1, 1]);
    let part = Array4::<f32>::zeros((2, 2, 4, 1));
    write_probabilities(&folder.path("out.nii"), &part, &geometry).unwrap();
    let written = ReaderOptions::new().read_file(folder.path("out.nii")).unwrap();
    let written = written.header();
    assert_eq!(&written.descrip[..16], b"from the scanner");
    assert_eq!((written.sform_code, written.qform_code, written.xyzt_units), (2, 1, 3));
    assert_eq!(
        written.srow_x,
        [800.0, 0.0, 1500.0, -9000.0 + 1.5 * 400.0 + 2.0 * 1500.0]
    );
    assert_eq!(written.quatern_x, 5.0 + 1.5 * 500.0);
    assert_eq!(written.pixdim[1..5], [1000.0, 500.0, 2500.0, 1.0]);
    assert_eq!((written.intent_code, written.cal_max), (0, 0.0));
    let again = read_probabilities(folder.path("out.nii"), 3).unwrap().geometry;
    let shape = [2, 4, 1];
    assert!(again.same_place(&geometry, &shape) && !again.same_place(&read.geometry, &shape));

    let respaced = read.geometry.with_spacing_mm(&[1.0, 0.5, 2.5]);
    assert_eq!(respaced.affine().unwrap()[0], [0.8, 0.0, 1.5, -9.0]);
    write_labels(&folder.path("respaced.nii"), &map, &respaced).unwrap();
    let again = read_labels(folder.path("respaced.nii")).unwrap().geometry;
    assert_eq!(again.spacing_mm(), Some(&[1.0, 0.5, 2.5][..]));
    assert!(again.same_place(&respaced, &[5, 4, 3]));
}

/// The qform counts where there is no sform, and the spacing alone where there is neither.
#[test]
fn forms() {
    let folder = Folder::new();
    let read = |name: &str, header: &NiftiHeader| {
        let path = folder.path(name);
        WriterOptions::new(&path)
            .reference_header(header)
            .write_nifti(&labels::<u8>())
            .unwrap();
        read_labels(path).unwrap().geometry
    };
    let turned = NiftiHeader {
        sform_code: 0,
        // A half turn around z, and left-handed.
        quatern_d: 1.0,
        pixdim: [-1.0, 500.0, 500.0, 2500.0, 1.0, 1.0, 1.0, 1.0],
        ..header()
    };
    let geometry = read("qform.nii", &turned);
    assert_eq!(
        geometry.affine(),
        Some(&[[-0.5, 0.0, 0.0, 0.005], [0.0, -0.5, 0.0, 0.0], [0.0, 0.0, -2.5, 0.0]])
    );
    let neither = NiftiHeader {
        qform_code: 0,
        xyzt_units: 0,
        scl_slope: f32::NAN,
        ..turned
    };
    let geometry = read("neither.nii", &neither);
    assert_eq!(
        geometry.affine(),
        Some(&[[500.0, 0.0, 0.0, 0.0], [0.0, 500.0, 0.0, 0.0], [0.0, 0.0, 2500.0, 0.0]])
    );
    assert_eq!(geometry.unit(), Unit::Unknown);
    assert_eq!(geometry.spacing_mm(), Some(&[500.0, 500.0, 2500.0][..]));
}

/// A slope of no number is none, and axes of length 1 beyond the third are left out.
#[test]
fn slopes_and_axes() {
    let folder = Folder::new();
    let path = folder.path("a.nii");
    let map = labels::<i16>().insert_axis(Axis(3)).into_dyn();
    WriterOptions::new(&path).write_nifti(&map).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[112..116].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let read = read_labels(&path).unwrap();
    assert_eq!(read.element_type, ElementType::I16);
    assert_eq!(read.labels.cast::<i16>().unwrap(), labels::<i16>().into_dyn());
    // With a slope of 2 labels are twice as large, with one of a half they are none.
    bytes[112..116].copy_from_slice(&2_f32.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let doubled = labels::<i16>().mapv(|label| 2 * label).into_dyn();
    assert_eq!(read_labels(&path).unwrap().labels.cast::<i16>().unwrap(), doubled);
    bytes[112..116].copy_from_slice(&0.5_f32.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read_labels(&path).unwrap_err().kind(), ErrorKind::Content);
}

#[test]
fn stacks_of_tiff() {
    use tiff::encoder::TiffEncoder;
    use tiff::encoder::colortype::{Gray8, Gray16};

    let folder = Folder::new();
    let map = Array3::from_shape_fn((3, 4, 5), |(d, h, w)| ((d * 20 + h * 5 + w) % 7) as u8);
    let mut encoder = TiffEncoder::new(File::create(folder.path("a.tif")).unwrap()).unwrap();
    for slice in map.outer_iter() {
        let pixels: Vec<u8> = slice.iter().copied().collect();
        encoder.write_image::<Gray8>(5, 4, &pixels).unwrap();
    }
    drop(encoder);
    let read = read_labels(folder.path("a.tif")).unwrap();
    assert_eq!(read.labels.cast::<u8>().unwrap(), map.clone().into_dyn());

    // Pages of two types, of which one is wider.
    let mut encoder = TiffEncoder::new(File::create(folder.path("b.tiff")).unwrap()).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[1, 2]).unwrap();
    encoder.write_image::<Gray16>(2, 1, &[300, 4]).unwrap();
    drop(encoder);
    let read = read_labels(folder.path("b.tiff")).unwrap();
    assert_eq!(read.labels.into_i64(), array![[[1, 2]], [[300, 4]]].into_dyn());

    // One page is an image.
    let mut encoder = TiffEncoder::new(File::create(folder.path("c.tif")).unwrap()).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[1, 2]).unwrap();
    drop(encoder);
    assert_eq!(read_labels(folder.path("c.tif")).unwrap().labels.shape(), [1, 2]);
}

#[test]
fn labels_keep_their_order_in_memory() {
    let folder = Folder::new();
    let path = folder.path("a.nii");
    write_labels(&path, &labels::<u8>(), &Geometry::unknown()).unwrap();
    let map = read_labels(&path).unwrap().labels;
    // x is the fastest axis of the file, and stays so.
    assert_eq!(map.clone().cast::<u16>().unwrap().strides(), [1, 5, 20]);
    assert!(map.into_i64().is_standard_layout());
}

#[cfg(feature = "zarr")]
#[test]
fn zarr_as_a_whole_and_in_parts() {
    use soft_labels_files::zarr::{ArrayWriter, LabelArray, State};

    let folder = Folder::new();
    let path = folder.path("a.zarr");
    let map = Array3::from_shape_fn((70, 65, 3), |(d, h, w)| ((d * 5 + h * 3 + w) % 1000) as u16);
    write_labels(&path, &map, &Geometry::unknown()).unwrap();
    let read = read_labels(&path).unwrap();
    assert_eq!(read.labels.cast::<u16>().unwrap(), map.clone().into_dyn());
    let array = LabelArray::open(&path).unwrap();
    assert_eq!(
        (array.shape(), array.element_type()),
        (&[70, 65, 3][..], ElementType::U16)
    );
    let part = array.read(&[60..70, 0..65, 1..2]).unwrap().cast::<u16>().unwrap();
    assert_eq!(part, map.slice(ndarray::s![60.., .., 1..2]).into_dyn());
    for window in [vec![0..71, 0..1, 0..1], vec![0..1, 0..1], vec![0..1, 0..1, 2..4]] {
        assert_eq!(array.read(&window).unwrap_err().kind(), ErrorKind::Content);
    }

    // Other folders are no place, and an array is replaced as a whole.
    let before = State::of(&path, 4).unwrap();
    assert_eq!(
        write_labels(&path, &map, &Geometry::unknown()).unwrap_err().kind(),
        ErrorKind::Exists
    );
    assert_eq!(State::of(&path, 4).unwrap(), before);
    write_labels(
        Place::new(&path).overwrite(true),
        &map.mapv(|label| label % 2),
        &Geometry::unknown(),
    )
    .unwrap();
    assert_ne!(State::of(&path, 4).unwrap(), before);
    std::fs::create_dir(folder.path("notes.zarr")).unwrap();
    let notes = folder.path("notes.zarr");
    let error = write_labels(Place::new(&notes).overwrite(true), &map, &Geometry::unknown()).unwrap_err();
    assert!(error.to_string().contains("is a folder"), "{error}");

    let writer = ArrayWriter::create(&folder.path("b.zarr"), &[5, 4], &[3, 4], ElementType::I32, &[]).unwrap();
    writer.write(&[0, 0], &Array2::from_elem((3, 4), 7_i32)).unwrap();
    writer.write(&[1, 0], &Array2::from_elem((2, 4), -1_i32)).unwrap();
    assert!(writer.write(&[0, 0], &Array2::from_elem((4, 4), 7_i32)).is_err());
    assert!(writer.write(&[0, 0], &Array2::from_elem((3, 4), 7_u8)).is_err());
    assert!(writer.write(&[9, 9], &Array2::from_elem((3, 4), 7_i32)).is_err());
    let read = read_labels(folder.path("b.zarr")).unwrap().labels.into_i64();
    assert_eq!(read.sum_axis(Axis(1)).into_raw_vec_and_offset().0, [28, 28, 28, -4, -4]);
    let soft = Array3::<f32>::from_elem((2, 5, 4), 0.5);
    write_probabilities(&folder.path("soft.zarr"), &soft, &Geometry::unknown()).unwrap();
    let names: Vec<_> = folder
        .0
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
}
