//! Gzip as other programs read it: several members one after the other, and zeros behind the last.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// What a gzip file holds. Zeros behind it are padding, as tapes and some archives leave them.
#[derive(Debug)]
pub(super) struct Gunzip<R> {
    /// The member that is being read, or what follows the last one.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
        }
    }

    /// Whether another member follows.
    fn next(reader: &mut R) -> io::Result<bool> {
        loop {
            let bytes = reader.fill_buf()?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            match bytes.get(zeros) {
                _ if bytes.is_empty() => return Ok(false),
                None => reader.consume(zeros),
                Some(0x1f) => {
                    reader.consume(zeros);
                    return Ok(true);
                }
                Some(_) => {
                    let error = "bytes behind its gzip data that are neither gzip nor zeros";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
        }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else {
                return Ok(0);
            };
            let bytes = member.read(buffer)?;
            if bytes > 0 || buffer.is_empty() {
                return Ok(bytes);
            }
            let Some(mut reader) = self.member.take().map(GzDecoder::into_inner) else {
                return Ok(0);
            };
            if Self::next(&mut reader)? {
                self.member = Some(GzDecoder::new(reader));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Gunzip::new(bytes).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn members_and_padding() {
        let two = [gzip(b"one, "), gzip(b"two")].concat();
        assert_eq!(unpacked(&two).unwrap(), b"one, two");
        let padded = [gzip(b"one"), vec![0; 1000]].concat();
        assert_eq!(unpacked(&padded).unwrap(), b"one");
        assert!(unpacked(&[gzip(b"one"), b"two".to_vec()].concat()).is_err());
        assert!(unpacked(&two[..two.len() - 1]).is_err());
    }
}
