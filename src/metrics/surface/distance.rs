//! Distances between surfaces.

use ndarray::{ArrayViewMut1, ArrayViewMut3, Axis};

use super::surfels::{Surfel, Surfels};
use crate::common::{arrays, parallel};
use crate::{Error, Result};

/// If more offsets than this lie within the tolerance, all distances are computed instead.
const BALL: usize = 1 << 12;

/// The area of some surfels that lie within a distance, inclusive, of others.
pub(super) fn area_within(tolerance: f64, from: &Surfels, to: &Surfels, spacing: [f64; 3]) -> Result<f64> {
    let Some(grid) = Grid::around(from, to) else {
        // One of them has no surface, and from there all distances are infinite.
        return Ok(if tolerance == f64::INFINITY { from.area() } else { 0.0 });
    };
    match ball(tolerance, spacing, grid.size) {
        Some(ball) => {
            let mut is_surface = arrays::zeros(grid.len(), &grid.size)?;
            for surfel in &to.all {
                is_surface[grid.place(surfel.at)] = 1_u8;
            }
            let is_near = |surfel: &Surfel| {
                let mut places = ball.iter().filter_map(|offset| grid.beside(surfel.at, offset));
                places.any(|place| is_surface[place] == 1)
            };
            // Some ten offsets are looked at.
            Ok(parallel::sum(50, &from.all, |surfel| {
                if is_near(surfel) { surfel.area } else { 0.0 }
            }))
        }
        None => {
            let distances = Distances::new(from, to, spacing)?;
            // Summed in the order of distances, all of them would differ from the area in the last digits.
            if distances.all.last().is_none_or(|&(distance, _)| distance <= tolerance) {
                return Ok(from.area());
            }
            Ok(parallel::sum(1, &distances.all, |&(distance, area)| {
                if distance <= tolerance { area } else { 0.0 }
            }))
        }
    }
}

/// The offsets within a tolerance, nearest first, or nothing if they are many.
fn ball(tolerance: f64, spacing: [f64; 3], size: [usize; 3]) -> Option<Vec<[isize; 3]>> {
    #[expect(clippy::cast_possible_truncation, reason = "no farther than the grid reaches")]
    let reach = [0, 1, 2].map(|axis| {
        let most = size[axis].saturating_sub(1) as f64;
        (tolerance / spacing[axis] + 1.0).min(most) as isize
    });
    let points = reach.iter().map(|reach| 2.0 * *reach as f64 + 1.0).product::<f64>();
    if points > 8.0 * BALL as f64 {
        return None;
    }
    let mut offsets = Vec::new();
    for z in -reach[0]..=reach[0] {
        for y in -reach[1]..=reach[1] {
            for x in -reach[2]..=reach[2] {
                let [dz, dy, dx] = [0, 1, 2].map(|axis| ([z, y, x][axis] as f64 * spacing[axis]).powi(2));
                let distance = ((dz + dy) + dx).sqrt();
                if distance <= tolerance {
                    offsets.push((distance, [z, y, x]));
                }
            }
        }
    }
    offsets.sort_by(|a, b| a.0.total_cmp(&b.0));
    (offsets.len() <= BALL).then(|| offsets.into_iter().map(|(_, offset)| offset).collect())
}

/// A share of the area that is met but for the rounding of its sum is met.
const ROUNDING: f64 = 1e-12;

/// Number of surfels in a piece.
const PIECE: usize = 1 << 13;

/// The lowest and the highest place of no points.
const NOWHERE: [[usize; 3]; 2] = [[usize::MAX; 3], [0; 3]];

/// The box around two boxes, each given by its lowest and its highest point.
fn enclose([low, high]: [[usize; 3]; 2], [other_low, other_high]: [[usize; 3]; 2]) -> [[usize; 3]; 2] {
    [
        [0, 1, 2].map(|axis| low[axis].min(other_low[axis])),
        [0, 1, 2].map(|axis| high[axis].max(other_high[axis])),
    ]
}

/// The box of grid points around two surfaces.
#[derive(Debug, Clone, Copy)]
struct Grid {
    start: [usize; 3],
    size: [usize; 3],
}

