//! Every mistake is an error that carries the facts, or has a right answer; none panics.

use ndarray::{Array, Array2, Array3, Array4, ArrayD, ArrayView2, ArrayView3, IxDyn, array};
use soft_labels::{
    Classes, Error, LabelSmoothing, OneHot, Place, Raters, Result, SoftEncoder, Svls, SvlsKernel, multirater,
};

use crate::expected::{POSITIVE, WEIGHT, count, label_axes, output_shape, setting, setting_of};

/// What an output holds before anything is written to it.
const UNTOUCHED: f32 = -7.0;

fn contiguous(count: usize) -> Classes {
    Classes::contiguous(count).unwrap()
}

/// The error of each encoding, which has to be the same.
macro_rules! errors_of {
    ($labels:expr, $classes:expr) => {{
        let (labels, classes): (_, Classes) = ($labels, $classes);
        let errors = [
            OneHot
                .encode(&labels, &classes)
                .map(|soft: Array<f32, _>| soft)
                .unwrap_err(),
            LabelSmoothing::new(0.1)
                .unwrap()
                .encode(&labels, &classes)
                .map(|soft: Array<f32, _>| soft)
                .unwrap_err(),
            Svls::default()
                .encode(&labels, &classes)
                .map(|soft: Array<f32, _>| soft)
                .unwrap_err(),
        ];
        assert_eq!(errors[0], errors[1]);
        assert_eq!(errors[0], errors[2]);
        errors[0].clone()
    }};
}

fn unknown(value: i128, index: &[usize], count: usize, classes: usize) -> Error {
    Error::UnknownLabel {
        value,
        index: index.to_vec(),
        count,
        classes,
        rater: 0,
        raters: 1,
    }
}

mod labels {
    use super::*;

    #[test]
    fn label_4_in_a_map_of_4_classes() {
        let labels = array![[0_u8, 1], [4, 2], [3, 4]];
        let error = errors_of!(labels, contiguous(4));
        assert_eq!(error, unknown(4, &[1, 0], 2, 4));
        assert_eq!(
            error.to_string(),
            "label 4 at voxel [1, 0] is not one of the 4 classes (2 voxels hold labels that are no class); \
             make it a class, or the value to ignore",
        );
    }

    #[test]
    fn the_count_is_of_all_unknown_labels_and_the_first_is_named() {
        let labels = array![[[0_i16, 1], [1, 0]], [[0, 300], [-5, 300]]];
        assert_eq!(errors_of!(labels, contiguous(2)), unknown(300, &[1, 0, 1], 3, 2));
    }

    #[test]
    fn label_255_without_an_ignore_value() {
        let labels = array![[0_u8, 255]];
        let error = errors_of!(labels.clone(), contiguous(2));
        assert_eq!(error, unknown(255, &[0, 1], 1, 2));
        assert!(error.to_string().contains("(1 voxel holds a label that is no class)"));
        // Another ignore value does not help, and more classes than a byte holds make it one.
        assert_eq!(
            errors_of!(labels.clone(), contiguous(2).with_ignore(254).unwrap()),
            error
        );
        assert!(
            OneHot
                .encode(&labels, &contiguous(256))
                .map(|soft: Array3<f32>| soft)
                .is_ok()
        );
    }

    #[test]
    fn labels_whose_low_bits_are_a_class() {
        assert_eq!(
            errors_of!(array![[0_u16, 256]], contiguous(2)),
            unknown(256, &[0, 1], 1, 2)
        );
        assert_eq!(
            errors_of!(array![[1_i64 << 32, 0]], contiguous(2)),
            unknown(1 << 32, &[0, 0], 1, 2)
        );
        assert_eq!(
            errors_of!(array![[0, u64::MAX]], contiguous(300)),
            unknown(u64::MAX.into(), &[0, 1], 1, 300)
        );
    }

    #[test]
    fn negative_labels() {
        assert_eq!(
            errors_of!(array![[0_i8, -1]], contiguous(2)),
            unknown(-1, &[0, 1], 1, 2)
        );
        assert_eq!(
            errors_of!(array![[i8::MIN]], contiguous(300)),
            unknown(-128, &[0, 0], 1, 300)
        );
        assert_eq!(
            errors_of!(array![[i64::MIN, 0]], contiguous(2)),
            unknown(i64::MIN.into(), &[0, 0], 1, 2)
        );
    }

