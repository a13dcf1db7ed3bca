//! One kernel for 2D and 3D, the radius of every encoder, and truncate.

use ndarray::{Array3, Array4, ArrayD, Axis, array};
use soft_labels::{
    Classes, Encoding, Error, LabelSmoothing, OneHot, Raters, SoftEncoder, Svls, SvlsKernel, multirater,
};

use crate::expected::{POSITIVE, count, output_shape, setting};
use crate::real::assert_same_bits;

fn radius(builder: soft_labels::SvlsKernelBuilder, axes: usize) -> Vec<usize> {
    builder.build().unwrap().radius(axes).unwrap()
}

#[test]
fn one_value_encodes_maps_of_two_and_of_three_axes() {
    let volume = Array3::from_shape_fn((3, 6, 40), |(d, h, w)| u8::from(d + h + w > 20) + u8::from(w % 11 == 3));
    let image = volume.index_axis(Axis(0), 1);
    let classes = Classes::contiguous(3).unwrap();
    let kernel = SvlsKernel::builder().sigma(1.5).truncate(2.0).build().unwrap();
    let svls = Svls::new(kernel.clone());
    let flat: Array3<f64> = svls.encode(&image, &classes).unwrap();
    let deep: Array4<f64> = svls.encode(&volume, &classes).unwrap();

    let list = |axes: usize| {
        let settings = SvlsKernel::builder().sigma(vec![1.5; axes]).radius(vec![3; axes]);
        Svls::new(settings.build().unwrap())
    };
    assert_same_bits(&flat, &list(2).encode(&image, &classes).unwrap());
    assert_same_bits(&deep, &list(3).encode(&volume, &classes).unwrap());
    assert_eq!(kernel.weights(2).unwrap().shape(), [7, 7]);
    assert_eq!(kernel.weights(3).unwrap().shape(), [7, 7, 7]);
    let error = count("sigma", "axes", 2, 3);
    assert_eq!(list(3).encode::<_, f64, _>(&image, &classes), Err(error.clone()));
    assert_eq!(list(3).radius(2), Err(error));
}

#[test]
fn every_encoder_tells_how_far_it_reaches() {
    let pointwise = [
        Encoding::OneHot,
        LabelSmoothing::new(0.1).unwrap().into(),
        LabelSmoothing::over_others(0.1).unwrap().into(),
    ];
    for axes in [2, 3] {
        for encoding in &pointwise {
            assert_eq!(encoding.radius(axes).unwrap(), vec![0; axes]);
        }
        assert_eq!(OneHot.radius(axes).unwrap(), vec![0; axes]);
        assert_eq!(LabelSmoothing::new(0.1).unwrap().radius(axes).unwrap(), vec![0; axes]);
        assert_eq!(Svls::default().radius(axes).unwrap(), vec![1; axes]);
        assert_eq!(Encoding::default().radius(axes).unwrap(), vec![1; axes]);
    }
    let settings = SvlsKernel::builder().radius([0, 2, 3]);
    assert_eq!(Svls::new(settings.build().unwrap()).radius(3).unwrap(), [0, 2, 3]);
    let settings = SvlsKernel::builder().radius([0, 3]);
    assert_eq!(Svls::new(settings.build().unwrap()).radius(2).unwrap(), [0, 3]);
}

/// A label beyond the radius changes nothing, and one within it does.
#[test]
fn no_label_beyond_the_radius_counts() {
    let settings = SvlsKernel::builder().sigma([0.6, 1.2]).truncate(2.0);
    let svls = Svls::new(settings.build().unwrap());
    assert_eq!(svls.radius(2).unwrap(), [2, 3]);
    let classes = Classes::contiguous(2).unwrap();
    for (at, counts) in [
        ([0, 4], true),
        ([2, 1], true),
        ([2, 0], false),
        ([0, 1], true),
        ([4, 0], false),
    ] {
        let mut labels = ndarray::Array2::<u8>::zeros((5, 9));
        labels[at] = 1;
        let soft: Array3<f64> = svls.encode(&labels, &classes).unwrap();
        assert_eq!(soft[[1, 2, 4]] > 0.0, counts, "{at:?}");
    }
}

#[test]
fn truncate_is_the_radius_in_sigmas_rounded_up() {
    let builder = SvlsKernel::builder;
    assert_eq!(radius(builder().sigma(1.5).truncate(3.0), 3), [5, 5, 5]);
    assert_eq!(radius(builder().truncate(4.0), 2), [4, 4]);
    assert_eq!(radius(builder().sigma([0.5, 1.0, 1.1]).truncate(3.0), 3), [2, 3, 4]);
    assert_eq!(
        radius(builder().sigma_mm(1.5).spacing_mm([3.0, 0.5, 0.7]).truncate(2.0), 3),
        [1, 6, 5]
    );
    // The radius stays 1 unless it is asked for.
    assert_eq!(radius(builder().sigma_mm(30.0).spacing_mm(1.0), 3), [1, 1, 1]);
    assert_eq!(radius(builder().sigma(30.0), 3), [1, 1, 1]);
    // A kernel has the weights of the one whose radius is given.
    let truncated = builder().sigma([0.5, 1.1]).truncate(3.0).build().unwrap();
    let given = builder().sigma([0.5, 1.1]).radius([2, 4]).build().unwrap();
    assert_eq!(truncated.weights(2).unwrap(), given.weights(2).unwrap());
    assert_ne!(truncated, given);
}

