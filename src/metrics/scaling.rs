//! Calibrations: temperatures and biases of a network's outputs.

mod fit;
mod input;
mod newton;
mod scores;
pub(super) mod search;
#[cfg(feature = "serde")]
mod serde;
pub(super) mod sums;

use ndarray::{Array, ArrayRef, RemoveAxis};

pub use self::fit::{CalibrationFit, FitSums};
pub(super) use self::input::{Case, check_logits};
use self::input::{Input, Probabilities};
pub use self::scores::CalibrationScores;
use self::search::RANGE;
use crate::common::arrays::{self, check_count, check_shape};
use crate::input::{classes, raters::check_soft_axes};
use crate::{Error, Place, Result, SoftFloat};

/// Which parameters a [`Calibration`] has. The likelihood is convex in 1/T and b for all of them.
///
/// With feature `serde` they are called `temperature`, `class-temperatures` and `vector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum CalibrationMethod {
    /// One temperature for all classes: softmax(z / T). The most probable class stays the same.
    #[default]
    Temperature,
    /// One for each class: `softmax_c(z_c / T_c)`.
    ClassTemperatures,
    /// One for each class, and a bias: `softmax_c(z_c / T_c + b_c)`, with `b_0 = 0`. This is the vector scaling of Guo et al.
    /// (*ICML* 2017).
    Vector,
}

/// What the numbers are that a network gives for each class.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Outputs {
    /// Numbers that a softmax makes probabilities of. They are finite, and at most 1e100 in magnitude.
    Logits,
    /// Probabilities, whose logarithms are the logits.
    ///
    /// A 0 has no logarithm. It says that the probability was less than half of the smallest positive number that is stored,
    /// and counts as a part of that half: each 0 is `smallest` / 2 / C with C classes, but at least 2^-1074, the smallest
    /// of `f64`.
    Probabilities {
        /// The smallest positive number of the type in which they were stored: 1/255 for 255ths, 2^-24 for `f16`, 2^-133 for
        /// `bf16`, 2^-149 for `f32`, and 2^-1074 for `f64`.
        smallest: f64,
    },
}

impl Outputs {
    /// Probabilities that are stored as 255ths.
    ///
    /// ```
    /// use soft_labels::metrics::Outputs;
    /// assert_eq!(Outputs::parts(), Outputs::Probabilities { smallest: 1.0 / 255.0 });
    /// ```
    pub const fn parts() -> Self {
        Self::Probabilities { smallest: 1.0 / 255.0 }
    }

    /// Probabilities that are stored as `f16`.
    ///
    /// ```
    /// use soft_labels::metrics::Outputs;
    /// assert_eq!(Outputs::half(), Outputs::Probabilities { smallest: 2_f64.powi(-24) });
    /// ```
    pub const fn half() -> Self {
        Self::Probabilities {
            smallest: 1.0 / (1 << 24) as f64,
        }
    }

    /// Probabilities that are stored as `f32`.
    ///
    /// ```
    /// use soft_labels::metrics::Outputs;
    /// assert_eq!(Outputs::single(), Outputs::Probabilities { smallest: f64::from(f32::from_bits(1)) });
    /// ```
    pub const fn single() -> Self {
        Self::Probabilities {
            smallest: f32::from_bits(1) as f64,
        }
    }

    /// Probabilities that are stored as `f64`.
    ///
    /// ```
    /// use soft_labels::metrics::Outputs;
    /// assert_eq!(Outputs::double(), Outputs::Probabilities { smallest: f64::from_bits(1) });
    /// ```
    pub const fn double() -> Self {
        Self::Probabilities {
            smallest: f64::from_bits(1),
        }
    }

    fn are_logits(self) -> bool {
        self == Self::Logits
    }

    fn name(logits: bool) -> &'static str {
        if logits { "logits" } else { "probabilities" }
    }
}