    #[test]
    fn labels_between_listed_values() {
        let brats = || Classes::from_values([0, 1, 2, 4]).unwrap();
        assert_eq!(errors_of!(array![[4_u8, 3]], brats()), unknown(3, &[0, 1], 1, 4));
        assert_eq!(errors_of!(array![[4_i32, 5]], brats()), unknown(5, &[0, 1], 1, 4));
        assert_eq!(
            errors_of!(array![[true, false]], Classes::from_values([0, 7]).unwrap()),
            unknown(1, &[0, 0], 1, 2)
        );
        // No u8 is a class then.
        let negative = Classes::from_values([-3, -4]).unwrap();
        assert_eq!(errors_of!(array![[3_u8]], negative), unknown(3, &[0, 0], 1, 2));
    }

    #[test]
    fn true_where_false_is_the_only_class() {
        assert_eq!(
            errors_of!(array![[false, true]], contiguous(1)),
            unknown(1, &[0, 1], 1, 1)
        );
    }

    #[test]
    fn the_index_is_that_of_the_view() {
        let mut labels = Array2::<u8>::zeros((3, 5));
        labels[[2, 1]] = 9;
        assert_eq!(
            errors_of!(labels.view().reversed_axes(), contiguous(2)),
            unknown(9, &[1, 2], 1, 2)
        );
        labels.invert_axis(ndarray::Axis(0));
        assert_eq!(errors_of!(labels.view(), contiguous(2)), unknown(9, &[0, 1], 1, 2));
    }

    #[test]
    fn a_raters_unknown_label_names_the_rater() {
        let (first, second) = (array![[0_u8, 1]], array![[0_u8, 2]]);
        let raters = [first.view(), second.view(), second.view()];
        let error = multirater::average::<_, f32, _>(&Svls::default(), &raters, &contiguous(2)).unwrap_err();
        let expected = Error::UnknownLabel {
            value: 2,
            index: vec![0, 1],
            count: 1,
            classes: 2,
            rater: 1,
            raters: 3,
        };
        assert_eq!(error, expected);
        assert!(
            error
                .to_string()
                .starts_with("label 2 at voxel [0, 1] of rater 1 (the first is 0) is not one of the 2 classes")
        );
        assert_eq!(multirater::disagreement(&raters, &contiguous(2)).unwrap_err(), expected);
        assert_eq!(multirater::valid_mask(&raters, &contiguous(2)).unwrap_err(), expected);
    }

    #[test]
    fn a_window_reads_as_far_as_the_kernel_reaches() {
        let mut labels = Array2::<u8>::zeros((6, 8));
        labels[[4, 5]] = 9;
        let encode = |window: [std::ops::Range<usize>; 2]| -> Result<Array3<f32>> {
            Svls::default().encode_window(&labels, &contiguous(2), &window)
        };
        let error = encode([0..4, 0..5]).unwrap_err();
        assert_eq!(error, unknown(9, &[4, 5], 1, 2));
        assert!(encode([0..3, 0..8]).is_ok());
        assert!(encode([0..6, 0..4]).is_ok());
        assert_eq!(encode([5..6, 6..8]).unwrap_err(), error);
        let one_hot: Result<Array3<f32>> = OneHot.encode_window(&labels, &contiguous(2), &[0..4, 0..8]);
        assert!(one_hot.is_ok());
    }

    #[test]
    fn an_unknown_label_in_a_mask() {
        let labels = array![[0_u8, 255, 7]];
        let classes = contiguous(2).with_ignore(255).unwrap();
        assert_eq!(classes.valid_mask(&labels).unwrap_err(), unknown(7, &[0, 2], 1, 2));
    }

    #[test]
    fn arrays_of_0_1_and_4_axes() {
        for shape in [&[][..], &[3], &[1, 2, 1, 2]] {
            let axes = shape.len();
            let labels = ArrayD::<u8>::zeros(shape);
            assert_eq!(errors_of!(labels.clone(), contiguous(2)), label_axes(axes));
            assert_eq!(contiguous(2).valid_mask(&labels).unwrap_err(), label_axes(axes));
            let raters = [labels.view()];
            assert_eq!(
                multirater::disagreement(&raters, &contiguous(2)).unwrap_err(),
                label_axes(axes)
            );
            assert_eq!(
                multirater::valid_mask(&raters, &contiguous(2)).unwrap_err(),
                label_axes(axes)
            );
            assert_eq!(Raters::one(labels.view()).unwrap_err(), label_axes(axes));

            let mut out = ArrayD::from_elem([&[2], shape].concat(), UNTOUCHED);
            let error = Svls::default()
                .encode_into(&labels, &contiguous(2), &mut out)
                .unwrap_err();
            assert_eq!(error, label_axes(axes));
            assert!(out.iter().all(|&p| p == UNTOUCHED));
        }
        assert_eq!(
            label_axes(4).to_string(),
            "the axes of a label map are (H, W) or (D, H, W), but 4 axes are given; add or drop axes of length 1, or pass one at a time",
        );
    }
}

