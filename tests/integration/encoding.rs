//! Settings by axis in every form, the strength of SVLS, and the choice of an encoder at run time.

use ndarray::{Array, Array3, ArrayD, Ix2, Ix3, IxDyn, array};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{
    Classes, Encoding, Error, LabelSmoothing, OneHot, PerAxis, Raters, SoftEncoder, SpatialDim, Svls, SvlsKernel,
};

use crate::expected::count;
use crate::real::assert_same_bits;
use crate::scene::{Scene, for_all};

#[test]
fn a_setting_by_axis_takes_a_number_an_array_a_slice_or_a_vec() {
    let kernel = |sigma: PerAxis<f64>, radius: PerAxis<usize>| {
        let kernel = SvlsKernel::builder().sigma(sigma).radius(radius).build().unwrap();
        kernel.weights(3).unwrap()
    };
    let expected = kernel(PerAxis::from(1.5), PerAxis::from(2));
    let (sigma, radius) = (vec![1.5; 3], vec![2; 3]);
    let arrays = ([1.5; 3], [2; 3]);
    let builder = SvlsKernel::builder;
    for builder in [
        builder().sigma(1.5).radius(2),
        builder().sigma([1.5; 3]).radius([2; 3]),
        builder()
            .sigma(PerAxis::from(&arrays.0))
            .radius(PerAxis::from(&arrays.1)),
        builder().sigma(&sigma).radius(&radius),
        builder().sigma(&sigma[..]).radius(&radius[..]),
        builder().sigma(sigma.clone()).radius(radius.clone()),
        builder().sigma(1.5).radius(radius),
    ] {
        assert_eq!(builder.build().unwrap().weights(3).unwrap(), expected);
    }
    assert_eq!(builder().sigma(&sigma), builder().sigma([1.5; 3]));

    let millimetres = SvlsKernel::builder().sigma_mm(1.0).spacing_mm([4.0, 1.0, 0.5]);
    assert_eq!(millimetres.build().unwrap().sigma(3).unwrap(), [0.25, 1.0, 2.0]);
    let millimetres = SvlsKernel::builder().sigma_mm(vec![1.0, 3.0]).spacing_mm(0.5);
    assert_eq!(millimetres.build().unwrap().sigma(2).unwrap(), [2.0, 6.0]);
    let none: [f64; 0] = [];
    assert_eq!(
        SvlsKernel::builder().sigma(none).build(),
        Err(count("sigma", "axes", 3, 0))
    );
}

#[test]
fn weights_show_the_strength() {
    for strength in [1.0, 0.5, 0.25, 0.1, 1e-9] {
        let paper = SvlsKernel::default();
        let kernel = SvlsKernel::builder().strength(strength).build().unwrap();
        assert_eq!(kernel.strength(), strength);
        let (weights, normalized) = (kernel.weights(3).unwrap(), kernel.normalized(3).unwrap());
        assert_eq!(weights[[1, 1, 1]], 1.0);
        assert!((weights.sum() - 1.0 - strength / (2.0 - strength)).abs() < 1e-14);
        assert_eq!(normalized[[1, 1, 1]], 1.0 - strength / 2.0);
        assert!((normalized.sum() - 1.0).abs() < 1e-14);
        assert!((normalized[[0, 1, 1]] - strength * paper.normalized(3).unwrap()[[0, 1, 1]]).abs() < 1e-17);
        if strength == 1.0 {
            assert_eq!((kernel, weights), (paper.clone(), paper.weights(3).unwrap()));
        } else {
            assert_ne!(kernel, paper);
        }
    }
    for wrong in [0.0, -0.5, 1.0 + f64::EPSILON, f64::INFINITY, f64::NAN] {
        let error = SvlsKernel::builder().strength(wrong).build().unwrap_err();
        assert!(
            matches!(error, Error::Setting { what: "strength", place: None, value, .. } if value.to_bits() == wrong.to_bits())
        );
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
fn is_the_same<D: SpatialDim>(scene: &Scene, encoding: &Encoding, encoder: &impl SoftEncoder) {
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
        is_the_same::<IxDyn>(&scene, &Encoding::from(scene.svls()), &scene.svls());
        assert_eq!(
            Encoding::from(scene.svls()).radius(scene.window.len()),
            scene.svls().radius(scene.window.len())
        );
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
        |encoding: Encoding| -> Result<SparseLabels<f32, _>, Error> { sparse::encode(&encoding, &labels, &classes) };
    assert_eq!(sparse(Encoding::OneHot), sparse::encode(&OneHot, &labels, &classes));
    assert_eq!(
        sparse(Encoding::default()),
        sparse::encode(&Svls::default(), &labels, &classes)
    );
    let smoothing = LabelSmoothing::new(0.1).unwrap();
    assert_eq!(sparse(smoothing.into()), Err(Error::NotSparse));
    assert_eq!(
        sparse::encode::<_, f32, _>(&smoothing, &labels, &classes),
        Err(Error::NotSparse)
    );
    // Without a share to give away it is one-hot.
    let one_hot = sparse(LabelSmoothing::new(0.0).unwrap().into());
    assert_eq!(one_hot, sparse::encode(&OneHot, &labels, &classes));
}

#[test]
fn a_list_of_settings_is_for_maps_of_as_many_axes() {
    let (flat, volume) = (array![[0_u8, 1]].into_dyn(), array![[[0_u8, 1]]].into_dyn());
    let classes = Classes::contiguous(2).unwrap();
    let encode =
        |encoding: &Encoding, labels: &ArrayD<u8>| -> Result<ArrayD<f32>, Error> { encoding.encode(labels, &classes) };

    let kernel = SvlsKernel::builder().radius([0, 1, 1]).build().unwrap();
    let of_three_axes = Encoding::Svls(Svls::new(kernel));
    assert!(encode(&of_three_axes, &volume).is_ok());
    let error = count("radius", "axes", 2, 3);
    assert_eq!(encode(&of_three_axes, &flat), Err(error.clone()));
    let fixed: Result<Array3<f32>, Error> = of_three_axes.encode(&array![[0_u8, 1]], &classes);
    assert_eq!(fixed, Err(error));
}