/// Temperatures and biases by which a network's outputs are made probabilities that are meant as they are said.
///
/// ```text
/// p_c = softmax_c(z_c / T_c + b_c)
/// ```
///
/// z are logits, or the logarithms of probabilities. [`CalibrationFit`] finds the parameters on cases that the network was not
/// trained on.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::metrics::{Calibration, Outputs};
///
/// let calibration = Calibration::temperature(2.0, 2)?;
/// let sure = array![[[0.9_f32, 0.5]], [[0.1, 0.5]]];
/// let calibrated: Array3<f32> = calibration.apply(&sure, Outputs::single())?;
/// // The square roots of 0.9 and 0.1 are as 3 to 1.
/// assert!((calibrated[[0, 0, 0]] - 0.75).abs() < 1e-6 && calibrated[[0, 0, 1]] == 0.5);
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// With feature `serde` it is `{"method": "temperature", "logits": false, "classes": 2, "temperatures": [2.0], "biases": []}` in
/// JSON. There is one temperature or one of each class, and no bias or one of each class. Other fields may be there, too.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "self::serde::Form", into = "self::serde::Form"))]
pub struct Calibration {
    method: CalibrationMethod,
    /// Whether it was found of logits.
    logits: bool,
    classes: usize,
    /// One, or one of each class.
    temperatures: Vec<f64>,
    /// None, or one of each class.
    biases: Vec<f64>,
}

impl Calibration {
    /// One temperature for so many classes. It is good for logits and for probabilities.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::TooMany`] for the classes, [`Error::Setting`] unless the temperature lies within 0.001 and
    /// 1000.
    ///
    /// The example of [`Calibration`] uses it.
    pub fn temperature(temperature: f64, classes: usize) -> Result<Self> {
        Self::new(
            CalibrationMethod::Temperature,
            false,
            classes,
            vec![temperature],
            Vec::new(),
        )
    }