mod classes {
    use super::*;

    #[test]
    fn none() {
        let none = Error::Empty { what: "classes" };
        assert_eq!(Classes::contiguous(0), Err(none.clone()));
        assert_eq!(Classes::from_values([0_u8; 0]), Err(none.clone()));
        assert_eq!(none.to_string(), "there are no classes; give at least one");
    }

    #[test]
    fn more_than_can_be_indexed() {
        let too_many = |count| {
            Err(Error::TooMany {
                what: "classes",
                count,
                max: 65535,
            })
        };
        assert_eq!(Classes::contiguous(65536), too_many(65536));
        assert_eq!(Classes::contiguous(usize::MAX), too_many(usize::MAX));
        assert_eq!(Classes::from_values(0..70000), too_many(70000));
    }

    #[test]
    fn values_of_every_integer_type() {
        let expected = Classes::from_values([3, 0]).unwrap();
        assert_eq!(Classes::from_values([3_u8, 0]).unwrap(), expected);
        assert_eq!(Classes::from_values([3_usize, 0]).unwrap(), expected);
        assert_eq!(Classes::from_values([3_isize, 0]).unwrap(), expected);
        assert_eq!(Classes::from_values([3_i128, 0]).unwrap(), expected);
        let ignoring = expected.with_ignore(255).unwrap();
        assert_eq!(ignoring.ignore(), Some(255));
        for (a, b) in [
            (ignoring.clone().with_ignore(-1_isize).unwrap(), Some(-1)),
            (
                ignoring.clone().with_ignore(usize::MAX).unwrap(),
                Some(usize::MAX as i128),
            ),
            (ignoring.clone().with_ignore(i128::MIN).unwrap(), Some(i128::MIN)),
        ] {
            assert_eq!(a.ignore(), b);
        }
        // They go into a set.
        let set = std::collections::HashSet::from([ignoring.clone(), ignoring, contiguous(2), contiguous(2)]);
        assert_eq!(set.len(), 2);
    }

    #[test]
    fn as_many_as_can_be_indexed() {
        let classes = contiguous(65535).with_ignore(65535).unwrap();
        let soft: Array3<f32> = Svls::default()
            .encode(&array![[65534_u16, 65535, 0]], &classes)
            .unwrap();
        assert_eq!(soft.shape(), [65535, 1, 3]);
        assert_eq!((soft[[65534, 0, 0]], soft[[0, 0, 2]]), (1.0, 1.0));
        assert_eq!(soft.sum(), 2.0);
    }

    #[test]
    fn a_value_listed_twice() {
        let duplicate = |value, first, second| Err(Error::DuplicateValue { value, first, second });
        assert_eq!(Classes::from_values([5, 0, 5]), duplicate(5, 0, 2));
        assert_eq!(Classes::from_values([-1_i8, -1]), duplicate(-1, 0, 1));
        assert_eq!(Classes::from_values([true, true]), duplicate(1, 0, 1));
        assert_eq!(
            Classes::from_values([5, 0, 5]).unwrap_err().to_string(),
            "value 5 is listed twice, as class 0 and as class 2; list each value once",
        );
    }

    #[test]
    fn an_ignore_value_that_is_a_class() {
        let ignored = |value, class| Err(Error::IgnoredClass { value, class });
        assert_eq!(contiguous(4).with_ignore(3), ignored(3, 3));
        assert_eq!(Classes::from_values([7, -1]).unwrap().with_ignore(-1), ignored(-1, 1));
        assert!(contiguous(4).with_ignore(4).is_ok());
    }
}

mod smoothing {
    use super::*;

    #[test]
    fn alpha_outside_0_to_1() {
        for value in [-0.1, 1.5, f64::INFINITY, -f64::MIN_POSITIVE, 1.0 + f64::EPSILON] {
            let error = setting("alpha", value, "within 0 and 1");
            assert_eq!(LabelSmoothing::new(value), Err(error.clone()));
            assert_eq!(LabelSmoothing::over_others(value), Err(error));
        }
        assert!(
            matches!(LabelSmoothing::new(f64::NAN), Err(Error::Setting { what: "alpha", value, .. }) if value.is_nan())
        );
        assert_eq!(
            LabelSmoothing::new(-0.1).unwrap_err().to_string(),
            "alpha is -0.1; it must be within 0 and 1"
        );
    }

