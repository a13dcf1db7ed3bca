//! Pixels as PNG and TIFF pack them.

use crate::error::Fault;

/// Pixels of a byte or less. They are packed from the highest bit down, and each row begins with a new byte.
pub(super) fn unpack(
    bytes: &[u8],
    bits: usize,
    height: usize,
    width: usize,
    row_bytes: usize,
) -> Result<Vec<u8>, Fault> {
    if !matches!(bits, 1 | 2 | 4 | 8) {
        return Err(Fault::content(format!(
            "has pixels of {bits} bits; save it with 1, 2, 4, 8 or more bits"
        )));
    }
    if bytes.len() < row_bytes * height || row_bytes * 8 < width * bits {
        return Err(Fault::broken("is cut off; save it again"));
    }
    let pixel = |row: &[u8], x: usize| row[x * bits / 8] >> (8 - bits - x * bits % 8) & (0xff >> (8 - bits));
    let rows = bytes.chunks_exact(row_bytes.max(1)).take(height);
    let mut pixels = Vec::new();
    let room = height.checked_mul(width).map(|room| pixels.try_reserve_exact(room));
    if !matches!(room, Some(Ok(()))) {
        return Err(Fault::too_large("has more pixels than memory holds"));
    }
    pixels.extend(rows.flat_map(|row| (0..width).map(move |x| pixel(row, x))));
    Ok(pixels)
}