impl Grid {
    /// Nothing if one of them has no points.
    fn around(a: &Surfels, b: &Surfels) -> Option<Self> {
        if a.all.is_empty() || b.all.is_empty() {
            return None;
        }
        let box_of = |surfels: &[Surfel]| {
            surfels
                .iter()
                .fold(NOWHERE, |range, surfel| enclose(range, [surfel.at; 2]))
        };
        let box_of_all = |surfels: &Surfels| {
            let boxes = parallel::map(surfels.all.len() * 2, surfels.all.chunks(PIECE), box_of);
            boxes.into_iter().fold(NOWHERE, enclose)
        };
        let [low, high] = enclose(box_of_all(a), box_of_all(b));
        Some(Self {
            start: low,
            size: [0, 1, 2].map(|axis| high[axis] - low[axis] + 1),
        })
    }

    fn len(&self) -> usize {
        self.size.iter().product()
    }

    fn place(&self, at: [usize; 3]) -> usize {
        let [d, h, w] = [0, 1, 2].map(|axis| at[axis] - self.start[axis]);
        (d * self.size[1] + h) * self.size[2] + w
    }

    /// The place at an offset from a point, if it is in the box.
    fn beside(&self, at: [usize; 3], offset: &[isize; 3]) -> Option<usize> {
        let mut place = 0;
        for axis in 0..3 {
            let along = (at[axis] - self.start[axis]).wrapping_add_signed(offset[axis]);
            if along >= self.size[axis] {
                return None;
            }
            place = place * self.size[axis] + along;
        }
        Some(place)
    }
}

/// The distance of each of some surfels to the nearest of others, with its area, ascending.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Distances {
    all: Vec<(f64, f64)>,
}

impl Distances {
    pub(super) fn new(from: &Surfels, to: &Surfels, spacing: [f64; 3]) -> Result<Self> {
        // Half as much again is for sorting.
        let mut all = arrays::reserved(from.all.len() + from.all.len() / 2, || vec![from.all.len()])?;
        all.extend(from.all.iter().map(|surfel| (f64::INFINITY, surfel.area)));
        if let Some(grid) = Grid::around(from, to) {
            let squares = squared_distances(&grid, to, spacing)?;
            let pieces = all.chunks_mut(PIECE).zip(from.all.chunks(PIECE));
            parallel::for_each(from.all.len() * 5, pieces, |(all, surfels)| {
                for ((distance, _), surfel) in all.iter_mut().zip(surfels) {
                    *distance = squares[grid.place(surfel.at)].sqrt();
                }
            });
        }
        parallel::sort(&mut all, |a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Ok(Self { all })
    }

    pub(super) fn area(&self) -> f64 {
        parallel::sum(1, &self.all, |(_, area)| *area)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Sum of distances times areas.
    pub(super) fn sum(&self) -> f64 {
        parallel::sum(1, &self.all, |(distance, area)| distance * area)
    }

    /// The distance up to which so many percent of the area lie; infinite without any.
    pub(super) fn percentile_of_area(&self, percent: f64) -> f64 {
        let mut all = Sum::default();
        self.all.iter().for_each(|(_, area)| all.add(*area));
        let share = percent / 100.0 * (1.0 - ROUNDING) * all.value();
        let mut below = Sum::default();
        for (distance, area) in &self.all {
            below.add(*area);
            if percent < 100.0 && below.value() >= share {
                return *distance;
            }
        }
        self.all.last().map_or(f64::INFINITY, |(distance, _)| *distance)
    }

    /// The percentile of the distances, whatever their areas, between two of them in proportion; infinite without any.
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        let Some(last) = self.all.len().checked_sub(1) else {
            return f64::INFINITY;
        };
        let place = percent * last as f64 / 100.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
        let below = (place as usize).min(last);
        let (low, high) = (self.all[below].0, self.all[(below + 1).min(last)].0);
        if low == high {
            return low; // both may be infinite
        }
        low + (high - low) * (place - below as f64)
    }
}

/// A sum of numbers that are not negative, which many of them leave as exact as few (Kahan's, with Neumaier's change).
#[derive(Default)]
struct Sum {
    sum: f64,
    rest: f64,
}

impl Sum {
    fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        let (larger, smaller) = (self.sum.max(number), self.sum.min(number));
        self.rest += (larger - sum) + smaller;
        self.sum = sum;
    }

