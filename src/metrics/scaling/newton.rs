//! Newton's method for a convex function of several parameters within bounds, one value after the other.

use super::MOST_BIAS;
use super::search::RANGE;
use super::sums::{Scale, Sums};

/// Who gains less than this by the next step, in nats a voxel, takes it and ends: the error after it is about the square.
const LEAST_GAIN: f64 = 1e-14;

/// The part of the promised gain that a step has to bring.
const PART: f64 = 1e-4;

/// Values that differ by less are the same but for rounding.
const ROUNDING: f64 = 1e-13;

/// A step that was shortened so often leads nowhere: rounding is larger than what it could bring.
const SHORTEST: f64 = 1e-6;

/// Looks for the parameters of the largest likelihood: 1/T within [`RANGE`], and biases within [`MOST_BIAS`]. Who looks computes
/// the sums where it is told.
///
/// The step is that of Newton's method, without the parameters that are at a bound and want to leave it. It is shortened until
/// the likelihood grows as it should (Bertsekas, *Projected Newton methods*, 1982).
#[derive(Debug, Clone)]
pub(super) struct Newton {
    /// How many of the parameters are temperatures.
    classes: usize,
    /// Where the sums are needed next.
    trial: Scale,
    /// The best place yet, with its value and gradient.
    best: Option<(Vec<f64>, f64, Vec<f64>)>,
    direction: Vec<f64>,
    length: f64,
}

impl Newton {
    pub(super) fn new(start: Scale, classes: usize) -> Self {
        Self {
            classes,
            direction: vec![0.0; start.parameters.len()],
            trial: start,
            best: None,
            length: 1.0,
        }
    }

    pub(super) fn at(&self) -> &Scale {
        &self.trial
    }

    /// Goes on with the sums at this place, and tells whether the search has ended.
    pub(super) fn step(&mut self, sums: &Sums) -> bool {
        let voxels = sums.voxels() as f64;
        let value = sums.likelihood / voxels;
        if let Some((at, least, gradient)) = &self.best {
            let moved = self.trial.parameters.iter().zip(at).map(|(new, old)| new - old);
            let promised: f64 = moved.zip(gradient).map(|(moved, slope)| moved * slope).sum();
            let well = value <= least + PART * promised + ROUNDING * least.abs().max(1.0);
            if !well {
                self.length /= 4.0;
                let leads_nowhere = self.length < SHORTEST;
                self.trial.parameters = if leads_nowhere { at.clone() } else { self.moved(at) };
                return leads_nowhere;
            }
        }
        let at = self.trial.parameters.clone();
        let mean = |sums: &[f64]| sums.iter().map(|sum| sum / voxels).collect::<Vec<_>>();
        let (gradient, curvature) = (mean(&sums.gradient), mean(&sums.curvature));
        let free = self.free(sums, &at, &gradient);
        self.direction = direction(&curvature, &gradient, &free);
        self.length = 1.0;
        let gain: f64 = self
            .direction
            .iter()
            .zip(&gradient)
            .map(|(step, slope)| -0.5 * step * slope)
            .sum();
        self.trial.parameters = self.moved(&at);
        self.best = Some((at, value, gradient));
        gain <= LEAST_GAIN
    }

    /// The parameters that may change. Those of a class without any label stay as they are: its likelihood grows without end as
    /// its probability falls.
    fn free(&self, sums: &Sums, at: &[f64], gradient: &[f64]) -> Vec<usize> {
        let has_labels = |parameter: usize| {
            let class = if parameter < self.classes {
                parameter
            } else {
                parameter - self.classes + 1
            };
            sums.counts.get(class).is_some_and(|&count| count > 0)
        };
        let stays = |parameter: usize| {
            let [low, high] = self.bounds(parameter);
            let (at, slope) = (
                at.get(parameter).copied(),
                gradient.get(parameter).copied().unwrap_or(0.0),
            );
            at.is_some_and(|at| (at <= low && slope > 0.0) || (at >= high && slope < 0.0))
        };
        (0..at.len())
            .filter(|&parameter| has_labels(parameter) && !stays(parameter))
            .collect()
    }

    fn bounds(&self, parameter: usize) -> [f64; 2] {
        if parameter < self.classes {
            RANGE
        } else {
            [-MOST_BIAS, MOST_BIAS]
        }
    }

    fn moved(&self, at: &[f64]) -> Vec<f64> {
        let moved = at
            .iter()
            .zip(&self.direction)
            .enumerate()
            .map(|(parameter, (at, step))| {
                let [low, high] = self.bounds(parameter);
                (at + self.length * step).clamp(low, high)
            });
        moved.collect()
    }
}

