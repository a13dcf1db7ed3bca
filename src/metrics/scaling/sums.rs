//! The likelihood of labels and its derivatives, summed over voxels.

use super::input::Case;
use super::{Calibration, CalibrationMethod};
use crate::SoftFloat;

/// The parameters: 1/T of all classes or of each, and then the biases of the classes but the first.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::metrics) struct Scale {
    method: CalibrationMethod,
    classes: usize,
    pub(super) parameters: Vec<f64>,
}

impl Scale {
    /// Where a search begins: what leaves logits as they are.
    pub(super) fn start(method: CalibrationMethod, classes: usize) -> Self {
        let biases = vec![0.0; classes.saturating_sub(1)];
        let parameters = match method {
            CalibrationMethod::Temperature => vec![1.0],
            CalibrationMethod::ClassTemperatures => vec![1.0; classes],
            CalibrationMethod::Vector => [vec![1.0; classes], biases].concat(),
        };
        Self {
            method,
            classes,
            parameters,
        }
    }

    pub(in crate::metrics) fn temperature(inverse: f64, classes: usize) -> Self {
        Self {
            method: CalibrationMethod::Temperature,
            classes,
            parameters: vec![inverse],
        }
    }

    pub(super) fn of(calibration: &Calibration) -> Self {
        let inverses = calibration.temperatures.iter().map(|temperature| 1.0 / temperature);
        Self {
            method: calibration.method,
            classes: calibration.classes,
            parameters: inverses.chain(calibration.biases.iter().skip(1).copied()).collect(),
        }
    }

    /// The temperatures and biases.
    pub(super) fn temperatures(&self) -> (Vec<f64>, Vec<f64>) {
        let inverses = self.parameters.iter().take(self.classes);
        let biases = self.parameters.iter().skip(self.classes).copied();
        let temperatures = inverses.map(|inverse| 1.0 / inverse).collect();
        match self.method {
            CalibrationMethod::Vector => (temperatures, [0.0].into_iter().chain(biases).collect()),
            _ => (temperatures, Vec::new()),
        }
    }

    /// Scales the logits of a voxel.
    fn scaled<'a>(&'a self, logits: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let inverses = match self.method {
            CalibrationMethod::Temperature => self.parameters.iter().cycle(),
            _ => self.parameters.get(..self.classes).unwrap_or(&[]).iter().cycle(),
        };
        let biases = self.parameters.iter().skip(self.classes.max(1)).copied();
        let biases = [0.0].into_iter().chain(biases).chain(std::iter::repeat(0.0));
        logits
            .iter()
            .zip(inverses)
            .zip(biases)
            .map(|((logit, inverse), bias)| logit * inverse + bias)
    }

    /// Writes the probabilities of a voxel, and returns the logarithm of the sum by which they were divided, and the largest
    /// scaled logit that was subtracted.
    pub(super) fn softmax(&self, logits: &[f64], probabilities: &mut [f64]) -> [f64; 2] {
        let mut most = f64::NEG_INFINITY;
        for (place, scaled) in probabilities.iter_mut().zip(self.scaled(logits)) {
            *place = scaled;
            most = most.max(scaled);
        }
        let mut sum = 0.0;
        for place in probabilities.iter_mut() {
            *place = (*place - most).exp();
            sum += *place;
        }
        probabilities.iter_mut().for_each(|place| *place /= sum);
        [sum.ln(), most]
    }
}

/// Sums over voxels, for one set of parameters.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::metrics) struct Sums {
    /// How many labels each class has.
    pub(super) counts: Vec<u64>,
    /// The negative logarithm of the likelihood.
    pub(super) likelihood: f64,
    /// Its derivatives by the parameters.
    pub(super) gradient: Vec<f64>,
    /// Its second derivatives: row by row, as far as the diagonal.
    pub(super) curvature: Vec<f64>,
}

impl Sums {
    pub(super) fn new(scale: &Scale) -> Self {
        let count = scale.parameters.len();
        Self {
            counts: vec![0; scale.classes],
            likelihood: 0.0,
            gradient: vec![0.0; count],
            curvature: vec![0.0; count * (count + 1) / 2],
        }
    }

