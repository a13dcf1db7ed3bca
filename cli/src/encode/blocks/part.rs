//! The array that is being written: which of its blocks are there, and how a run that was interrupted goes on with it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::json;
use soft_labels_files::zarr::{ArrayWriter, State};
use soft_labels_files::{ElementType, folder_of};

use super::Blocks;
use crate::command::{Failure, of_file};
use crate::encode::args::Dtype;
use crate::jobs::Job;

/// The unfinished array, which stands beside its place until it is whole.
pub(super) struct Part {
    folder: PathBuf,
    pub(super) array: ArrayWriter,
    /// Blocks that were finished before.
    pub(super) done: HashSet<u64>,
    log: Mutex<File>,
}

/// The command that began the array, and the numbers of the blocks that are there.
const SETTINGS: &str = "soft-labels.json";
const DONE: &str = "soft-labels.done";

impl Part {
    /// Makes the folder, or goes on with it if it was begun by the same command.
    pub(super) fn open(job: &Job, blocks: &Blocks<'_>) -> Result<Self, Failure> {
        let settings = settings(job, blocks)?;
        of_file(&job.out, Self::open_with(job, blocks, settings))
    }

    fn open_with(job: &Job, blocks: &Blocks<'_>, settings: String) -> Result<Self, Failure> {
        let mut name = OsString::from(".soft-labels-");
        name.push(job.out.file_name().ok_or("has no name")?);
        let path = folder_of(&job.out).join(name);
        // Without settings it had not begun.
        if path.join(SETTINGS).exists() {
            if fs::read_to_string(path.join(SETTINGS)).ok().as_deref() != Some(&settings) {
                let error = format!(
                    "was begun with other settings or inputs; repeat that command, or remove {}",
                    path.display()
                );
                return Err(error.into());
            }
        } else {
            fs::create_dir_all(&path)?;
            let begun = path.join(SETTINGS).with_extension("part");
            fs::write(&begun, settings)?;
            let _ = fs::remove_file(path.join(DONE));
            fs::rename(begun, path.join(SETTINGS))?;
        }
        let mut log = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path.join(DONE))?;
        if log.try_lock().is_err() {
            return Err("is being written by another process; wait for it".into());
        }
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes)?;
        let done = bytes
            .as_chunks()
            .0
            .iter()
            .map(|&block| u64::from_le_bytes(block))
            .collect();
        // What was cut off is written anew.
        log.set_len((bytes.len() / 8 * 8) as u64)?;
        let whole = |axes: &[usize]| {
            iter::once(blocks.encoder.classes.len())
                .chain(axes.iter().copied())
                .collect::<Vec<_>>()
        };
        let kind = match blocks.encoder.args.dtype {
            Dtype::F32 => ElementType::F32,
            Dtype::F64 => ElementType::F64,
            Dtype::F16 => ElementType::F16,
            Dtype::U8 => ElementType::U8,
        };
        let values = blocks.encoder.classes.values();
        let labels: Vec<_> = values.iter().map(ToString::to_string).collect();
        let array = ArrayWriter::create(&path, &whole(&blocks.lengths), &whole(&blocks.block), kind, &labels)?;
        Ok(Self {
            folder: path,
            array,
            done,
            log: Mutex::new(log),
        })
    }

    /// Notes that a block is on the disk.
    pub(super) fn finish(&self, block: u64) -> Result<(), Failure> {
        let mut log = self.log.lock().map_err(|error| error.to_string())?;
        Ok(log.write_all(&block.to_le_bytes())?)
    }

    /// Moves the array to its place.
    pub(super) fn persist(self, job: &Job) -> Result<(), Failure> {
        drop(self.log);
        for name in [DONE, SETTINGS] {
            of_file(&job.out, fs::remove_file(self.folder.join(name)).map_err(Failure::from))?;
        }
        Ok(job.place().put_folder(&self.folder)?)
    }
}

/// What a continued run must have in common with the one before.
fn settings(job: &Job, blocks: &Blocks<'_>) -> Result<String, Failure> {
    let input = |path: &Path| -> Result<String, Failure> {
        let state = State::of(path, 4)?;
        let whole = of_file(path, path.canonicalize().map_err(Failure::from))?;
        Ok(format!("{} {state:?}", whole.display()))
    };
    let inputs = job
        .raters()
        .map(|(_, path)| input(path))
        .collect::<Result<Vec<_>, _>>()?;
    let args = blocks.encoder.args;
    Ok(json!({
        "inputs": inputs,
        "encoding": blocks.encoding,
        "classes": blocks.encoder.classes,
        "weights": blocks.weights,
        "stacked_raters": job.is_stacked(),
        "window": blocks.window.ranges().iter().map(|range| [range.start, range.end]).collect::<Vec<_>>(),
        "scale": args.scale,
        "dtype": format!("{:?}", args.dtype),
        "block": blocks.block,
    })
    .to_string())
}
