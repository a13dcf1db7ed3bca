//! The rows of T: what each class means for each channel.

use ndarray::Axis;

use super::{Channels, Form};
use crate::engine::mixing::{Mixing, check_size};
use crate::{Classes, Error, Result};

impl Channels {
    /// T for these classes.
    pub(in crate::encoder) fn mixing(&self, classes: &Classes) -> Result<Mixing> {
        let n = classes.len();
        let check = |rows: usize| match rows == n {
            true => Ok(()),
            false => Err(Error::Count {
                what: "channels",
                per: "classes",
                expected: n,
                actual: rows,
            }),
        };
        match &self.form {
            Form::Regions(regions) | Form::Structures(regions) => return mixing_of_regions(regions, classes),
            Form::Matrix(matrix) => check(matrix.nrows())?,
            Form::PerClass(alphas) => check(alphas.len())?,
            Form::Siblings { groups, .. } => check(groups.len())?,
            Form::Exponential { .. } | Form::Binomial => check_size(n, n)?,
        }
        let channels = match &self.form {
            Form::Matrix(matrix) => matrix.ncols(),
            _ => n,
        };
        let row = |class: usize| match &self.form {
            Form::Matrix(matrix) => matrix.index_axis(Axis(0), class).to_vec(),
            Form::Exponential { tau, power } => exponential(n, class, *tau, *power),
            Form::Binomial => binomial(n, class),
            Form::PerClass(alphas) => (0..n)
                .map(|c| if c == class { 1.0 - alphas[class] } else { 0.0 } + alphas[class] / n as f64)
                .collect(),
            Form::Siblings { groups, alpha } => siblings(groups, class, *alpha),
            Form::Regions(_) | Form::Structures(_) => Vec::new(),
        };
        let entries = |class| row(class).into_iter().enumerate();
        let rows = (0..n).map(|class| entries(class).filter(|&(_, entry)| entry != 0.0).collect());
        Ok(Mixing::new(channels, rows.collect()))
    }
}

fn mixing_of_regions(regions: &[Vec<i128>], classes: &Classes) -> Result<Mixing> {
    let mut rows = vec![Vec::new(); classes.len()];
    for (channel, region) in regions.iter().enumerate() {
        for &value in region {
            let class = classes.class_of_value(value).ok_or(Error::NoClass {
                what: "label",
                value,
                classes: classes.len(),
            })?;
            // A label that is listed twice is in the region once.
            if rows[class].last() != Some(&(channel, 1.0)) {
                rows[class].push((channel, 1.0));
            }
        }
    }
    Ok(Mixing::memberships(regions.len(), rows))
}

fn exponential(n: usize, class: usize, tau: f64, power: f64) -> Vec<f64> {
    let entries: Vec<f64> = (0..n)
        .map(|c| (-(c.abs_diff(class) as f64).powf(power) / tau).exp())
        .collect();
    let sum: f64 = entries.iter().sum();
    entries.into_iter().map(|entry| entry / sum).collect()
}

/// Binomial coefficients of many classes exceed `f64`, so that factors are multiplied as they come.
fn binomial(n: usize, class: usize) -> Vec<f64> {
    if n == 1 {
        return vec![1.0];
    }
    let trials = (n - 1) as f64;
    let success = 0.1 + 0.8 * class as f64 / trials;
    let mut logarithm = trials * (1.0 - success).ln();
    let mut entries = Vec::with_capacity(n);
    for k in 0..n {
        entries.push(logarithm.exp());
        let k = k as f64;
        logarithm += ((trials - k) / (k + 1.0)).ln() + (success / (1.0 - success)).ln();
    }
    let sum: f64 = entries.iter().sum();
    entries.into_iter().map(|entry| entry / sum).collect()
}

fn siblings(groups: &[usize], class: usize, alpha: f64) -> Vec<f64> {
    let others = groups.iter().filter(|&&group| group == groups[class]).count() - 1;
    let entry = |(c, &group): (usize, &usize)| match (c == class, group == groups[class]) {
        (true, _) if others == 0 => 1.0,
        (true, _) => 1.0 - alpha,
        (false, true) => alpha / others as f64,
        (false, false) => 0.0,
    };
    groups.iter().enumerate().map(entry).collect()
}
