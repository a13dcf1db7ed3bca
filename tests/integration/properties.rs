//! Every encoding against the naive reference, on drawn scenes.

use ndarray::{ArrayD, Ix2, Ix3, IxDyn};
use proptest::prelude::*;
use soft_labels::{Label, LabelSmoothing, OneHot, Raters, SoftEncoder, SpatialDim, SvlsKernel};

use crate::layout::Stored;
use crate::naive;
use crate::real::{Real, assert_close};
use crate::scene::{Scene, for_all};

/// A scene's window by an encoder, with labels of type `L` seen as `D` and all in the scene's layouts.
///
/// Gaps in the output must stay as they are.
pub(crate) fn encode<L: Label + TryFrom<i64>, F: Real, D: SpatialDim>(
    scene: &Scene,
    encoder: &impl SoftEncoder,
) -> ArrayD<F> {
    let gap = L::try_from(126).ok().unwrap();
    let stored: Vec<Stored<L>> = (0..scene.maps.len())
        .map(|rater| scene.labels.store(&scene.label_map::<L>(rater), gap))
        .collect();
    let maps: Vec<_> = stored
        .iter()
        .map(|map| map.view().into_dimensionality::<D>().unwrap())
        .collect();
    let raters = match &scene.weights {
        Some(weights) => Raters::weighted(&maps, weights).unwrap(),
        None => Raters::new(&maps).unwrap(),
    };

    let shape: Vec<_> = [encoder.channel_count(&scene.classes()).unwrap()]
        .into_iter()
        .chain(scene.window.iter().map(ExactSizeIterator::len))
        .collect();
    let probability = F::rounded(0.25);
    let mut out = scene.out.store(&ArrayD::from_elem(shape, probability), F::NAN);
    let gaps = |out: &Stored<F>| out.memory().filter(|p| p.bits() == F::NAN.bits()).count();
    let before = gaps(&out);
    let mut view = out.view_mut().into_dimensionality::<D::Larger>().unwrap();
    encoder
        .encode_raters_window_into(&raters, &scene.classes(), &scene.window, &mut view)
        .unwrap();
    assert_eq!(gaps(&out), before, "gaps were written to");
    out.view().to_owned()
}

fn naive_svls(scene: &Scene) -> naive::Soft {
    scene.judge(|map, classes| naive::svls_of_strength(map, classes, &scene.sigma, &scene.radius, scene.strength))
}

#[test]
fn svls_agrees_with_the_naive_reference() {
    for_all(2000, Scene::any(), |scene| {
        let soft = encode::<i32, f64, IxDyn>(&scene, &scene.svls());
        assert_close(&soft, &naive_svls(&scene));
    });
}

fn svls_agrees_as<L: Label + TryFrom<i64>, F: Real>() {
    for_all(250, Scene::of_few_classes(), |scene| {
        assert_close(&encode::<L, F, IxDyn>(&scene, &scene.svls()), &naive_svls(&scene));
    });
}

#[test]
fn svls_agrees_in_every_element_type() {
    svls_agrees_as::<u8, f32>();
    #[cfg(feature = "half")]
    svls_agrees_as::<u8, half::f16>();
    #[cfg(feature = "half")]
    svls_agrees_as::<u8, half::bf16>();
}

#[test]
fn svls_agrees_for_labels_of_every_integer_type() {
    svls_agrees_as::<u8, f64>();
    svls_agrees_as::<u16, f64>();
    svls_agrees_as::<u32, f64>();
    svls_agrees_as::<u64, f64>();
    svls_agrees_as::<i8, f64>();
    svls_agrees_as::<i16, f64>();
    svls_agrees_as::<i64, f64>();
}

fn svls_agrees_in<D: SpatialDim>() {
    let axes = D::NDIM.unwrap();
    for_all(
        250,
        (1_usize..6).prop_flat_map(move |classes| Scene::of(axes, classes)),
        |scene| {
            assert_close(&encode::<u8, f64, D>(&scene, &scene.svls()), &naive_svls(&scene));
        },
    );
}

#[test]
fn svls_in_2d_agrees() {
    svls_agrees_in::<Ix2>();
}

#[test]
fn svls_in_3d_agrees() {
    svls_agrees_in::<Ix3>();
}

#[test]
fn one_hot_agrees() {
    for_all(500, Scene::any(), |scene| {
        let soft = encode::<i32, f64, IxDyn>(&scene, &OneHot);
        assert_close(&soft, &scene.judge(naive::one_hot));
    });
}

#[test]
fn label_smoothing_agrees_in_both_conventions() {
    let alpha = prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    for_all(500, (Scene::any(), alpha), |(scene, alpha)| {
        let all = encode::<i32, f64, IxDyn>(&scene, &LabelSmoothing::new(alpha).unwrap());
        let expected = scene.judge(|map, classes| naive::label_smoothing(map, classes, alpha));
        assert_close(&all, &expected);

        let others = encode::<i32, f32, IxDyn>(&scene, &LabelSmoothing::over_others(alpha).unwrap());
        let expected = scene.judge(|map, classes| naive::label_smoothing_over_others(map, classes, alpha));
        assert_close(&others, &expected);
    });
}

#[test]
fn kernel_weights_agree() {
    fn check(sigma: &[f64], radius: &[usize]) {
        let kernel = SvlsKernel::builder().sigma(sigma).radius(radius).build().unwrap();
        let expected = naive::kernel(sigma, radius)
            .into_iter()
            .map(|(_, weight)| weight)
            .collect();
        let shape: Vec<_> = radius.iter().map(|r| 2 * r + 1).collect();
        let expected = ArrayD::from_shape_vec(shape, expected).unwrap();
        let weights = kernel.weights(radius.len()).unwrap();
        assert_close(&weights, &expected);
        assert!((weights.sum() - 2.0).abs() < 1e-12);
        // Opposite neighbours weigh the same, to the last bit.
        let weights = weights.as_slice().unwrap();
        assert!(weights.iter().eq(weights.iter().rev()));
    }
    for_all(500, crate::scene::kernel(2), |(sigma, radius)| {
        check(&sigma, &radius);
    });
    for_all(500, crate::scene::kernel(3), |(sigma, radius)| {
        check(&sigma, &radius);
    });
}

#[test]
fn a_transposed_map_gives_the_transposed_result() {
    for_all(250, Scene::of(3, 3), |scene| {
        let transposed = Scene {
            maps: scene.maps.iter().map(|map| map.t().to_owned()).collect(),
            sigma: scene.sigma.iter().rev().copied().collect(),
            radius: scene.radius.iter().rev().copied().collect(),
            window: scene.window.iter().rev().cloned().collect(),
            ..scene.clone()
        };
        let soft = encode::<u8, f64, IxDyn>(&scene, &scene.svls());
        let of_transposed = encode::<u8, f64, IxDyn>(&transposed, &transposed.svls());
        assert_close(&of_transposed.permuted_axes(IxDyn(&[0, 3, 2, 1])), &soft);
    });
}
