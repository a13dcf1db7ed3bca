//! TIFF without what it says of colours, so that the numbers come as they are stored.
//!
//! The library inverts images where white is 0, and does not read palettes. Both are label maps here, whose labels are the
//! stored numbers.

use std::io::{self, Read, Seek, SeekFrom};

use crate::error::Fault;
use crate::limits::{TEXT, read_exactly, shorter};

/// A file in which some bytes are others.
#[derive(Debug)]
pub(super) struct Stored<R> {
    reader: R,
    big_endian: bool,
    /// Whether offsets have 64 bits.
    big: bool,
    at: u64,
    size: u64,
    changed: Vec<(u64, [u8; 2])>,
}

/// What a directory tells of its page.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Where the next directory is, or 0.
    pub(super) next: u64,
    /// Whether the page is an overview of another or a mask, not a part of the image.
    pub(super) reduced: bool,
    pub(super) description: String,
}

const NEW_SUBFILE_TYPE: u64 = 254;
const SUBFILE_TYPE: u64 = 255;
const COLOURS: u64 = 262;
const DESCRIPTION: u64 = 270;

/// More entries than any directory has.
const MOST_ENTRIES: u64 = 1 << 16;

impl<R: Read + Seek> Stored<R> {
    pub(super) fn new(mut reader: R, size: u64) -> Result<Self, Fault> {
        let mut start = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut start)?;
        reader.rewind()?;
        Ok(Self {
            reader,
            big_endian: start.starts_with(b"MM"),
            big: start.contains(&43),
            at: 0,
            size,
            changed: Vec::new(),
        })
    }

    /// The first page, as [`plain`](Self::plain) makes it.
    pub(super) fn first(&mut self) -> Result<Told, Fault> {
        let (at, bytes) = if self.big { (8, 8) } else { (4, 4) };
        self.seek(SeekFrom::Start(at))?;
        let directory = self.number(bytes)?;
        let told = self.plain(directory)?;
        self.rewind()?;
        Ok(told)
    }

    /// Makes the page of a directory one of plain grey levels, before the library reads it.
    pub(super) fn plain(&mut self, directory: u64) -> Result<Told, Fault> {
        let mut told = Told::default();
        let (count, entry) = if self.big { (8, 20) } else { (2, 12) };
        self.seek(SeekFrom::Start(directory))?;
        let entries = self.number(count)?.min(MOST_ENTRIES);
        let wide = if self.big { 8 } else { 4 };
        for index in 0..entries {
            let start = directory.saturating_add(count + index * entry);
            self.seek(SeekFrom::Start(start))?;
            let (tag, kind) = (self.number(2)?, self.number(2)?);
            let length = self.number(wide)?;
            let value = start.saturating_add(4 + wide);
            // The library makes room for as many values as an entry says.
            if length.saturating_mul(size_of(kind)) > self.size {
                return Err(shorter());
            }
            match (tag, kind) {
                (NEW_SUBFILE_TYPE, 4) => told.reduced |= self.number(4)? & 0b101 != 0,
                (NEW_SUBFILE_TYPE, 3) => told.reduced |= self.number(2)? & 0b101 != 0,
                (SUBFILE_TYPE, 3) => told.reduced |= self.number(2)? == 2,
                // White is 0, a palette, or a mask; 1 is black is 0.
                (COLOURS, 3) if matches!(self.number(2)?, 0 | 3 | 4) => {
                    let one = if self.big_endian { [0, 1] } else { [1, 0] };
                    self.changed.push((value, one));
                }
                (DESCRIPTION, _) => {
                    if length > wide {
                        let at = self.number(wide)?;
                        self.seek(SeekFrom::Start(at))?;
                    }
                    let text = read_exactly(&mut *self, length.min(TEXT))?;
                    told.description = String::from_utf8_lossy(&text).into_owned();
                }
                _ => {}
            }
        }
        self.seek(SeekFrom::Start(directory.saturating_add(count + entries * entry)))?;
        told.next = self.number(wide)?;
        Ok(told)
    }

    /// The next number, of at most 8 bytes.
    fn number(&mut self, bytes: u64) -> Result<u64, Fault> {
        let mut bytes = read_exactly(&mut *self, bytes)?;
        if !self.big_endian {
            bytes.reverse();
        }
        Ok(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }
}

/// Bytes of a value of this kind.
fn size_of(kind: u64) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}

impl<R: Read> Read for Stored<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(buffer)?;
        for (at, bytes) in &self.changed {
            for (place, &byte) in (*at..).zip(bytes) {
                let place = place.checked_sub(self.at).and_then(|place| usize::try_from(place).ok());
                if let Some(old) = place.and_then(|place| buffer.get_mut(..len)?.get_mut(place)) {
                    *old = byte;
                }
            }
        }
        self.at = self.at.saturating_add(len as u64);
        Ok(len)
    }
}

impl<R: Seek> Seek for Stored<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.reader.seek(to)?;
        Ok(self.at)
    }
}