#[test]
fn a_product_that_rounding_made_a_little_larger_is_no_voxel_more() {
    let builder = SvlsKernel::builder;
    for (sigma, truncate, expected) in [
        (0.1, 30.0, 3),
        (1.1, 10.0, 11),
        (0.7, 10.0, 7),
        (0.3, 10.0, 3),
        (1.0 / 3.0, 3.0, 1),
        (f64::from(0.7_f32).recip() * 1.4, 3.0, 6), // a spacing of 32 bits
        (1.0, 3.001, 4),
        (1.0, 2.999, 3),
    ] {
        assert_eq!(
            radius(builder().sigma(sigma).truncate(truncate), 2),
            [expected; 2],
            "{sigma} {truncate}"
        );
    }
    // What is above 0 reaches at least the next voxel.
    for (sigma, truncate) in [(1e-9, 1.0), (1e-300, 1e-300), (f64::from_bits(1), 0.1), (0.5, 1e-9)] {
        assert_eq!(radius(builder().sigma(sigma).truncate(truncate), 3), [1; 3]);
    }
}

#[test]
fn a_truncate_that_cannot_be_is_an_error() {
    let builder = SvlsKernel::builder;
    for value in [0.0, -0.0, -1.0, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(
            builder().truncate(value).build(),
            Err(setting("truncate", value, POSITIVE))
        );
    }
    assert!(matches!(
        builder().truncate(f64::NAN).build(),
        Err(Error::Setting { what: "truncate", place: None, value, .. }) if value.is_nan()
    ));
    for (sigma, truncate) in [(1.0, 255.5), (f64::MAX, f64::MAX), (1e300, 1.0), (100.0, 3.0)] {
        let error = builder().sigma(sigma).truncate(truncate).build().unwrap_err();
        assert!(
            matches!(error, Error::KernelTooLarge { max_radius: 255, .. }),
            "{error}"
        );
    }
    assert!(builder().truncate(255.0).build().is_ok());
    // Large in 3D alone.
    let kernel = builder().truncate(200.0).build().unwrap();
    assert!(kernel.radius(2).is_ok());
    let too_large = Error::KernelTooLarge {
        radius: vec![200; 3],
        max: 1 << 20,
        max_radius: 255,
    };
    assert_eq!(kernel.radius(3), Err(too_large.clone()));
    assert_eq!(kernel.weights(3), Err(too_large.clone()));
    assert_eq!(Svls::new(kernel).radius(3), Err(too_large));
}

#[test]
fn settings_that_contradict_one_another_are_errors() {
    let builder = SvlsKernel::builder;
    let conflict = |first, second| Err(Error::Conflict { first, second });
    assert_eq!(
        builder().radius(1).truncate(3.0).build(),
        conflict("radius", "truncate")
    );
    assert_eq!(
        builder().sigma(1.0).sigma_mm(1.0).spacing_mm(1.0).build(),
        conflict("sigma", "sigma_mm")
    );
    let missing = |given, missing| Err(Error::Missing { given, missing });
    assert_eq!(builder().spacing_mm(1.0).build(), missing("spacing_mm", "sigma_mm"));
    assert_eq!(
        builder().sigma(1.0).spacing_mm(1.0).build(),
        missing("spacing_mm", "sigma_mm")
    );
    assert_eq!(builder().sigma_mm(1.0).build(), missing("sigma_mm", "spacing_mm"));
    assert_eq!(
        builder().sigma_mm(1.0).build().unwrap_err().to_string(),
        "sigma_mm is given without spacing_mm; give both, or leave sigma_mm out"
    );
    assert_eq!(
        builder().radius(1).truncate(3.0).build().unwrap_err().to_string(),
        "radius and truncate are given; give one of them"
    );
    // A setting that is set twice has the later value.
    assert_eq!(builder().sigma(2.0).sigma(1.0).build(), Ok(SvlsKernel::default()));
}

#[test]
fn whole_maps_of_several_raters_are_their_average() {
    let maps = [array![[0_u8, 1, 1, 0]], array![[0, 0, 1, 1]], array![[1, 1, 0, 0]]];
    let views = maps.each_ref().map(|map| map.view());
    let (classes, svls) = (Classes::contiguous(2).unwrap(), Svls::default());
    let raters = Raters::new(&views).unwrap();
    let mean: Array3<f32> = svls.encode_raters(&raters, &classes).unwrap();
    assert_same_bits(&mean, &multirater::average(&svls, &views, &classes).unwrap());
    let mut out = ArrayD::from_elem(vec![2, 1, 4], 7.0_f32).into_dimensionality().unwrap();
    svls.encode_raters_into(&raters, &classes, &mut out).unwrap();
    assert_same_bits(&out, &mean);
    let mut small = Array3::<f32>::zeros((2, 1, 3));
    assert_eq!(
        svls.encode_raters_into(&raters, &classes, &mut small),
        Err(output_shape(&[2, 1, 4], &[2, 1, 3]))
    );
}