    fn value(&self) -> f64 {
        self.sum + self.rest
    }
}

/// The squared distance of each point of the grid to the nearest surfel.
fn squared_distances(grid: &Grid, surfels: &Surfels, spacing: [f64; 3]) -> Result<Vec<f64>> {
    let mut squares = arrays::zeros(grid.len(), &grid.size)?;
    parallel::for_each(grid.len(), squares.chunks_mut(1 << 16), |squares| {
        squares.fill(f64::INFINITY);
    });
    for surfel in &surfels.all {
        squares[grid.place(surfel.at)] = 0.0;
    }
    transform(grid.size, &mut squares, spacing)?;
    Ok(squares)
}

/// Replaces the number at each point, 0 or infinite, by the squared distance to the nearest point that has 0.
///
/// One axis after the other (Felzenszwalb & Huttenlocher, *Theory of Computing* 2012), in the order in which a distance's
/// squares are added up, so that equal distances are equal numbers.
pub(in crate::metrics) fn transform(size: [usize; 3], squares: &mut [f64], spacing: [f64; 3]) -> Result<()> {
    let too_large = |_| Error::TooLarge { shape: size.to_vec() };
    let points = squares.len();
    let mut volume = ArrayViewMut3::from_shape(size, squares).map_err(too_large)?;
    for axis in (0..3).filter(|&axis| size[axis] > 1) {
        // Cut along the longest of the other axes, so that lines are whole.
        let others = (0..3).rev().filter(|&other| other != axis);
        let across = others
            .max_by_key(|&other| size[other])
            .expect("there are two other axes");
        let slices = LINES.div_ceil(points / size[axis] / size[across]);
        let parts = volume.axis_chunks_iter_mut(Axis(across), slices);
        parallel::map_with(points * 5, parts, Envelope::default, |envelope, mut part| {
            for line in part.lanes_mut(Axis(axis)) {
                envelope.transform(line, spacing[axis]);
            }
        });
    }
    Ok(())
}

/// Smallest number of lines in a piece.
const LINES: usize = 64;

/// The lower envelope of the parabolas over the points of a line.
#[derive(Default)]
struct Envelope {
    line: Vec<f64>,
    /// Apexes of the parabolas that are lowest somewhere, and from where on each is.
    apexes: Vec<usize>,
    from: Vec<f64>,
}

impl Envelope {
    /// Replaces the value at each point p of a line by the minimum, over all points q, of the value at q plus the squared
    /// distance from p to q.
    fn transform(&mut self, mut squares: ArrayViewMut1<'_, f64>, spacing: f64) {
        self.line.clear();
        self.line.extend(squares.iter());
        self.apexes.clear();
        self.from.clear();
        let line = &self.line;
        let square = |distance: f64| (distance * spacing).powi(2);
        for (at, &value) in line.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let mut begin = f64::NEG_INFINITY;
            while let (Some(&apex), Some(&from)) = (self.apexes.last(), self.from.last()) {
                let (p, q) = (apex as f64, at as f64);
                let unit = spacing * spacing;
                begin = ((value - line[apex]) / unit + (q * q - p * p)) / (2.0 * (q - p));
                if begin > from {
                    break;
                }
                self.apexes.pop();
                self.from.pop();
                begin = f64::NEG_INFINITY;
            }
            self.apexes.push(at);
            self.from.push(begin);
        }
        if self.apexes.is_empty() {
            return;
        }
        let mut lowest = 0;
        for (i, least) in squares.iter_mut().enumerate() {
            while self.from.get(lowest + 1).is_some_and(|from| *from < i as f64) {
                lowest += 1;
            }
            // Where parabolas cross, rounding may have put the border a little off: their neighbours are asked, too.
            let near = lowest.saturating_sub(1)..(lowest + 2).min(self.apexes.len());
            let values = self.apexes[near]
                .iter()
                .map(|&apex| line[apex] + square(i as f64 - apex as f64));
            *least = values.fold(f64::INFINITY, f64::min);
        }
    }
}
