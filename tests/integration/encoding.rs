//! Settings by axis in every form, the strength of SVLS, and the choice of an encoder at run time.

use ndarray::{Array, Array3, ArrayD, Ix2, Ix3, IxDyn, array};
use soft_labels::sparse::{SparseEncoder, SparseLabels};
use soft_labels::{
    Classes, Encoding, Error, LabelSmoothing, OneHot, PerAxis, Raters, SoftEncoder, SpatialDim, Svls, SvlsKernel,
};

use crate::real::assert_same_bits;
use crate::scene::{Scene, for_all};

#[test]
fn a_setting_by_axis_takes_a_number_an_array_a_slice_or_a_vec() {
    let kernel = |sigma: PerAxis<f64>, radius: PerAxis<usize>| {
        SvlsKernel::<Ix3>::builder()
            .sigma(sigma)
            .radius(radius)
            .build()
            .unwrap()
    };
    let expected = kernel(PerAxis::from(1.5), PerAxis::from(2));
    assert_eq!(SvlsKernel::builder().sigma(1.5).radius(2).build().unwrap(), expected);
    assert_eq!(
        SvlsKernel::builder().sigma([1.5; 3]).radius([2; 3]).build().unwrap(),
        expected
    );
    assert_eq!(
        SvlsKernel::builder().sigma(&[1.5; 3]).radius(&[2; 3]).build().unwrap(),
        expected
    );
    let (sigma, radius) = (vec![1.5; 3], vec![2; 3]);
    assert_eq!(
        SvlsKernel::builder().sigma(&sigma).radius(&radius).build().unwrap(),
        expected
    );
    assert_eq!(
        SvlsKernel::builder()
            .sigma(&sigma[..])
            .radius(&radius[..])
            .build()
            .unwrap(),
        expected
    );
    assert_eq!(
        SvlsKernel::builder().sigma(sigma).radius(radius).build().unwrap(),
        expected
    );

    let millimetres = SvlsKernel::<Ix3>::builder().sigma_mm(1.0).spacing_mm([4.0, 1.0, 0.5]);
    assert_eq!(millimetres.build().unwrap().sigma(), [0.25, 1.0, 2.0]);
    let millimetres = SvlsKernel::<Ix2>::builder().sigma_mm(vec![1.0, 3.0]).spacing_mm(0.5);
    assert_eq!(millimetres.build().unwrap().sigma(), [2.0, 6.0]);
    let none: [f64; 0] = [];
    assert!(matches!(
        SvlsKernel::<Ix3>::builder().sigma(none).build(),
        Err(Error::KernelAxes {
            what: "sigma",
            expected: 3,
            actual: 0
        })
    ));
}

#[test]
fn weights_show_the_strength() {
    for strength in [1.0, 0.5, 0.25, 0.1, 1e-9] {
        let paper = SvlsKernel::<Ix3>::default();
        let kernel = SvlsKernel::<Ix3>::builder().strength(strength).build().unwrap();
        assert_eq!(kernel.strength(), strength);
        let (weights, normalized) = (kernel.weights(), kernel.normalized());
        assert_eq!(weights[[1, 1, 1]], 1.0);
        assert!((weights.sum() - 1.0 - strength / (2.0 - strength)).abs() < 1e-14);
        assert_eq!(normalized[[1, 1, 1]], 1.0 - strength / 2.0);
        assert!((normalized.sum() - 1.0).abs() < 1e-14);
        assert!((normalized[[0, 1, 1]] - strength * paper.normalized()[[0, 1, 1]]).abs() < 1e-17);
        if strength == 1.0 {
            assert_eq!((kernel.clone(), weights), (paper.clone(), paper.weights()));
        } else {
            assert_ne!(kernel, paper);
        }
        assert_eq!(
            kernel.clone().into_dimensionality::<IxDyn>().unwrap().strength(),
            strength
        );
    }
    for wrong in [0.0, -0.5, 1.0 + f64::EPSILON, f64::INFINITY, f64::NAN] {
        let error = SvlsKernel::<Ix2>::builder().strength(wrong).build().unwrap_err();
        assert!(matches!(error, Error::Strength { value } if value.to_bits() == wrong.to_bits()));
    }
}

