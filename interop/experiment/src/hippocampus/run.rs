//! One network: what it learns from, how, and what it is called.

use anyhow::Result;
use soft_labels::{Encoding, LabelSmoothing, Svls, SvlsKernel};

/// One network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) targets: Targets,
    /// Volumes to learn from.
    pub(crate) volumes: usize,
    pub(crate) seed: u64,
    pub(crate) scales: Scales,
    pub(crate) learning_rate: f64,
    pub(crate) steps: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Targets {
    OneHot,
    Smoothing { alpha: f64 },
    Svls { sigma: f64, radius: usize, strength: f64 },
}

/// The paper's kernel.
pub(crate) const SVLS: Targets = Targets::Svls {
    sigma: 1.0,
    radius: 1,
    strength: 1.0,
};

/// Resolutions at which a network is taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scales {
    Full,
    /// Also at half the resolution, by the mean of the soft labels over boxes of 2x2x2 voxels.
    Pooled,
    /// Also at half the resolution, by the soft labels of every other label.
    Nearest,
}

impl Targets {
    pub(crate) fn encoding(self) -> Result<Encoding> {
        Ok(match self {
            Self::OneHot => Encoding::OneHot,
            Self::Smoothing { alpha } => LabelSmoothing::new(alpha)?.into(),
            Self::Svls {
                sigma,
                radius,
                strength,
            } => {
                let settings = SvlsKernel::builder().sigma(sigma).radius(radius).strength(strength);
                Svls::new(settings.build()?).into()
            }
        })
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::OneHot => "one-hot".into(),
            Self::Smoothing { alpha } => format!("LS {alpha}"),
            SVLS => "SVLS".into(),
            Self::Svls {
                sigma,
                radius,
                strength,
            } => {
                let side = 2 * radius + 1;
                format!("SVLS σ {sigma} λ {strength} {side}x{side}x{side}")
            }
        }
    }
}

impl Run {
    /// For tables and the CSV.
    pub(crate) fn name(&self) -> String {
        let scales = match self.scales {
            Scales::Full => "",
            Scales::Pooled => ", two scales, pooled",
            Scales::Nearest => ", two scales, nearest",
        };
        self.targets.name() + scales
    }

    /// For files.
    pub(crate) fn key(&self) -> String {
        let name = self
            .name()
            .replace([' ', ','], "_")
            .replace('σ', "sigma")
            .replace('λ', "strength");
        format!(
            "{name}_{}_volumes_rate_{}_steps_{}_seed_{}",
            self.volumes, self.learning_rate, self.steps, self.seed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_targets_apart() {
        let svls = |sigma, radius, strength| Targets::Svls {
            sigma,
            radius,
            strength,
        };
        assert_eq!(svls(1.0, 1, 1.0).name(), "SVLS");
        assert_eq!(svls(0.5, 2, 0.25).name(), "SVLS σ 0.5 λ 0.25 5x5x5");
        let run = Run {
            targets: svls(2.0, 1, 1.0),
            volumes: 20,
            seed: 3,
            scales: Scales::Nearest,
            learning_rate: 1e-3,
            steps: 400,
        };
        assert!(
            run.key()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)),
            "{}",
            run.key()
        );
    }
}
