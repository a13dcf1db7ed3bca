//! The same content in every memory layout.

use ndarray::{ArrayD, ArrayRef, ArrayViewD, ArrayViewMutD, Axis, Dimension, IxDyn, Slice};
use proptest::prelude::*;

/// How an array lies in memory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The axes from the slowest to the fastest.
    order: Vec<usize>,
    /// Elements of memory from one entry to the next on each axis, relative to a gapless array; negative is backwards.
    step: Vec<isize>,
}

impl Layout {
    /// C, Fortran and a rotated order of the axes, each gapless, with gaps, backwards, and backwards on one axis.
    pub(crate) fn catalogue(axes: usize) -> Vec<Self> {
        let c: Vec<usize> = (0..axes).collect();
        let fortran = c.iter().rev().copied().collect();
        let rotated = (1..axes).chain([0]).collect();
        let mut steps = vec![vec![1; axes], vec![2; axes], vec![-1; axes], vec![-2; axes]];
        steps.extend((0..axes).map(|axis| (0..axes).map(|a| if a == axis { -1 } else { 1 }).collect()));
        let orders: [Vec<usize>; 3] = [c, fortran, rotated];
        orders
            .iter()
            .flat_map(|order| {
                steps.iter().map(|step| Self {
                    order: order.clone(),
                    step: step.clone(),
                })
            })
            .collect()
    }

    pub(crate) fn any(axes: usize) -> impl Strategy<Value = Self> {
        let order = Just((0..axes).collect::<Vec<_>>()).prop_shuffle();
        let step = prop::collection::vec(prop::sample::select(vec![1, 1, 1, -1, 2, -2, 3]), axes);
        (order, step).prop_map(|(order, step)| Self { order, step })
    }

    /// Lays `content` out, with `gap` where nothing of it lies.
    pub(crate) fn store<A: Copy, D: Dimension>(&self, content: &ArrayRef<A, D>, gap: A) -> Stored<A> {
        let lengths = self
            .order
            .iter()
            .map(|&axis| content.len_of(Axis(axis)) * self.step[axis].unsigned_abs());
        let mut stored = Stored {
            memory: ArrayD::from_elem(lengths.collect::<Vec<_>>(), gap),
            layout: self.clone(),
        };
        stored.view_mut().assign(&content.view().into_dyn());
        stored
    }
}

/// An array in some [`Layout`].
#[derive(Debug)]
pub(crate) struct Stored<A> {
    memory: ArrayD<A>,
    layout: Layout,
}

impl<A: Copy> Stored<A> {
    pub(crate) fn view(&self) -> ArrayViewD<'_, A> {
        let mut view = self.memory.view();
        for (at, &axis) in self.layout.order.iter().enumerate() {
            view.slice_axis_inplace(Axis(at), Slice::new(0, None, self.layout.step[axis]));
        }
        view.permuted_axes(self.place_of_axis())
    }

    pub(crate) fn view_mut(&mut self) -> ArrayViewMutD<'_, A> {
        let places = self.place_of_axis();
        let mut view = self.memory.view_mut();
        for (at, &axis) in self.layout.order.iter().enumerate() {
            view.slice_axis_inplace(Axis(at), Slice::new(0, None, self.layout.step[axis]));
        }
        view.permuted_axes(places)
    }

    /// Everything that lies in memory, the gaps included.
    pub(crate) fn memory(&self) -> impl Iterator<Item = A> {
        self.memory.iter().copied()
    }

    fn place_of_axis(&self) -> IxDyn {
        let mut places = vec![0; self.layout.order.len()];
        for (at, &axis) in self.layout.order.iter().enumerate() {
            places[axis] = at;
        }
        IxDyn(&places)
    }
}

#[test]
fn every_layout_shows_the_same_content() {
    let content = ArrayD::from_shape_fn(vec![2, 3, 4], |at| at[0] * 100 + at[1] * 10 + at[2]);
    let layouts = Layout::catalogue(3);
    for layout in &layouts {
        assert_eq!(layout.store(&content, 999).view(), content, "{layout:?}");
    }
    let strides = |layout: &Layout| layout.store(&content, 999).view().strides().to_vec();
    let mut all: Vec<_> = layouts.iter().map(strides).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), layouts.len(), "no two layouts are alike");
}
