//! The array that is being written: which of its blocks are there, and how a run that was interrupted goes on with it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::json;
use soft_labels_files::zarr::ArrayWriter;
use soft_labels_files::{ElementType, folder_of};

use super::Blocks;
use crate::command::{Failure, of_file};
use crate::encode::args::Dtype;
use crate::jobs::Job;

/// The unfinished array, in a folder that stands beside its place until it is whole.
pub(super) struct Part {
    folder: PathBuf,
    pub(super) array: ArrayWriter,
    /// Blocks that were finished before, with the checksums of the labels that they were made of.
    pub(super) done: HashMap<u64, u64>,
    log: Mutex<File>,
    /// Whoever holds its lock writes here.
    _lock: File,
}

/// What is in the folder: the array, the command that began it, its finished blocks, and a file to lock.
const ARRAY: &str = "array";
const SETTINGS: &str = "soft-labels.json";
const DONE: &str = "soft-labels.done";
const LOCK: &str = "soft-labels.lock";

/// A finished block in the log: its number and a checksum.
const ENTRY: usize = 16;

impl Part {
    /// Makes the folder, or goes on with it if it was begun by the same command.
    pub(super) fn open(job: &Job, blocks: &Blocks<'_>) -> Result<Self, Failure> {
        let settings = settings(job, blocks)?;
        of_file(&job.out, Self::open_with(job, blocks, &settings))
    }

    fn open_with(job: &Job, blocks: &Blocks<'_>, settings: &str) -> Result<Self, Failure> {
        let mut name = OsString::from(".soft-labels-");
        name.push(job.out.file_name().ok_or("has no name")?);
        let folder = folder_of(&job.out).join(name);
        // A link may have been put here to have something else written over.
        no_links(&folder)?;
        if folder.symlink_metadata().is_err() {
            DirBuilder::new().create(&folder)?;
        }
        let lock = locked(&folder.join(LOCK))?;
        // Without settings it had not begun, and without an array it had ended.
        let begun = fs::read_to_string(folder.join(SETTINGS)).ok();
        let begun = begun.filter(|_| folder.join(ARRAY).is_dir());
        if begun.as_deref().is_some_and(|begun| begun != settings) {
            let error = format!(
                "was begun with other settings or inputs; repeat that command, or remove {}",
                folder.display()
            );
            return Err(error.into());
        }
        let begin = || -> Result<_, Failure> {
            if begun.is_none() {
                let unfinished = folder.join(SETTINGS).with_extension("part");
                fs::write(&unfinished, settings)?;
                let _ = fs::remove_file(folder.join(DONE));
                fs::rename(unfinished, folder.join(SETTINGS))?;
            }
            let mut log = OpenOptions::new();
            let mut log = log.create(true).read(true).append(true).open(folder.join(DONE))?;
            let done = finished(&mut log)?;
            Ok((log, done, array(&folder.join(ARRAY), blocks)?))
        };
        let (log, done, array) = begin().inspect_err(|_| remove(&folder))?;
        Ok(Self {
            folder,
            array,
            done,
            log: Mutex::new(log),
            _lock: lock,
        })
    }

    /// Notes that a block is on the disk, and the checksum of the labels that it was made of.
    pub(super) fn finish(&self, block: u64, labels: u64) -> Result<(), Failure> {
        let mut entry = [0; ENTRY];
        entry[..ENTRY / 2].copy_from_slice(&block.to_le_bytes());
        entry[ENTRY / 2..].copy_from_slice(&labels.to_le_bytes());
        let mut log = self.log.lock().map_err(|error| error.to_string())?;
        Ok(log.write_all(&entry)?)
    }

    /// Moves the array to its place.
    pub(super) fn persist(self, job: &Job) -> Result<(), Failure> {
        let put = job.place().put_folder(&self.folder.join(ARRAY));
        self.remove();
        Ok(put?)
    }

    /// Leaves nothing behind.
    pub(super) fn remove(self) {
        remove(&self.folder);
    }
}

