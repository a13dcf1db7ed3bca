//! Distances between surfaces.

use ndarray::{ArrayViewMut1, ArrayViewMut3, Axis};

use super::surfels::{Surfel, Surfels};
use crate::common::parallel;
use crate::{Error, Result};

/// Surfels whose areas are summed up by themselves.
const PIECE: usize = 1 << 12;

/// Beyond so many points within the tolerance, distances are computed instead of looking at each.
const BALL: usize = 1 << 12;

/// The area of some surfels that lie within a tolerance, inclusive, of others.
pub(super) fn area_within(tolerance: f64, from: &Surfels, to: &Surfels, spacing: [f64; 3]) -> Result<f64> {
    let area = |near: &(dyn Fn(&Surfel) -> bool + Sync)| {
        // To look around a surfel is the work of some hundred values.
        let threads = parallel::threads(from.all.len().saturating_mul(128));
        let sums = parallel::map(threads, from.all.chunks(PIECE).collect(), |surfels: &[Surfel]| {
            let near = surfels.iter().filter(|surfel| near(surfel));
            near.map(|surfel| surfel.area).sum::<f64>()
        });
        // An empty sum is -0.
        0.0 + sums.iter().sum::<f64>()
    };
    let Some(grid) = Grid::around(from, to) else {
        // One of them has no surface, and from there all distances are infinite.
        return Ok(area(&|_| tolerance == f64::INFINITY));
    };
    match ball(tolerance, spacing, grid.size) {
        Some(ball) => {
            let mut is_surface = grid.filled(false)?;
            for surfel in &to.all {
                is_surface[grid.place(surfel.at)] = true;
            }
            Ok(area(&|surfel| {
                ball.iter()
                    .any(|offset| grid.beside(surfel.at, offset).is_some_and(|place| is_surface[place]))
            }))
        }
        None => {
            let distances = Distances::new(from, to, spacing)?;
            let near = distances.all.iter().filter(|(distance, _)| *distance <= tolerance);
            Ok(0.0 + near.map(|(_, area)| area).sum::<f64>())
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
        let (mut low, mut high) = ([usize::MAX; 3], [0; 3]);
        for surfel in a.all.iter().chain(&b.all) {
            for axis in 0..3 {
                low[axis] = low[axis].min(surfel.at[axis]);
                high[axis] = high[axis].max(surfel.at[axis]);
            }
        }
        Some(Self {
            start: low,
            size: [0, 1, 2].map(|axis| high[axis] - low[axis] + 1),
        })
    }

    fn len(&self) -> usize {
        self.size.iter().product()
    }

    fn too_large(&self) -> Error {
        Error::TooLarge {
            shape: self.size.to_vec(),
        }
    }

    fn filled<T: Clone>(&self, value: T) -> Result<Vec<T>> {
        let mut values = Vec::new();
        values.try_reserve_exact(self.len()).map_err(|_| self.too_large())?;
        values.resize(self.len(), value);
        Ok(values)
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
#[derive(Debug, Clone)]
pub(super) struct Distances {
    all: Vec<(f64, f64)>,
}

impl Distances {
    pub(super) fn new(from: &Surfels, to: &Surfels, spacing: [f64; 3]) -> Result<Self> {
        let mut all: Vec<_> = match Grid::around(from, to) {
            Some(grid) => {
                let squares = squared_distances(&grid, to, spacing)?;
                let distance = |surfel: &Surfel| squares[grid.place(surfel.at)].sqrt();
                from.all.iter().map(|surfel| (distance(surfel), surfel.area)).collect()
            }
            None => from.all.iter().map(|surfel| (f64::INFINITY, surfel.area)).collect(),
        };
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Ok(Self { all })
    }

    pub(super) fn area(&self) -> f64 {
        0.0 + self.all.iter().map(|(_, area)| area).sum::<f64>()
    }

    /// Sum of distances times areas.
    pub(super) fn sum(&self) -> f64 {
        0.0 + self.all.iter().map(|(distance, area)| distance * area).sum::<f64>()
    }

    /// The distance up to which so many percent of the area lie; infinite without any.
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        let (all, mut below) = (self.area(), 0.0);
        for (distance, area) in &self.all {
            below += area;
            if below / all >= percent / 100.0 {
                return *distance;
            }
        }
        self.all.last().map_or(f64::INFINITY, |(distance, _)| *distance)
    }
}

/// The squared distance of each point of the grid to the nearest surfel.
///
/// One axis after the other (Felzenszwalb & Huttenlocher, *Theory of Computing* 2012), in the order in which a distance's
/// squares are added up, so that equal distances are equal numbers.
fn squared_distances(grid: &Grid, surfels: &Surfels, spacing: [f64; 3]) -> Result<Vec<f64>> {
    let mut squares_of_grid = grid.filled(f64::INFINITY)?;
    for surfel in &surfels.all {
        squares_of_grid[grid.place(surfel.at)] = 0.0;
    }
    let threads = parallel::threads(squares_of_grid.len());
    let mut squares = ArrayViewMut3::from_shape(grid.size, &mut squares_of_grid).map_err(|_| grid.too_large())?;
    // Lines along the first axis lie in one row each of all planes, the others in one plane.
    let by_rows = squares.axis_chunks_iter_mut(Axis(1), 1).collect();
    parallel::map(threads, by_rows, |rows| transform_lines(rows, &[0], spacing));
    let by_planes = squares.axis_chunks_iter_mut(Axis(0), 1).collect();
    parallel::map(threads, by_planes, |planes| transform_lines(planes, &[1, 2], spacing));
    Ok(squares_of_grid)
}

/// Transforms all lines along some axes, one axis after the other.
fn transform_lines(mut squares: ArrayViewMut3<'_, f64>, axes: &[usize], spacing: [f64; 3]) {
    let mut envelope = Envelope::default();
    for &axis in axes {
        if squares.len_of(Axis(axis)) > 1 {
            for line in squares.lanes_mut(Axis(axis)) {
                envelope.transform(line, spacing[axis]);
            }
        }
    }
}

/// The lower envelope of the parabolas over the points of a line.
#[derive(Default)]
struct Envelope {
    line: Vec<f64>,
    /// Apexes of the parabolas that are lowest somewhere, and from where on each is.
    apexes: Vec<usize>,
    from: Vec<f64>,
}

impl Envelope {
    /// Replaces the squares of a line by the least of them plus the squared distance to it on the line.
    fn transform(&mut self, squares: ArrayViewMut1<'_, f64>, spacing: f64) {
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
        for (i, square_of_i) in squares.into_iter().enumerate() {
            while self.from.get(lowest + 1).is_some_and(|from| *from < i as f64) {
                lowest += 1;
            }
            // Where parabolas cross, rounding may have put the border a little off: their neighbours are asked, too.
            let near = lowest.saturating_sub(1)..(lowest + 2).min(self.apexes.len());
            let values = self.apexes[near]
                .iter()
                .map(|&apex| line[apex] + square(i as f64 - apex as f64));
            *square_of_i = values.fold(f64::INFINITY, f64::min);
        }
    }
}