/// The step of Newton's method on the free parameters, and 0 on the others.
fn direction(curvature: &[f64], gradient: &[f64], free: &[usize]) -> Vec<f64> {
    let entry = |row: usize, column: usize| {
        let (row, column) = (row.max(column), row.min(column));
        curvature.get(row * (row + 1) / 2 + column).copied().unwrap_or(0.0)
    };
    // A parameter without any influence stays as it is.
    let free: Vec<_> = free
        .iter()
        .copied()
        .filter(|&parameter| entry(parameter, parameter) > 0.0)
        .collect();
    let scales: Vec<_> = free
        .iter()
        .map(|&parameter| entry(parameter, parameter).sqrt())
        .collect();
    let slopes: Vec<_> = free
        .iter()
        .zip(&scales)
        .map(|(&parameter, scale)| gradient.get(parameter).copied().unwrap_or(0.0) / scale)
        .collect();
    let of = |row: usize, column: usize| match (free.get(row), free.get(column), scales.get(row), scales.get(column)) {
        (Some(&a), Some(&b), Some(first), Some(second)) => entry(a, b) / first / second,
        _ => 0.0,
    };
    let mut direction = vec![0.0; gradient.len()];
    let steps = RIDGES
        .iter()
        .find_map(|ridge| solve(&of, &slopes, *ridge))
        .unwrap_or_else(|| slopes.clone());
    for ((&parameter, step), scale) in free.iter().zip(steps).zip(&scales) {
        if let Some(place) = direction.get_mut(parameter) {
            *place = -step / scale;
        }
    }
    direction
}

/// What is added to the diagonal, until the matrix can be solved for: where parameters can stand for one another, it cannot
/// without.
const RIDGES: [f64; 5] = [0.0, 1e-11, 1e-8, 1e-4, 1.0];

/// Pivots of a matrix with ones on its diagonal that are not more than rounding.
const LEAST_PIVOT: f64 = 1e-13;

/// Solves for a symmetric matrix with ones on its diagonal, by Cholesky's decomposition, if it is positive definite.
fn solve(matrix: &impl Fn(usize, usize) -> f64, right: &[f64], ridge: f64) -> Option<Vec<f64>> {
    let size = right.len();
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
    for at in 0..size {
        let mut row: Vec<f64> = Vec::with_capacity(at + 1);
        for (column, other) in rows.iter().enumerate() {
            let sum: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.push((matrix(at, column) - sum) / other.last()?);
        }
        let pivot = matrix(at, at) + ridge - row.iter().map(|entry| entry * entry).sum::<f64>();
        if pivot <= LEAST_PIVOT || pivot.is_nan() {
            return None;
        }
        row.push(pivot.sqrt());
        rows.push(row);
    }
    let mut solution: Vec<f64> = Vec::with_capacity(size);
    for (row, right) in rows.iter().zip(right) {
        let sum: f64 = row.iter().zip(&solution).map(|(a, b)| a * b).sum();
        solution.push((right - sum) / row.last()?);
    }
    for at in (0..size).rev() {
        let below: f64 = (at + 1..size)
            .filter_map(|below| Some(rows.get(below)?.get(at)? * solution.get(below)?))
            .sum();
        let pivot = *rows.get(at)?.last()?;
        let place = solution.get_mut(at)?;
        *place = (*place - below) / pivot;
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let matrix = [[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]];
        let of = |row: usize, column: usize| matrix[row][column];
        let expected = [0.3, -2.0, 5.0];
        let right: Vec<f64> = matrix
            .iter()
            .map(|row| row.iter().zip(expected).map(|(a, x)| a * x).sum())
            .collect();
        let found = solve(&of, &right, 0.0).unwrap();
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12),
            "{found:?}"
        );
        assert_eq!(solve(&|_, _| 1.0, &[1.0, 1.0], 0.0), None);
        assert_eq!(solve(&of, &[], 0.0), Some(Vec::new()));
    }

    #[test]
    fn parameters_that_stand_for_one_another_are_moved_together() {
        // Half of (x + y - 2)² + z², at 0, 0, 3: two parameters are one, and one has no influence.
        let curvature = [1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let step = direction(&curvature, &[-2.0, -2.0, 3.0, 0.0], &[0, 1, 2, 3]);
        assert!(
            (step[0] - step[1]).abs() < 1e-3 && (step[0] + step[1] - 2.0).abs() < 1e-3,
            "{step:?}"
        );
        assert!((step[2] + 3.0).abs() < 1e-3 && step[3] == 0.0);
        assert_eq!(
            direction(&curvature, &[-2.0, -2.0, 3.0, 0.0], &[2]),
            [0.0, 0.0, -3.0, 0.0]
        );
    }
}