/// What cannot be removed is no reason to fail.
fn remove(folder: &Path) {
    // Without them the rest is no run to go on with.
    for name in [SETTINGS, DONE] {
        let _ = fs::remove_file(folder.join(name));
    }
    let _ = fs::remove_dir_all(folder);
}

/// An error if a link stands in the place of the folder or of something in it.
fn no_links(folder: &Path) -> Result<(), Failure> {
    let within = [ARRAY, SETTINGS, DONE, LOCK].map(|name| folder.join(name));
    for path in iter::once(folder).chain(within.iter().map(PathBuf::as_path)) {
        let Ok(there) = path.symlink_metadata() else { continue };
        let expected = if path == folder || path.ends_with(ARRAY) {
            there.is_dir()
        } else {
            there.is_file()
        };
        if !expected {
            return Err(format!(
                "is not begun: {} is in the way, which is no {} of soft-labels; remove it",
                path.display(),
                if path == folder || path.ends_with(ARRAY) {
                    "folder"
                } else {
                    "file"
                },
            )
            .into());
        }
    }
    Ok(())
}

/// The file, locked for as long as it is open.
fn locked(path: &Path) -> Result<File, Failure> {
    let busy = || Failure::from("is being written by another process; wait for it");
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    file.try_lock().map_err(|_| busy())?;
    // The process that held it may have removed it in between.
    if !is_at(&file, path) {
        return Err(busy());
    }
    Ok(file)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.is_file()
}

/// The blocks in a log. What was cut off is written anew.
fn finished(log: &mut File) -> Result<HashMap<u64, u64>, Failure> {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    let (numbers, _) = bytes.as_chunks().0.as_chunks::<2>();
    let done = numbers
        .iter()
        .map(|&[block, labels]| (u64::from_le_bytes(block), u64::from_le_bytes(labels)))
        .collect();
    log.set_len((bytes.len() / ENTRY * ENTRY) as u64)?;
    Ok(done)
}

fn array(folder: &Path, blocks: &Blocks<'_>) -> Result<ArrayWriter, Failure> {
    let whole = |axes: &[usize]| {
        iter::once(blocks.channels)
            .chain(axes.iter().copied())
            .collect::<Vec<_>>()
    };
    let kind = match blocks.encoder.args.dtype {
        Dtype::F32 => ElementType::F32,
        Dtype::F64 => ElementType::F64,
        Dtype::F16 => ElementType::F16,
        Dtype::U8 => ElementType::U8,
    };
    let regions = &blocks.encoder.regions;
    let labels: Vec<_> = if regions.is_empty() {
        blocks.classes.values().iter().map(ToString::to_string).collect()
    } else {
        regions.iter().map(|(name, _)| name.clone()).collect()
    };
    Ok(ArrayWriter::create_at(
        folder,
        &whole(&blocks.lengths),
        &whole(&blocks.block),
        kind,
        &labels,
        &blocks.geometry,
    )?)
}

/// What a continued run must have in common with the one before, apart from the labels themselves.
fn settings(job: &Job, blocks: &Blocks<'_>) -> Result<String, Failure> {
    let input = |path: &Path| -> Result<String, Failure> {
        let whole = of_file(path, path.canonicalize().map_err(Failure::from))?;
        Ok(whole.display().to_string())
    };
    let inputs = job
        .raters()
        .map(|(_, path)| input(path))
        .collect::<Result<Vec<_>, _>>()?;
    let args = blocks.encoder.args;
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "inputs": inputs,
        "shape": blocks.window.map_shape(),
        "encoding": blocks.encoding,
        "classes": blocks.classes,
        "weights": blocks.weights,
        "stacked_raters": job.is_stacked(),
        "foreground": job.foreground().map(|foreground| foreground.label),
        "window": blocks.window.ranges().iter().map(|range| [range.start, range.end]).collect::<Vec<_>>(),
        "scale": args.scale,
        "dtype": format!("{:?}", args.dtype),
        "block": blocks.block,
        // It says how the array is stored.
        "geometry": format!("{:?}", blocks.geometry),
    })
    .to_string())
}