    #[test]
    fn alpha_of_0_and_1_and_a_single_class() {
        let encode = |ls: LabelSmoothing, classes: usize| -> Vec<f64> {
            let soft: Array3<f64> = ls.encode(&array![[0_u8]], &contiguous(classes)).unwrap();
            soft.into_iter().collect()
        };
        assert_eq!(encode(LabelSmoothing::new(0.0).unwrap(), 2), [1.0, 0.0]);
        assert_eq!(encode(LabelSmoothing::new(1.0).unwrap(), 2), [0.5, 0.5]);
        assert_eq!(encode(LabelSmoothing::new(0.5).unwrap(), 1), [1.0]);
        assert_eq!(encode(LabelSmoothing::over_others(1.0).unwrap(), 3), [0.0, 0.5, 0.5]);
        assert_eq!(encode(LabelSmoothing::over_others(0.5).unwrap(), 1), [1.0]);
    }
}

mod kernels {
    use super::*;

    #[test]
    fn sigma_that_is_not_finite_and_positive() {
        let sigma = |axis, value| Err(setting_of("sigma", Place::Axis(axis), value, POSITIVE));
        for value in [0.0, -0.0, -1.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(SvlsKernel::isotropic(value), sigma(0, value));
            let second = SvlsKernel::builder().sigma([1.0, value, 1.0]);
            assert_eq!(second.build(), sigma(1, value));
            // Along an axis that is not smoothed, too.
            let unused = SvlsKernel::builder().sigma([1.0, value]).radius([1, 0]);
            assert_eq!(unused.build(), sigma(1, value));
        }
        let nan = SvlsKernel::isotropic(f64::NAN);
        assert!(
            matches!(nan, Err(Error::Setting { what: "sigma", place: Some(Place::Axis(0)), value, .. }) if value.is_nan())
        );
        assert_eq!(
            SvlsKernel::isotropic(-1.0).unwrap_err().to_string(),
            "sigma on axis 0 is -1; it must be finite and greater than 0",
        );
    }

    #[test]
    fn every_finite_positive_sigma_works() {
        for sigma in [f64::from_bits(1), f64::MIN_POSITIVE, 1e-160, 1e-3, 1e160, f64::MAX] {
            let weights = SvlsKernel::isotropic(sigma).unwrap().weights(3).unwrap();
            assert_eq!(weights[[1, 1, 1]], 1.0);
            assert!((weights.sum() - 2.0).abs() < 1e-12, "{sigma}");
        }
        // The neighbours on the axis with the larger sigma are the nearest by far.
        let kernel = SvlsKernel::builder().sigma([f64::MIN_POSITIVE, f64::MAX]).build();
        assert_eq!(
            kernel.unwrap().weights(2).unwrap(),
            array![[0.0, 0.0, 0.0], [0.5, 1.0, 0.5], [0.0, 0.0, 0.0]].into_dyn()
        );
    }

    #[test]
    fn radius_0_on_every_axis() {
        let zero = Error::AllZero {
            what: "radius",
            per: "axes",
        };
        assert_eq!(SvlsKernel::builder().radius([0]).build(), Err(zero.clone()));
        assert_eq!(SvlsKernel::builder().radius([0, 0]).build(), Err(zero.clone()));
        assert_eq!(
            zero.to_string(),
            "radius is 0 for all axes; at least one must be greater"
        );
        assert!(SvlsKernel::builder().radius([0, 0, 1]).build().is_ok());
    }

    #[test]
    fn kernels_too_large_to_hold() {
        for radius in [
            [128, 128, 128],
            [0, 0, 1 << 23],
            [usize::MAX, 0, 0],
            [1 << 31, 1 << 31, 1 << 31],
        ] {
            let expected = Err(Error::KernelTooLarge {
                radius: radius.to_vec(),
                max: 1 << 20,
                max_radius: 255,
            });
            assert_eq!(SvlsKernel::builder().radius(radius).build(), expected);
        }
        // One radius for all axes of a map: how many those are shows when the map is seen.
        let svls = Svls::new(SvlsKernel::builder().radius([200]).build().unwrap());
        let error = svls.encode(&ArrayD::<u8>::zeros(IxDyn(&[1, 1, 1])), &contiguous(1));
        let expected = Error::KernelTooLarge {
            radius: vec![200; 3],
            max: 1 << 20,
            max_radius: 255,
        };
        assert_eq!(error.map(|soft: ArrayD<f32>| soft), Err(expected));
        let soft: ArrayD<f32> = svls
            .encode(&ArrayD::<u8>::zeros(IxDyn(&[1, 1])), &contiguous(1))
            .unwrap();
        assert_eq!(soft[[0, 0, 0]], 1.0);
    }

