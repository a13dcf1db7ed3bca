//! 255ths by the method of the largest remainder, a block of voxels at a time.

use super::BLOCK;
use super::block_loops::PerVoxel;

/// Fractions nearer to one another than this part of 1 are equal: they differ by rounding alone.
const EQUAL: f64 = 1e9;

/// Adding it rounds to a whole number, which is then in the lowest bits. Conversions of floating point to integers do not
/// become vector code.
const ROUND: f64 = 1.5 * (1_u64 << 52) as f64;

#[expect(clippy::cast_possible_truncation, reason = "the lowest bits are meant")]
fn low_bits(rounded: f64) -> i32 {
    rounded.to_bits() as i32
}

/// The 255ths of a probability that is alone: the nearest, 128 for one half.
pub(crate) fn nearest(probability: f64) -> u8 {
    low_bits((255.0 * probability + 0.5).floor() + ROUND) as u8
}

/// Buffers for a block.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// By class.
    pub(crate) probabilities: Vec<PerVoxel<f64>>,
    /// In units of 1 / [`EQUAL`]; -1 once the class has got one more.
    fractions: Vec<PerVoxel<i32>>,
}

impl Parts {
    /// Makes room for the probabilities of so many classes.
    pub(crate) fn resize(&mut self, classes: usize) {
        self.probabilities.resize(classes, [0.0; BLOCK]);
        self.fractions.resize(classes, [0; BLOCK]);
    }

    /// Writes the 255ths of all classes in a block. `annotated` gives a voxel's class that is to stay the largest if it is one of
    /// the most probable.
    pub(crate) fn write(&mut self, parts: &mut [PerVoxel<u8>], annotated: impl Fn(usize) -> Option<usize>) {
        let mut rest = self.write_rounded_down(parts);
        if rest == [0; BLOCK] {
            return;
        }
        let uncertain = rest;
        while rest != [0; BLOCK] && self.give(parts, &mut rest) {}
        self.keep_largest(parts, &uncertain, annotated);
    }

    /// Writes the 255ths of each channel alone.
    pub(crate) fn write_each(&self, parts: &mut [PerVoxel<u8>]) {
        for (probabilities, parts) in self.probabilities.iter().zip(parts) {
            parts
                .iter_mut()
                .zip(probabilities)
                .for_each(|(part, &probability)| *part = nearest(probability));
        }
    }

    /// Writes the 255ths rounded down to whole numbers, and returns how many are left for each voxel.
    fn write_rounded_down(&mut self, parts: &mut [PerVoxel<u8>]) -> PerVoxel<i32> {
        let (mut rest, mut most) = ([255; BLOCK], [0.0; BLOCK]);
        for ((probabilities, fractions), parts) in self.probabilities.iter().zip(&mut self.fractions).zip(parts) {
            for i in 0..BLOCK {
                let exact = 255.0 * probabilities[i];
                // A whole number that rounding made a little smaller is whole.
                let rounded = exact - (0.5 - 1.0 / EQUAL) + ROUND;
                let fraction = (exact - (rounded - ROUND)) * EQUAL + ROUND;
                let floor = low_bits(rounded);
                fractions[i] = low_bits(fraction).max(0);
                parts[i] = floor as u8;
                rest[i] -= floor;
                most[i] = if probabilities[i] > most[i] {
                    probabilities[i]
                } else {
                    most[i]
                };
            }
        }
        for i in 0..BLOCK {
            rest[i] = if most[i] > 0.0 { rest[i].max(0) } else { 0 };
        }
        rest
    }

    /// Gives each voxel's class with the largest fraction, the first of several, one more. Returns whether there are further
    /// fractions.
    fn give(&mut self, parts: &mut [PerVoxel<u8>], rest: &mut PerVoxel<i32>) -> bool {
        let mut largest = [-1; BLOCK];
        for fractions in &self.fractions {
            for i in 0..BLOCK {
                largest[i] = largest[i].max(fractions[i]);
            }
        }
        let mut open = [0; BLOCK];
        for i in 0..BLOCK {
            open[i] = i32::from((rest[i] > 0) & (largest[i] >= 0));
            rest[i] -= open[i];
        }
        let any = open != [0; BLOCK];
        for (fractions, parts) in self.fractions.iter_mut().zip(parts) {
            for i in 0..BLOCK {
                let given = open[i] & i32::from(fractions[i] == largest[i]);
                fractions[i] = if given == 1 { -1 } else { fractions[i] };
                parts[i] = parts[i].wrapping_add(given as u8);
                open[i] -= given;
            }
        }
        any
    }

    /// Exchanges the 255ths of two classes where one that is not more probable got more than the one to keep the largest.
    fn keep_largest(
        &self,
        parts: &mut [PerVoxel<u8>],
        uncertain: &PerVoxel<i32>,
        annotated: impl Fn(usize) -> Option<usize>,
    ) {
        let mut largest = [0; BLOCK];
        for parts in &*parts {
            for i in 0..BLOCK {
                largest[i] = largest[i].max(parts[i]);
            }
        }
        for i in (0..BLOCK).filter(|&i| uncertain[i] > 0) {
            let probability = |class: usize| self.probabilities[class][i];
            let keep = annotated(i).unwrap_or_else(|| {
                let more = |most, class| {
                    if probability(class) > probability(most) {
                        class
                    } else {
                        most
                    }
                };
                (0..parts.len()).fold(0, more)
            });
            let kept = parts[keep][i];
            if largest[i] == kept {
                continue;
            }
            let above = |class: &usize| parts[*class][i] > kept && probability(*class) <= probability(keep);
            if let Some(class) = (0..parts.len()).find(above) {
                parts[keep][i] = std::mem::replace(&mut parts[class][i], kept);
            }
        }
    }
}