    /// A temperature of each class and, for [`CalibrationMethod::Vector`], a bias of each, of which the first is 0. `logits` says
    /// what they are for: logits, or probabilities.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::TooMany`] for the classes, [`Error::Count`] if there are not as many biases or none,
    /// [`Error::Setting`] unless temperatures lie within 0.001 and 1000, and biases within -1000 and 1000.
    ///
    /// ```
    /// use soft_labels::metrics::{Calibration, CalibrationMethod};
    /// let vector = Calibration::of_classes(&[1.5, 0.8], &[0.0, -0.25], true)?;
    /// assert_eq!(vector.method(), CalibrationMethod::Vector);
    /// assert_eq!(vector.biases(), [0.0, -0.25]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_classes(temperatures: &[f64], biases: &[f64], logits: bool) -> Result<Self> {
        let method = if biases.is_empty() {
            CalibrationMethod::ClassTemperatures
        } else {
            CalibrationMethod::Vector
        };
        Self::new(
            method,
            logits,
            temperatures.len(),
            temperatures.to_vec(),
            biases.to_vec(),
        )
    }

    fn new(
        method: CalibrationMethod,
        logits: bool,
        classes: usize,
        temperatures: Vec<f64>,
        biases: Vec<f64>,
    ) -> Result<Self> {
        classes::check_count("classes", classes)?;
        let counts = match method {
            CalibrationMethod::Temperature => [1, 0],
            CalibrationMethod::ClassTemperatures => [classes, 0],
            CalibrationMethod::Vector => [classes; 2],
        };
        check_count("temperatures", "classes", counts[0], temperatures.len())?;
        check_count("biases", "classes", counts[1], biases.len())?;
        let [largest, smallest] = RANGE.map(|inverse| 1.0 / inverse);
        let setting = |what, class, value, allowed| Error::Setting {
            what,
            place: Some(Place::Class(class)),
            value,
            allowed,
        };
        for (class, &value) in temperatures.iter().enumerate() {
            if !(smallest..=largest).contains(&value) {
                return Err(setting("temperature", class, value, "within 0.001 and 1000"));
            }
        }
        for (class, &value) in biases.iter().enumerate() {
            if !(-MOST_BIAS..=MOST_BIAS).contains(&value) {
                return Err(setting("bias", class, value, "within -1000 and 1000"));
            }
        }
        if let Some(&value) = biases.first().filter(|&&bias| bias != 0.0) {
            return Err(setting("bias", 0, value, "0"));
        }
        Ok(Self {
            method,
            logits,
            classes,
            temperatures,
            biases,
        })
    }

    /// Which parameters it has.
    pub fn method(&self) -> CalibrationMethod {
        self.method
    }

    /// Whether it is for logits, and not for probabilities. One temperature is good for both.
    pub fn is_of_logits(&self) -> bool {
        self.logits
    }

    /// The number of classes.
    pub fn class_count(&self) -> usize {
        self.classes
    }

    /// One temperature, or one of each class.
    pub fn temperatures(&self) -> &[f64] {
        &self.temperatures
    }

    /// No bias, or one of each class.
    pub fn biases(&self) -> &[f64] {
        &self.biases
    }

    /// Calibrated probabilities of outputs (C, H, W) or (C, D, H, W), in C order. A voxel without any probability stays so.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Axes`], [`Error::Logit`], [`Error::Probability`], [`Error::ProbabilitySum`],
    /// [`Error::TooLarge`], [`Error::OtherOutputs`] if it is for logits and probabilities are given, or the other way round;
    /// one temperature is for both.
    ///
    /// The example of [`Calibration`] uses it.
    pub fn apply<F: SoftFloat, G: SoftFloat, D: RemoveAxis>(
        &self,
        values: &ArrayRef<F, D>,
        outputs: Outputs,
    ) -> Result<Array<G, D>> {
        let mut out = arrays::filled(values.raw_dim(), G::zero())?;
        self.apply_into(values, outputs, &mut out)?;
        Ok(out)
    }

    /// The same, written to an array of any strides. On an error its contents are unspecified.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::metrics::{Calibration, Outputs};
    ///
    /// let logits = array![[[3.0_f32, 0.0]], [[0.0, 3.0]]];
    /// let mut out = Array3::<f64>::zeros((2, 1, 2));
    /// Calibration::temperature(3.0, 2)?.apply_into(&logits, Outputs::Logits, &mut out)?;
    /// assert!((out[[0, 0, 0]] - 1.0 / (1.0 + (-1_f64).exp())).abs() < 1e-15);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn apply_into<F: SoftFloat, G: SoftFloat, D: RemoveAxis>(
        &self,
        values: &ArrayRef<F, D>,
        outputs: Outputs,
        out: &mut ArrayRef<G, D>,
    ) -> Result<()> {
        check_shape("output", values.shape(), out.shape())?;
        self.check(values.shape(), outputs)?;
        let input = Input::new(values, outputs)?;
        match outputs {
            Outputs::Logits => check_logits(&input, |_| true)?,
            Outputs::Probabilities { .. } => Probabilities::new(values, None)?.check_or_zero()?,
        }
        self.write(&input, |_| true, out)
    }

    /// Whether outputs of this shape and kind can be calibrated.
    fn check(&self, shape: &[usize], outputs: Outputs) -> Result<()> {
        check_soft_axes(shape.len())?;
        let expected = [&[self.classes], shape.get(1..).unwrap_or(&[])].concat();
        check_shape("array of a network's outputs", &expected, shape)?;
        check_outputs(self.method, self.logits, outputs)
    }

    /// Writes the probabilities of the voxels that count, and zeros for the others.
    fn write<F: SoftFloat, G: SoftFloat, D: RemoveAxis>(
        &self,
        input: &Input<'_, F>,
        counts: impl Fn(usize) -> bool + Sync + Send,
        out: &mut ArrayRef<G, D>,
    ) -> Result<()> {
        let scale = sums::Scale::of(self);
        if let Some(out) = out.as_slice_mut() {
            input.probabilities(&scale, counts, out);
            return Ok(());
        }
        let mut copy = arrays::filled(out.raw_dim(), G::zero())?;
        if let Some(copy) = copy.as_slice_mut() {
            input.probabilities(&scale, counts, copy);
        }
        out.assign(&copy);
        Ok(())
    }
}

/// How far a bias may be from 0.
const MOST_BIAS: f64 = 1e3;

/// Logits that differ by a number are the same probabilities. One temperature keeps it so, several do not.
fn check_outputs(method: CalibrationMethod, logits: bool, outputs: Outputs) -> Result<()> {
    if method == CalibrationMethod::Temperature || logits == outputs.are_logits() {
        return Ok(());
    }
    Err(Error::OtherOutputs {
        calibrated: Outputs::name(logits),
        given: Outputs::name(!logits),
    })
}