    #[test]
    fn settings_for_another_number_of_axes() {
        let error = |what, expected, actual| count(what, "axes", expected, actual);
        let builder = SvlsKernel::builder;
        assert_eq!(builder().sigma([]).build(), Err(error("sigma", 3, 0)));
        assert_eq!(builder().radius([1; 4]).build(), Err(error("radius", 3, 4)));
        // Two lists of different lengths are for no label map.
        assert_eq!(
            builder().sigma([1.0, 1.0]).radius([1; 3]).build(),
            Err(error("sigma", 3, 2))
        );
        assert_eq!(
            builder().sigma_mm([1.0; 3]).spacing_mm([1.0, 2.0]).build(),
            Err(error("spacing", 3, 2))
        );
        let kernel = builder().sigma([1.0, 1.0]).build().unwrap();
        assert_eq!(kernel.weights(3), Err(error("sigma", 3, 2)));
        let kernel = builder().sigma_mm([1.0]).spacing_mm([1.0, 2.0]).build().unwrap();
        for result in [kernel.weights(3), kernel.normalized(3)] {
            assert_eq!(result, Err(error("spacing", 3, 2)));
        }
        assert_eq!(kernel.sigma(3), Err(error("spacing", 3, 2)));
        assert_eq!(Svls::new(kernel).radius(3), Err(error("spacing", 3, 2)));
        let kernel = builder().radius([1, 1, 1]).build().unwrap();
        assert_eq!(kernel.radius(2), Err(error("radius", 2, 3)));
        for axes in [0, 1, 4, usize::MAX] {
            assert_eq!(SvlsKernel::default().weights(axes), Err(label_axes(axes)));
            assert_eq!(Svls::default().radius(axes), Err(label_axes(axes)));
            assert_eq!(OneHot.radius(axes), Err(label_axes(axes)));
        }
        assert_eq!(
            builder().radius([1; 4]).build().unwrap_err().to_string(),
            "a list of 4 is given for radius, but there are 3 axes; give one entry for each",
        );
    }

    #[test]
    fn a_dynamic_kernel_for_another_number_of_axes_than_the_map() {
        for axes in [2, 3] {
            let kernel = SvlsKernel::builder().sigma(vec![1.0; axes]).build().unwrap();
            for expected in [2, 3].into_iter().filter(|&n| n != axes) {
                let labels = ArrayD::<u8>::zeros(vec![1; expected]);
                let mut out = ArrayD::from_elem(vec![1; expected + 1], UNTOUCHED);
                let error = Svls::new(kernel.clone())
                    .encode_into(&labels, &contiguous(1), &mut out)
                    .unwrap_err();
                assert_eq!(error, count("sigma", "axes", expected, axes));
                assert!(out.iter().all(|&p| p == UNTOUCHED));
            }
        }
    }

    #[test]
    fn millimetres_without_spacing_or_with_an_impossible_one() {
        let builder = || SvlsKernel::builder().sigma_mm([1.0]);
        assert_eq!(
            builder().build(),
            Err(Error::Missing {
                given: "sigma_mm",
                missing: "spacing_mm"
            })
        );
        for value in [0.0, -1.0, f64::INFINITY] {
            assert_eq!(
                builder().spacing_mm([1.0, value]).build(),
                Err(setting_of("spacing", Place::Axis(1), value, POSITIVE))
            );
        }
        assert!(matches!(
            builder().spacing_mm([f64::NAN]).build(),
            Err(Error::Setting {
                what: "spacing",
                place: Some(Place::Axis(0)),
                ..
            })
        ));
        let overflow = builder().spacing_mm([1.0, f64::from_bits(1)]).build();
        assert_eq!(
            overflow,
            Err(setting_of("sigma", Place::Axis(1), f64::INFINITY, POSITIVE))
        );
    }
}

mod outputs {
    use super::*;

