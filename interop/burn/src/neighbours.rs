//! Soft labels of class indices by tensor operations.

use burn::tensor::kind::Basic;
use burn::tensor::{Bool, FloatDType, Int, Slice, Tensor, TensorData};
use ndarray::Array2;

use crate::class_index::as_int;
use crate::plan::Plan;

impl Plan {
    /// Which class indices are those of a class, not of an ignored voxel.
    pub(crate) fn known<const M: usize>(&self, index: Tensor<M, Int>) -> Tensor<M, Bool> {
        index.lower_elem(as_int(self.classes))
    }
}

/// Class indices with a margin as wide as the kernel reaches, filled with the nearest voxel.
fn padded<const M: usize>(index: &Tensor<M, Int>, plan: &Plan) -> Tensor<M, Int> {
    let mut around = index.clone();
    for (axis, &radius) in (1..).zip(&plan.radius) {
        let last = as_int(around.dims()[axis]) - 1;
        if radius > 0 {
            let radius = as_int(radius);
            let nearest = Tensor::arange(-radius..last + 1 + radius, &around.device()).clamp(0, last);
            around = around.select(axis, nearest);
        }
    }
    around
}

/// The part of something padded, on its last axes, that is as far from it as a neighbour is.
fn window<const D: usize, K: Basic>(around: &Tensor<D, K>, offset: &[usize], plan: &Plan) -> Tensor<D, K> {
    let mut slices = vec![Slice::full(); D - offset.len()];
    let lengths = around.dims().into_iter().skip(D - offset.len());
    for ((&start, &radius), length) in offset.iter().zip(&plan.radius).zip(lengths) {
        slices.push((start..start + length - 2 * radius).into());
    }
    around.clone().slice(&slices[..])
}

/// `λ / (1 + Σ_u w_u)` over the neighbours u that are not ignored.
fn share<const M: usize>(around: &Tensor<M, Int>, plan: &Plan, dtype: FloatDType) -> Tensor<M> {
    let known = plan.known(around.clone()).cast(dtype);
    let mut weight = window(&known, &plan.radius, plan).ones_like();
    for shell in &plan.shells {
        // Neighbours of one weight are counted first: the counts are exact.
        let count = shell.offsets.iter().map(|offset| window(&known, offset, plan));
        let count = count.reduce(|sum, one| sum + one).expect("a shell has neighbours");
        weight = weight + count * shell.weight;
    }
    weight.recip() * plan.strength
}

/// The soft labels (N, C, ..) of class indices (N, ..), 0 where voxels are ignored.
pub(crate) fn encode<const M: usize, const D: usize>(
    index: &Tensor<M, Int>,
    plan: &Plan,
    dtype: FloatDType,
) -> Tensor<D> {
    let own = one_hot::<M, D>(index, plan, dtype);
    if plan.shells.is_empty() {
        return own;
    }
    let around = padded(index, plan);
    let share = share(&around, plan, dtype).unsqueeze_dim::<D>(1);
    let known = own.clone().sum_dim(1);
    let one_hot_around = one_hot::<M, D>(&around, plan, dtype);
    let mut soft = own.zeros_like();
    for shell in &plan.shells {
        let count = shell.offsets.iter().map(|offset| window(&one_hot_around, offset, plan));
        let count = count.reduce(|sum, one| sum + one).expect("a shell has neighbours");
        soft = soft + count * shell.weight;
    }
    own * (share.clone() + (1.0 - plan.strength)) + soft * share * known
}

/// The class indices that each voxel's soft label is made of, and their weights times a factor for each voxel.
pub(crate) fn terms<const M: usize>(
    index: &Tensor<M, Int>,
    factor: &Tensor<M>,
    plan: &Plan,
) -> Vec<(Tensor<M, Int>, Tensor<M>)> {
    let dtype = FloatDType::from(factor.dtype());
    let weight_where_known = |index: &Tensor<M, Int>, weight: Tensor<M>| {
        let known = plan.known(index.clone()).cast(dtype);
        (index.clone().clamp_max(as_int(plan.classes) - 1), weight * known)
    };
    if plan.shells.is_empty() {
        return vec![weight_where_known(index, factor.clone())];
    }
    let around = padded(index, plan);
    let each = share(&around, plan, dtype) * factor.clone();
    let mut terms = vec![weight_where_known(
        index,
        each.clone() + factor.clone() * (1.0 - plan.strength),
    )];
    for shell in &plan.shells {
        for offset in &shell.offsets {
            terms.push(weight_where_known(
                &window(&around, offset, plan),
                each.clone() * shell.weight,
            ));
        }
    }
    terms
}

/// From classes to channels on the second axis.
pub(crate) fn mixed<const D: usize>(soft: &Tensor<D>, matrix: &Array2<f64>) -> Tensor<D> {
    let mut one_each = [1; D];
    one_each[1] = matrix.ncols();
    // No matrix product: it may round to fewer bits on a GPU.
    let rows = matrix.rows().into_iter().enumerate().map(|(class, row)| {
        let row: Vec<f64> = row.to_vec();
        let row = Tensor::<1>::from_data(TensorData::from(row.as_slice()), (&soft.device(), soft.dtype()));
        soft.clone().slice_dim(1, class..class + 1) * row.reshape(one_each)
    });
    rows.reduce(|sum, row| sum + row).expect("there is a class")
}

/// One-hot labels (N, C, ..) of class indices (N, ..), 0 where voxels are ignored.
fn one_hot<const M: usize, const D: usize>(index: &Tensor<M, Int>, plan: &Plan, dtype: FloatDType) -> Tensor<D> {
    let index = index.clone().unsqueeze_dim::<D>(1);
    let (mut one_each, mut shape) = ([1; D], index.dims());
    (one_each[1], shape[1]) = (plan.classes, plan.classes);
    let classes = Tensor::<1, Int>::arange(0..as_int(plan.classes), &index.device()).reshape(one_each);
    index.expand(shape).equal(classes.expand(shape)).cast(dtype)
}
