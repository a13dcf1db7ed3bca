//! How each network is judged.

use anyhow::Result;
use ndarray::Array4;
use soft_labels::metrics::negative_log_likelihood;

use super::data::{Case, Split};
use super::run::{Run, Targets};
use super::scores::{Row, score};
use super::train::{classes, predict, probabilities, train};
use crate::store::Store;
use crate::unet3d::UNet3d;

impl Run {
    /// Trains the network, and judges it by the held-out volumes. If it is chosen from, also by those for choices. One-hot
    /// labels are also judged with their best temperature.
    pub(crate) fn finish(&self, split: &Split, chosen_from: bool, step: &dyn Fn()) -> Result<(UNet3d, Vec<Row>)> {
        let net = train(self, &split.train, step)?;
        let all = |cases: &[Case]| cases.iter().map(|case| predict(&net, case)).collect::<Result<Vec<_>>>();
        let held_out = all(&split.held_out)?;
        let has_temperature = self.targets == Targets::OneHot;
        let choice = if chosen_from || has_temperature {
            all(&split.choice)?
        } else {
            Vec::new()
        };
        let about = Row {
            targets: self.name(),
            volumes: self.volumes,
            seed: self.seed,
            steps: self.steps,
            learning_rate: self.learning_rate,
            temperature: 1.0,
            ..Row::default()
        };
        let mut rows = judge_all(&about, "held out", &held_out, &split.held_out)?;
        rows.extend(judge_all(&about, "choice", &choice, &split.choice)?);
        if has_temperature {
            let about = Row {
                targets: format!("{}, temperature", self.name()),
                temperature: best_temperature(&choice, &split.choice)?,
                ..about
            };
            rows.extend(judge_all(&about, "held out", &held_out, &split.held_out)?);
        }
        Ok((net, rows))
    }

    /// The rows of this run, which is finished.
    pub(crate) fn rows(&self, store: &Store) -> Result<Vec<Row>> {
        store.rows(&self.key())
    }
}

fn judge_all(about: &Row, part: &str, logits: &[Array4<f32>], cases: &[Case]) -> Result<Vec<Row>> {
    let (classes, about) = (
        classes()?,
        Row {
            part: part.into(),
            ..about.clone()
        },
    );
    logits
        .iter()
        .zip(cases)
        .map(|(logits, case)| score(&about, &probabilities(logits, about.temperature), case, &classes))
        .collect()
}

/// The temperature of the least mean negative log-likelihood, by golden-section search for its logarithm.
pub(crate) fn best_temperature(logits: &[Array4<f32>], cases: &[Case]) -> Result<f64> {
    let classes = classes()?;
    let loss = |log: f64| -> Result<f64> {
        let mut sum = 0.0;
        for (logits, case) in logits.iter().zip(cases) {
            sum += negative_log_likelihood(&probabilities(logits, log.exp()), &case.labels, &classes)?;
        }
        Ok(sum)
    };
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (0.2_f64.ln(), 10_f64.ln());
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (loss(left)?, loss(right)?);
    while high - low > 0.01 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = loss(left)?;
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = loss(right)?;
        }
    }
    Ok(f64::midpoint(low, high).exp())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis};

    use super::*;

    /// Labels drawn from a softmax, whose logits are then made 3 times as large: 3 is the temperature that undoes it.
    #[test]
    fn temperature_undoes_overconfidence() {
        let logits = Array4::from_shape_fn((3, 20, 20, 20), |(c, d, h, w)| {
            ((c * 31 + d * 17 + h * 5 + w * 11) % 13) as f32 / 4.0
        });
        let honest = probabilities(&logits, 1.0);
        // Numbers spread evenly over 0..1.
        let labels = Array3::from_shape_fn((20, 20, 20), |(d, h, w)| {
            let number = ((d * 400 + h * 20 + w) as f64 * 0.618_033_988_749_894_9).fract();
            let p = honest.index_axis(Axis(0), 0)[[d, h, w]];
            let q = p + honest.index_axis(Axis(0), 1)[[d, h, w]];
            u8::from(number > f64::from(p)) + u8::from(number > f64::from(q))
        });
        let case = Case {
            name: "drawn".into(),
            image: Array3::zeros((20, 20, 20)),
            labels,
        };
        let temperature = best_temperature(&[logits * 3.0], &[case]).unwrap();
        assert!((temperature - 3.0).abs() < 0.15, "{temperature}");
    }
}