    fn fails_untouched(actual: [usize; 4]) {
        let labels = Array3::<u8>::zeros((3, 4, 5));
        let mut out = Array4::from_elem(actual, UNTOUCHED);
        let expected = output_shape(&[2, 3, 4, 5], &actual);
        let classes = contiguous(2);
        assert_eq!(
            Svls::default().encode_into(&labels, &classes, &mut out),
            Err(expected.clone())
        );
        assert_eq!(OneHot.encode_into(&labels, &classes, &mut out), Err(expected.clone()));
        assert_eq!(
            multirater::average_into(&OneHot, &[labels.view()], &classes, &mut out),
            Err(expected.clone())
        );
        let weighted = multirater::weighted_average_into(&OneHot, &[labels.view()], &[1.0], &classes, &mut out);
        assert_eq!(weighted, Err(expected));
        assert!(out.iter().all(|&p| p == UNTOUCHED));
    }

    #[test]
    fn wrong_in_each_axis() {
        for shape in [
            [1, 3, 4, 5],
            [3, 3, 4, 5],
            [2, 2, 4, 5],
            [2, 3, 5, 5],
            [2, 3, 4, 0],
            [3, 4, 5, 2],
        ] {
            fails_untouched(shape);
        }
        assert_eq!(
            output_shape(&[2, 3, 4, 5], &[3, 4, 5, 2]).to_string(),
            "the output has shape [3, 4, 5, 2], but [2, 3, 4, 5] is needed",
        );
    }

    #[test]
    fn wrong_number_of_axes() {
        let labels = ArrayD::<u8>::zeros(IxDyn(&[4, 5]));
        for shape in [&[4, 5][..], &[2, 1, 4, 5], &[]] {
            let mut out = ArrayD::from_elem(shape, UNTOUCHED);
            let expected = output_shape(&[2, 4, 5], shape);
            assert_eq!(OneHot.encode_into(&labels, &contiguous(2), &mut out), Err(expected));
            assert!(out.iter().all(|&p| p == UNTOUCHED));
        }
    }

    #[test]
    fn too_large_to_allocate() {
        // One label seen 2^60 times.
        let label = array![[0_u8]];
        let labels = label.broadcast((1 << 30, 1 << 30)).unwrap();
        let error = OneHot
            .encode(&labels, &contiguous(2))
            .map(|soft: Array3<f32>| soft)
            .unwrap_err();
        let shape = vec![2, 1 << 30, 1 << 30];
        assert_eq!(error, Error::TooLarge { shape });
        let shape = vec![65535, 1 << 30, 1 << 30];
        let error = OneHot
            .encode(&labels, &contiguous(65535))
            .map(|soft: Array3<f64>| soft)
            .unwrap_err();
        assert_eq!(error, Error::TooLarge { shape });
        // As the message says, a window of them fits.
        let soft: Array3<f32> = Svls::default()
            .encode_window(&labels, &contiguous(2), &[5..7, (1 << 30) - 2..1 << 30])
            .unwrap();
        assert_eq!(soft, array![[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]);
    }
}

mod masks {
    use super::*;

    #[test]
    fn too_large_to_allocate() {
        let label = array![[0_u8]];
        let labels = label.broadcast((1 << 30, 1 << 30)).unwrap();
        let error = Error::TooLarge {
            shape: vec![1 << 30; 2],
        };
        assert_eq!(contiguous(2).valid_mask(&labels).unwrap_err(), error);
        assert_eq!(multirater::valid_mask(&[labels], &contiguous(2)).unwrap_err(), error);
        assert_eq!(multirater::disagreement(&[labels], &contiguous(2)).unwrap_err(), error);
    }
}

mod windows {
    use super::*;

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "a reversed window is the mistake")]
    fn past_the_end_or_reversed() {
        let labels = Array2::<u8>::zeros((4, 6));
        let classes = contiguous(2);
        for (window, axis) in [
            ([0..5, 0..6], 0),
            ([0..4, 0..7], 1),
            ([0..4, 3..2], 1),
            ([4..0, 0..6], 0),
            ([5..5, 0..6], 0),
            ([0..4, 7..8], 1),
            ([0..4, 0..usize::MAX], 1),
            ([0..4, usize::MAX..0], 1),
        ] {
            let (start, end, len) = (window[axis].start, window[axis].end, [4, 6][axis]);
            let expected = Error::Window { axis, start, end, len };
            let mut out = Array3::from_elem((2, 4, 6), UNTOUCHED);
            let into = Svls::default().encode_window_into(&labels, &classes, &window, &mut out);
            assert_eq!(into, Err(expected.clone()));
            assert!(out.iter().all(|&p| p == UNTOUCHED));
            let new: Result<Array3<f32>> = OneHot.encode_window(&labels, &classes, &window);
            assert_eq!(new, Err(expected));
        }
        assert_eq!(
            Error::Window {
                axis: 1,
                start: 3,
                end: 2,
                len: 6
            }
            .to_string(),
            "window 3..2 on axis 1 does not lie within 0..6",
        );
    }

    #[test]
    fn of_the_wrong_number_of_ranges() {
        let labels = Array3::<u8>::zeros((2, 3, 4));
        for window in [&[][..], &[0..3, 0..4], &[0..2, 0..3, 0..4, 0..1]] {
            let expected = count("window", "axes", 3, window.len());
            let mut out = Array4::from_elem((1, 2, 3, 4), UNTOUCHED);
            let into = Svls::default().encode_window_into(&labels, &contiguous(1), window, &mut out);
            assert_eq!(into, Err(expected.clone()));
            assert!(out.iter().all(|&p| p == UNTOUCHED));
            let new: Result<Array4<f32>> = OneHot.encode_window(&labels, &contiguous(1), window);
            assert_eq!(new, Err(expected));
        }
    }

    #[test]
    fn whose_output_is_that_of_the_whole() {
        let labels = Array2::<u8>::zeros((4, 6));
        let mut out = Array3::from_elem((1, 4, 6), UNTOUCHED);
        let error = Svls::default()
            .encode_window_into(&labels, &contiguous(1), &[1..3, 0..6], &mut out)
            .unwrap_err();
        assert_eq!(error, output_shape(&[1, 2, 6], &[1, 4, 6]));
        assert!(out.iter().all(|&p| p == UNTOUCHED));
    }

    #[test]
    fn of_no_voxels() {
        let labels = array![[0_u8, 9]];
        let soft: Array3<f32> = Svls::default()
            .encode_window(&labels, &contiguous(2), &[1..1, 0..2])
            .unwrap();
        assert_eq!(soft.shape(), [2, 0, 2]);
    }
}

