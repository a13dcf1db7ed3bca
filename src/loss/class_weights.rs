//! Class weights, checked.

use super::elementary::LossFloat;
use crate::common::arrays::check_count;
use crate::{Error, Place, Result};

/// The weights, if there is one for each class and the type of the logits can hold it.
pub(super) fn checked<F: LossFloat>(weights: &[f64], classes: usize) -> Result<&[f64]> {
    check_count("class weights", "classes", classes, weights.len())?;
    let possible = |weight: f64| weight >= 0.0 && F::round_from(weight).is_finite();
    match weights.iter().position(|&weight| !possible(weight)) {
        Some(class) => Err(Error::Setting {
            what: "weight",
            place: Some(Place::Class(class)),
            value: weights[class],
            allowed: "finite in the type of the logits and not negative",
        }),
        None => Ok(weights),
    }
}