/// By hand: the two rows are alike, so a boundary between columns has 3 of 8 flat neighbours across it.
#[test]
fn half_as_strong_is_half_as_uncertain() {
    let labels = array![[0_u8, 0, 1, 1], [0, 0, 1, 1]];
    let classes = Classes::contiguous(2).unwrap();
    let flat = |strength| Svls::new(SvlsKernel::builder().sigma(1e9).strength(strength).build().unwrap());
    let half: Array3<f64> = flat(0.5).encode(&labels, &classes).unwrap();
    let paper: Array3<f64> = flat(1.0).encode(&labels, &classes).unwrap();
    assert!((paper[[1, 0, 1]] - 3.0 / 16.0).abs() < 1e-15);
    assert!((half[[1, 0, 1]] - 3.0 / 32.0).abs() < 1e-15);
    assert_eq!((half[[0, 0, 0]], half[[1, 0, 0]]), (1.0, 0.0));
    // Beside an ignored voxel it is the same mixture.
    let classes = Classes::contiguous(2).unwrap().with_ignore(9).unwrap();
    let labels = array![[0_u8, 0, 1, 9], [0, 0, 1, 9]];
    let half: Array3<f64> = flat(0.5).encode(&labels, &classes).unwrap();
    let paper: Array3<f64> = flat(1.0).encode(&labels, &classes).unwrap();
    assert!((paper[[0, 0, 2]] - 3.0 / 13.0).abs() < 1e-15);
    assert!((half[[0, 0, 2]] - 1.5 / 13.0).abs() < 1e-15);
}

/// An encoding has the bits of the encoder that it stands for.
fn is_the_same<D: SpatialDim>(scene: &Scene, encoding: &Encoding, encoder: &impl SoftEncoder<D>) {
    let maps: Vec<Array<i64, D>> = (0..scene.maps.len())
        .map(|rater| scene.label_map(rater).into_dimensionality().unwrap())
        .collect();
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let (raters, classes) = (Raters::weighted(&views, &scene.weights()).unwrap(), scene.classes());
    let expected: Array<f32, D::Larger> = encoder.encode_raters_window(&raters, &classes, &scene.window).unwrap();
    let soft: Array<f32, D::Larger> = encoding.encode_raters_window(&raters, &classes, &scene.window).unwrap();
    assert_same_bits(&soft, &expected);
}

#[test]
fn an_encoding_has_the_bits_of_its_encoder() {
    for_all(200, Scene::any(), |scene| {
        let (all, others) = (
            LabelSmoothing::new(0.2).unwrap(),
            LabelSmoothing::over_others(0.2).unwrap(),
        );
        is_the_same::<IxDyn>(&scene, &Encoding::OneHot, &OneHot);
        is_the_same::<IxDyn>(&scene, &Encoding::from(all), &all);
        is_the_same::<IxDyn>(&scene, &Encoding::from(others), &others);
        is_the_same::<IxDyn>(&scene, &Encoding::default(), &Svls::default());
        is_the_same::<IxDyn>(&scene, &Encoding::from(scene.settings()), &scene.svls());
        is_the_same::<IxDyn>(&scene, &Encoding::from(scene.svls()), &scene.svls());
        if scene.window.len() == 2 {
            is_the_same::<Ix2>(&scene, &Encoding::default(), &Svls::default());
        } else {
            is_the_same::<Ix3>(&scene, &Encoding::default(), &Svls::default());
        }
    });
}

#[test]
fn the_sparse_form_is_what_the_encoding_can_do() {
    let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2).unwrap());
    let sparse =
        |encoding: Encoding| -> Result<SparseLabels<f32, _>, Error> { encoding.encode_sparse(&labels, &classes) };
    assert_eq!(sparse(Encoding::OneHot), OneHot.encode_sparse(&labels, &classes));
    assert_eq!(
        sparse(Encoding::default()),
        Svls::default().encode_sparse(&labels, &classes)
    );
    let smoothing = LabelSmoothing::new(0.1).unwrap();
    assert_eq!(sparse(smoothing.into()), Err(Error::NotSparse));
}

#[test]
fn settings_are_resolved_when_they_are_used() {
    let (flat, volume) = (array![[0_u8, 1]].into_dyn(), array![[[0_u8, 1]]].into_dyn());
    let classes = Classes::contiguous(2).unwrap();
    let encode =
        |encoding: &Encoding, labels: &ArrayD<u8>| -> Result<ArrayD<f32>, Error> { encoding.encode(labels, &classes) };

    let of_three_axes = Encoding::Svls(SvlsKernel::builder().radius([0, 1, 1]));
    assert!(encode(&of_three_axes, &volume).is_ok());
    let error = Error::KernelAxes {
        what: "radius",
        expected: 2,
        actual: 3,
    };
    assert_eq!(encode(&of_three_axes, &flat), Err(error.clone()));
    let fixed: Result<Array3<f32>, Error> = of_three_axes.encode(&array![[0_u8, 1]], &classes);
    assert_eq!(fixed, Err(error));

    for (settings, expected) in [
        (SvlsKernel::builder().sigma(0.0), Error::Sigma { axis: 0, value: 0.0 }),
        (SvlsKernel::builder().radius(0), Error::ZeroRadius),
        (SvlsKernel::builder().sigma_mm(1.0), Error::MissingSpacing),
        (SvlsKernel::builder().strength(2.0), Error::Strength { value: 2.0 }),
    ] {
        assert_eq!(
            encode(&Encoding::from(settings.clone()), &volume),
            Err(expected.clone())
        );
        assert_eq!(settings.build(), Err(expected));
    }
}