mod raters {
    use super::*;

    #[test]
    fn none() {
        let none: [ArrayView2<'_, u8>; 0] = [];
        let classes = contiguous(2);
        let error = Error::Empty { what: "raters" };
        let average = multirater::average::<_, f32, _>(&OneHot, &none, &classes);
        assert_eq!(average, Err(error.clone()));
        let weighted = multirater::weighted_average::<_, f32, _>(&OneHot, &none, &[], &classes);
        assert_eq!(weighted, Err(error.clone()));
        assert_eq!(multirater::disagreement(&none, &classes), Err(error.clone()));
        assert_eq!(multirater::valid_mask(&none, &classes), Err(error.clone()));
        assert_eq!(error.to_string(), "there are no raters; give at least one");
    }

    #[test]
    fn of_different_shapes() {
        let (a, b) = (
            ArrayD::<u8>::zeros(IxDyn(&[2, 3])),
            ArrayD::<u8>::zeros(IxDyn(&[2, 3, 1])),
        );
        let c = ArrayD::<u8>::zeros(IxDyn(&[3, 2]));
        for (odd, rater) in [(&b, 1), (&c, 1), (&c, 2)] {
            let mut raters = [a.view(), a.view(), a.view()];
            raters[rater] = odd.view();
            let expected = Error::Shape {
                what: "label map",
                place: Some(Place::Rater(rater)),
                expected: vec![2, 3],
                actual: odd.shape().to_vec(),
            };
            let mut out = ArrayD::from_elem(IxDyn(&[1, 2, 3]), UNTOUCHED);
            let error = multirater::average_into(&Svls::default(), &raters, &contiguous(1), &mut out).unwrap_err();
            assert_eq!(error, expected);
            assert!(out.iter().all(|&p| p == UNTOUCHED));
            assert_eq!(multirater::disagreement(&raters, &contiguous(1)).unwrap_err(), expected);
            assert_eq!(multirater::valid_mask(&raters, &contiguous(1)).unwrap_err(), expected);
        }
    }

    #[test]
    fn with_weights_of_the_wrong_count_or_negative_or_all_zero() {
        let map = array![[0_u8, 1]];
        let raters = [map.view(), map.view()];
        let error = |weights: &[f64]| {
            let mut out = Array3::from_elem((2, 1, 2), UNTOUCHED);
            let classes = contiguous(2);
            let error = multirater::weighted_average_into(&OneHot, &raters, weights, &classes, &mut out).unwrap_err();
            assert!(out.iter().all(|&p| p == UNTOUCHED));
            error
        };
        assert_eq!(error(&[]), count("weights", "raters", 2, 0));
        assert_eq!(error(&[1.0]), count("weights", "raters", 2, 1));
        assert_eq!(error(&[1.0; 3]), count("weights", "raters", 2, 3));
        let weight = |rater, value| setting_of("weight", Place::Rater(rater), value, WEIGHT);
        assert_eq!(error(&[1.0, -0.5]), weight(1, -0.5));
        assert_eq!(error(&[f64::INFINITY, 1.0]), weight(0, f64::INFINITY));
        assert!(
            matches!(error(&[1.0, f64::NAN]), Error::Setting { place: Some(Place::Rater(1)), value, .. } if value.is_nan())
        );
        assert_eq!(
            error(&[0.0, -0.0]),
            Error::AllZero {
                what: "weight",
                per: "raters"
            }
        );
        assert_eq!(
            error(&[1.0]).to_string(),
            "a list of 1 is given for weights, but there are 2 raters; give one entry for each"
        );
        assert_eq!(
            error(&[-0.5, 1.0]).to_string(),
            "weight of rater 0 (the first is 0) is -0.5; it must be finite and not negative",
        );
    }
}

mod small {
    use super::*;