    pub(super) fn voxels(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.likelihood += other.likelihood;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(a, b)| *a += b);
        self.curvature
            .iter_mut()
            .zip(&other.curvature)
            .for_each(|(a, b)| *a += b);
    }

    /// The means over voxels of the derivatives by the only parameter.
    pub(in crate::metrics) fn slopes(&self) -> [f64; 2] {
        let voxels = self.voxels() as f64;
        [&self.gradient, &self.curvature].map(|sums| sums.first().copied().unwrap_or(0.0) / voxels)
    }

    fn add(&mut self, scale: &Scale, logits: &[f64], target: usize, buffer: &mut Buffer) {
        if let Some(count) = self.counts.get_mut(target) {
            *count += 1;
        }
        match scale.method {
            CalibrationMethod::Temperature => self.add_one(scale, logits, target),
            _ => self.add_each(scale, logits, target, buffer),
        }
    }

    /// Of one temperature: the mean of the logits, weighted by their probabilities, less the logit of the label, and their
    /// variance.
    fn add_one(&mut self, scale: &Scale, logits: &[f64], target: usize) {
        let inverse = scale.parameters.first().copied().unwrap_or(1.0);
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut weights, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for logit in logits {
            let below = logit - most;
            let weight = (inverse * below).exp();
            weights += weight;
            sum += weight * below;
            squares += weight * below * below;
        }
        let own = logits.get(target).copied().unwrap_or(f64::NAN) - most;
        let mean = sum / weights;
        self.likelihood += weights.ln() - inverse * own;
        if let ([first], [second]) = (&mut self.gradient[..], &mut self.curvature[..]) {
            *first += mean - own;
            *second += squares / weights - mean * mean;
        }
    }

    /// Of parameters of each class. With p the probabilities, and s a parameter's factor, which is the logit of its class or 1, the
    /// second derivative by two parameters is `[same class] p s s' - p s p' s'`.
    fn add_each(&mut self, scale: &Scale, logits: &[f64], target: usize, buffer: &mut Buffer) {
        let classes = scale.classes;
        let [log_sum, most] = scale.softmax(logits, &mut buffer.probabilities);
        let own = scale.scaled(logits).nth(target).unwrap_or(f64::NAN);
        self.likelihood += log_sum - (own - most);
        let of_temperatures = buffer.probabilities.iter().zip(logits).map(|(p, logit)| (*p, *logit));
        let of_biases = buffer.probabilities.iter().skip(1).map(|p| (*p, 1.0));
        let of_all = of_temperatures.chain(of_biases);
        for ((weighted, first), (p, factor)) in buffer.weighted.iter_mut().zip(&mut self.gradient).zip(of_all) {
            *weighted = p * factor;
            *first += *weighted;
        }
        if let Some(first) = self.gradient.get_mut(target) {
            *first -= logits.get(target).copied().unwrap_or(0.0);
        }
        if let Some(first) = self.gradient.get_mut(classes + target - 1).filter(|_| target > 0) {
            *first -= 1.0;
        }
        let mut rows = &mut self.curvature[..];
        for (at, &weighted) in buffer.weighted.iter().take(self.gradient.len()).enumerate() {
            let (row, rest) = std::mem::take(&mut rows).split_at_mut(at + 1);
            rows = rest;
            if weighted == 0.0 {
                continue;
            }
            for (second, other) in row.iter_mut().zip(&buffer.weighted) {
                *second -= weighted * other;
            }
            // The same class: the parameter itself, and of a bias also the temperature.
            let class = if at < classes { at } else { at - classes + 1 };
            let logit = logits.get(class).copied().unwrap_or(0.0);
            if let Some(second) = row.get_mut(class) {
                *second += weighted * logit;
            }
            if at >= classes
                && let Some(second) = row.get_mut(at)
            {
                *second += weighted;
            }
        }
    }
}

/// Numbers of one voxel.
struct Buffer {
    probabilities: Vec<f64>,
    weighted: Vec<f64>,
}

impl<F: SoftFloat> Case<'_, F> {
    /// The sums for several sets of parameters, over the voxels that count.
    pub(in crate::metrics) fn sums(&self, scales: &[&Scale]) -> Vec<Sums> {
        let empty = || scales.iter().map(|scale| Sums::new(scale)).collect::<Vec<_>>();
        let numbers: usize = scales.iter().map(|scale| Sums::size(scale)).sum();
        // As many voxels as numbers: the sums of all pieces take 8 bytes a voxel.
        let of_pieces = self.input.map(numbers, scales.len(), |piece| {
            let mut sums = empty();
            let mut buffer = Buffer {
                probabilities: vec![0.0; self.input.classes],
                weighted: vec![0.0; scales.iter().map(|scale| scale.parameters.len()).max().unwrap_or(0)],
            };
            let counts = |voxel| self.target(voxel).is_some();
            self.input.visit(piece, counts, |voxel, logits| {
                let Some(target) = self.target(voxel) else { return };
                for (sums, scale) in sums.iter_mut().zip(scales) {
                    sums.add(scale, logits, target, &mut buffer);
                }
            });
            sums
        });
        of_pieces.into_iter().fold(empty(), |mut all, of_piece| {
            all.iter_mut().zip(&of_piece).for_each(|(all, sums)| all.merge(sums));
            all
        })
    }
}

impl Sums {
    /// How many numbers the sums of a set of parameters are.
    fn size(scale: &Scale) -> usize {
        let count = scale.parameters.len();
        scale.classes + count + count * (count + 1) / 2
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3};

    use super::*;
    use crate::Classes;
    use crate::metrics::Outputs;

    /// By differences of the likelihood and of the gradient.
    #[test]
    fn derivatives_are_those_of_differences() {
        let logits = Array3::from_shape_fn((3, 5, 7), |(c, y, x)| ((y * 7 + x) * (c + 3) % 11) as f64 / 3.0 - 1.5);
        let labels = Array2::from_shape_fn((5, 7), |(y, x)| ((y * x + x) % 3) as u8);
        let classes = Classes::contiguous(3).unwrap();
        let case = Case::new(&logits, Outputs::Logits, &labels, &classes).unwrap();
        for (method, parameters) in [
            (CalibrationMethod::Temperature, vec![0.7]),
            (CalibrationMethod::ClassTemperatures, vec![0.7, 1.2, 0.4]),
            (CalibrationMethod::Vector, vec![0.7, 1.2, 0.4, -0.3, 0.8]),
        ] {
            let at = |parameter: usize, step: f64| {
                let mut scale = Scale::start(method, 3);
                scale.parameters.clone_from(&parameters);
                scale.parameters[parameter] += step;
                case.sums(&[&scale]).remove(0)
            };
            let here = at(0, 0.0);
            for row in 0..parameters.len() {
                let [less, more] = [-1e-5, 1e-5].map(|step| at(row, step));
                let slope = (more.likelihood - less.likelihood) / 2e-5;
                assert!((here.gradient[row] - slope).abs() < 1e-6, "{method:?} {row}");
                for column in 0..=row {
                    let bend = (more.gradient[column] - less.gradient[column]) / 2e-5;
                    let found = here.curvature[row * (row + 1) / 2 + column];
                    assert!((found - bend).abs() < 1e-6, "{method:?} {row} {column}: {found} {bend}");
                }
            }
        }
    }
}
