//! The command on files and folders, against the library.

mod agree;
mod calibrate;
mod calibration;
mod channels;
mod dialects;
mod encode;
mod fuse;
mod hostile;
mod html;
mod judge;
mod judge_raters;
mod layouts;
#[cfg(feature = "zarr")]
mod ome_zarr;
mod show;
#[cfg(feature = "zarr")]
mod zarr;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ndarray::{Array3, ArrayD};
use ndarray_npy::{ReadNpyExt, ReadableElement, WritableElement, WriteNpyExt};
use nifti::writer::WriterOptions;
use tempfile::TempDir;

/// Runs the command.
fn run(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_soft-labels"))
        .args(args)
        .output()
        .unwrap()
}

/// What it prints if all is well.
#[track_caller]
fn well(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = run(args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it complains about in one line, with exit code 2.
#[track_caller]
fn wrong(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = run(args);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("soft-labels: "), "{errors}");
    errors
}

/// A folder that ends with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn npy<T: WritableElement>(&self, name: &str, array: &ArrayD<T>) {
        array
            .write_npy(std::fs::File::create(self.path(name)).unwrap())
            .unwrap();
    }

    /// A label map (x, y, z) with voxels of 1 x 1 x 2.5 mm.
    fn nifti(&self, name: &str, labels: &Array3<u8>) {
        let header = nifti::NiftiHeader {
            pixdim: [1.0, 1.0, 1.0, 2.5, 1.0, 1.0, 1.0, 1.0],
            sform_code: 1,
            srow_x: [1.0, 0.0, 0.0, 7.0],
            srow_y: [0.0, 1.0, 0.0, -3.0],
            srow_z: [0.0, 0.0, 2.5, 4.0],
            ..nifti::NiftiHeader::default()
        };
        WriterOptions::new(self.path(name))
            .reference_header(&header)
            .write_nifti(labels)
            .unwrap();
    }

    /// Names in a folder, sorted.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = self.path(folder).read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn read_npy<T: ReadableElement>(path: &Path) -> ArrayD<T> {
    ArrayD::read_npy(std::fs::File::open(path).unwrap()).unwrap()
}

/// A ball of label 1 with a core of label 2 and some specks, different for each seed.
fn ball(seed: usize) -> Array3<u8> {
    Array3::from_shape_fn((9, 12, 7), |(x, y, z)| {
        let from = |at: usize, middle: f64| (at as f64 - middle).powi(2);
        let distance = (from(x, 4.0 + (seed % 3) as f64 / 2.0) + from(y, 6.0) + from(z, 3.0)).sqrt();
        match (x * 7 + y * 13 + z * 29 + seed * 31) % 97 {
            0 => 2,
            1 => 1,
            _ if distance < 1.5 => 2,
            _ => u8::from(distance < 3.0 + (seed % 5) as f64 / 4.0),
        }
    })
}

fn args<const N: usize>(args: [&str; N]) -> Vec<String> {
    args.map(str::to_owned).to_vec()
}