    #[test]
    fn axes_of_length_0_give_results_of_size_0() {
        for shape in [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)] {
            let labels = Array3::<u8>::zeros(shape);
            let soft: Array4<f32> = Svls::default().encode(&labels, &contiguous(5)).unwrap();
            assert_eq!(soft.dim(), (5, shape.0, shape.1, shape.2));
            let soft: Array4<f32> = OneHot.encode(&labels, &contiguous(5)).unwrap();
            assert!(soft.is_empty());
            let raters = [labels.view(), labels.view()];
            let soft: Array4<f32> = multirater::average(&Svls::default(), &raters, &contiguous(5)).unwrap();
            assert!(soft.is_empty());
            assert!(
                multirater::disagreement(&raters, &contiguous(5))
                    .unwrap()
                    .entropy
                    .is_empty()
            );
            assert!(multirater::valid_mask(&raters, &contiguous(5)).unwrap().is_empty());
            assert!(contiguous(5).valid_mask(&labels).unwrap().is_empty());
        }
    }

    #[test]
    fn axes_of_length_0_do_not_excuse_a_wrong_output() {
        let labels = Array2::<u8>::zeros((0, 3));
        let error = OneHot
            .encode_into(&labels, &contiguous(2), &mut Array3::<f32>::zeros((2, 1, 3)))
            .unwrap_err();
        assert_eq!(error, output_shape(&[2, 0, 3], &[2, 1, 3]));
    }

    #[test]
    fn a_map_of_no_voxels_but_a_long_axis() {
        // Four classes times the long axis are more than a usize counts, but there is nothing to hold.
        let labels = ArrayView3::<u8>::from_shape((0, 1 << 61, 1), &[]).unwrap();
        let soft: Result<Array4<f32>> = OneHot.encode(&labels, &contiguous(65535));
        let shape = vec![65535, 0, 1 << 61, 1];
        assert_eq!(soft, Err(Error::TooLarge { shape }));
    }

    #[test]
    fn axes_of_length_1_and_maps_smaller_than_the_kernel() {
        let wide = Svls::new(SvlsKernel::builder().sigma([2.0]).radius([5]).build().unwrap());
        for shape in [(1, 1, 1), (1, 1, 4), (1, 4, 1), (4, 1, 1), (2, 2, 2)] {
            let labels = Array3::from_shape_fn(shape, |(d, h, w)| ((d + h + w) % 2) as u8);
            let soft: Array4<f64> = wide.encode(&labels, &contiguous(2)).unwrap();
            for (voxel, &label) in labels.indexed_iter() {
                let own = soft[[label.into(), voxel.0, voxel.1, voxel.2]];
                let other = soft[[1 - usize::from(label), voxel.0, voxel.1, voxel.2]];
                assert!(own >= 0.5 && (own + other - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_map_that_is_all_ignored_is_all_zero() {
        let labels = Array2::from_elem((3, 40), 255_u8);
        let classes = contiguous(2).with_ignore(255).unwrap();
        let all_zero = |soft: Array3<f64>| soft.iter().all(|p| p.to_bits() == 0);
        assert!(all_zero(OneHot.encode(&labels, &classes).unwrap()));
        assert!(all_zero(
            LabelSmoothing::new(0.5).unwrap().encode(&labels, &classes).unwrap()
        ));
        assert!(all_zero(Svls::default().encode(&labels, &classes).unwrap()));
        let raters = [labels.view(), labels.view()];
        assert!(all_zero(
            multirater::average(&Svls::default(), &raters, &classes).unwrap()
        ));
    }
}
