//! Headers in text, with their voxels behind them or in a file beside.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use flate2::bufread::ZlibDecoder;

use super::gunzip::Gunzip;
use crate::error::Fault;
use crate::limits::{check_unpacked, open, read_exactly, shorter};

/// The longest header and the longest line of one, in bytes.
const LONGEST: u64 = 1 << 20;

/// A file whose header is read line by line.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<File>,
    read: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        Ok(Self {
            reader: BufReader::new(open(path)?),
            read: 0,
        })
    }

    /// The next line without its end, unless the file ends.
    pub(super) fn next(&mut self) -> Result<Option<String>, Fault> {
        let mut line = Vec::new();
        let bytes = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        self.read = self.read.saturating_add(bytes as u64);
        if self.read > LONGEST {
            return Err(Fault::broken("has a header of more than a megabyte; save it again"));
        }
        if bytes == 0 {
            return Ok(None);
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    /// The voxels behind the header.
    pub(super) fn rest(self) -> Result<Data, Fault> {
        let size = self.reader.get_ref().metadata()?.len();
        Ok(Data {
            reader: self.reader,
            size,
        })
    }
}

/// How voxels are packed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Packing {
    Raw,
    Gzip,
    Zlib,
}

/// Bytes to leave out before the voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Skip {
    Bytes(u64),
    /// All but those of the voxels, which come last.
    ToLast,
}

/// Where voxels are read from.
#[derive(Debug)]
pub(super) struct Data {
    reader: BufReader<File>,
    size: u64,
}

impl Data {
    /// The file that a header names. It has to be in the header's folder.
    pub(super) fn beside(header: &Path, name: &str) -> Result<Self, Fault> {
        let outside = || {
            Fault::content(format!(
                "names {name:?} for its voxels; they have to be in a file in its folder"
            ))
        };
        let name_path = Path::new(name);
        let mut parts = name_path.components().filter(|part| *part != Component::CurDir);
        if name.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
            return Err(outside());
        }
        let folder = crate::place::folder_of(header);
        let path = folder.join(name_path);
        let missing = |error: io::Error| {
            Fault::content(format!(
                "has its voxels in {name:?}, which is not read ({error}); keep both files together"
            ))
        };
        let (real, folder) = (path.canonicalize().map_err(missing)?, folder.canonicalize()?);
        if !real.starts_with(folder) {
            return Err(outside());
        }
        let file = open(&real)?;
        let size = file.metadata()?.len();
        Ok(Self {
            reader: BufReader::new(file),
            size,
        })
    }

    /// Leaves lines out, which are counted before anything is unpacked.
    pub(super) fn skip_lines(&mut self, lines: u64) -> Result<(), Fault> {
        for _ in 0..lines {
            if self.reader.skip_until(b'\n')? == 0 {
                return Err(shorter());
            }
        }
        Ok(())
    }

    /// So many bytes of voxels.
    pub(super) fn read(mut self, bytes: Option<u64>, packing: Packing, skip: Skip) -> Result<Vec<u8>, Fault> {
        if bytes == Some(0) {
            return Err(Fault::broken("has no voxels"));
        }
        if packing == Packing::Raw {
            let bytes = bytes.filter(|&bytes| bytes <= self.size).ok_or_else(shorter)?;
            match skip {
                Skip::Bytes(skip) => skip_bytes(&mut self.reader, skip)?,
                Skip::ToLast => drop(self.reader.seek(SeekFrom::Start(self.size - bytes))?),
            }
            return read_exactly(self.reader, bytes);
        }
        let Skip::Bytes(skip) = skip else {
            return Err(Fault::content(
                "counts from the end of packed voxels; save it without a skip",
            ));
        };
        let bytes = check_unpacked(bytes, self.size)?;
        check_unpacked(bytes.checked_add(skip), self.size)?;
        let (mut gunzip, mut zlib);
        let unpacked: &mut dyn Read = if packing == Packing::Gzip {
            gunzip = Gunzip::new(self.reader);
            &mut gunzip
        } else {
            zlib = ZlibDecoder::new(self.reader);
            &mut zlib
        };
        let mut read = || {
            skip_bytes(&mut *unpacked, skip)?;
            let voxels = read_exactly(&mut *unpacked, bytes)?;
            // The checksum comes last.
            io::copy(&mut *unpacked, &mut io::sink())?;
            Ok(voxels)
        };
        read().map_err(|fault: Fault| fault.broken_stream())
    }
}

fn skip_bytes(mut reader: impl Read, bytes: u64) -> Result<(), Fault> {
    if io::copy(&mut reader.by_ref().take(bytes), &mut io::sink())? != bytes {
        return Err(shorter());
    }
    Ok(())
}

/// Numbers that are separated by blanks.
pub(super) fn numbers<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    text.split_whitespace().map(|number| number.parse().ok()).collect()
}
