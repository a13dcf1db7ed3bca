//! Encodings, classes and results of metrics as JSON.

use ndarray::{Array2, Array3, array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{from_str, to_string};
use soft_labels::metrics::{Confusion, Overlap, Region, Reliability, Scope};
use soft_labels::{Classes, Encoding, LabelSmoothing, Svls, SvlsKernel, SvlsKernelBuilder};

#[test]
fn encodings_keep_their_form() {
    let builder = SvlsKernel::builder;
    let svls = |builder: SvlsKernelBuilder| Encoding::from(Svls::new(builder.build().unwrap()));
    for (json, encoding) in [
        (r#"{"method":"one_hot"}"#, Encoding::OneHot),
        (
            r#"{"method":"label_smoothing","alpha":0.1}"#,
            LabelSmoothing::new(0.1).unwrap().into(),
        ),
        (
            r#"{"method":"label_smoothing_over_others","alpha":0.1}"#,
            LabelSmoothing::over_others(0.1).unwrap().into(),
        ),
        (r#"{"method":"svls"}"#, Encoding::default()),
        (
            r#"{"method":"svls","sigma":1.5,"radius":[1,2,2],"strength":0.5}"#,
            svls(builder().sigma(1.5).radius([1, 2, 2]).strength(0.5)),
        ),
        (
            r#"{"method":"svls","sigma_mm":1.0,"spacing_mm":[3.0,1.0,1.0]}"#,
            svls(builder().sigma_mm(1.0).spacing_mm([3.0, 1.0, 1.0])),
        ),
        (
            r#"{"method":"svls","sigma":[0.5,2.0],"radius":3}"#,
            svls(builder().sigma([0.5, 2.0]).radius(3)),
        ),
        (
            r#"{"method":"svls","sigma":1.5,"truncate":3.0}"#,
            svls(builder().sigma(1.5).truncate(3.0)),
        ),
        (
            r#"{"method":"svls","sigma_mm":[0.1,1.0],"spacing_mm":0.7,"truncate":2.5,"strength":0.25}"#,
            svls(
                builder()
                    .sigma_mm([0.1, 1.0])
                    .spacing_mm(0.7)
                    .truncate(2.5)
                    .strength(0.25),
            ),
        ),
    ] {
        assert_eq!(from_str::<Encoding>(json).unwrap(), encoding);
        assert_eq!(to_string(&encoding).unwrap(), json);
    }
    // Whole numbers are numbers, and white space, order and values of the paper do not matter.
    let paper = r#"{ "radius": 1, "sigma": 1, "strength": 1, "method": "svls" }"#;
    assert_eq!(from_str::<Encoding>(paper).unwrap(), Encoding::default());
}

#[test]
fn wrong_encodings_are_errors_that_say_why() {
    for (json, why) in [
        (r#"{}"#, "missing field `method`"),
        (
            r#"{"method": "soft"}"#,
            "unknown variant `soft`, expected one of `one_hot`",
        ),
        (r#"{"method": "svls", "sigmas": 1.0}"#, "unknown field `sigmas`"),
        (
            r#"{"method": "one_hot", "smoothing": 1.0}"#,
            "unknown field `smoothing`",
        ),
        (
            r#"{"method": "one_hot", "alpha": 0.1}"#,
            "one_hot has no alpha; leave it out",
        ),
        (r#"{"method": "svls", "alpha": 0.1}"#, "svls has no alpha"),
        (
            r#"{"method": "label_smoothing", "alpha": 0.1, "radius": 1}"#,
            "label_smoothing has no radius",
        ),
        (r#"{"method": "label_smoothing"}"#, "label_smoothing needs alpha"),
        (
            r#"{"method": "label_smoothing", "alpha": 1.5}"#,
            "alpha is 1.5; it must be within 0 and 1",
        ),
        (
            r#"{"method": "svls", "sigma": 0}"#,
            "sigma on axis 0 is 0; it must be finite and greater than 0",
        ),
        (r#"{"method": "svls", "sigma": [1.0, -2.0]}"#, "sigma on axis 1 is -2"),
        (r#"{"method": "svls", "sigma": "wide"}"#, "expected a number, or a list"),
        (r#"{"method": "svls", "sigma": []}"#, "the list is empty"),
        (
            r#"{"method": "svls", "sigma": [1, 1, 1, 1]}"#,
            "a list of 4 is given for sigma",
        ),
        (r#"{"method": "svls", "radius": 0}"#, "radius is 0 for all axes"),
        (r#"{"method": "svls", "radius": -1}"#, "invalid value: integer `-1`"),
        (
            r#"{"method": "svls", "radius": 1.5}"#,
            "invalid type: floating point `1.5`",
        ),
        (r#"{"method": "svls", "radius": 1000}"#, "is too large"),
        (
            r#"{"method": "svls", "strength": 0}"#,
            "strength is 0; it must be greater than 0",
        ),
        (r#"{"method": "svls", "strength": 1.5}"#, "strength is 1.5"),
        (
            r#"{"method": "svls", "sigma_mm": 1.0}"#,
            "sigma_mm is given without spacing_mm",
        ),
        (
            r#"{"method": "svls", "spacing_mm": 1.0}"#,
            "spacing_mm is given without sigma_mm",
        ),
        (
            r#"{"method": "svls", "sigma_mm": 1.0, "spacing_mm": 0.0}"#,
            "spacing on axis 0 is 0",
        ),
        (
            r#"{"method": "svls", "sigma": 1.0, "sigma_mm": 1.0, "spacing_mm": 1.0}"#,
            "sigma and sigma_mm are given",
        ),
        (
            r#"{"method": "svls", "radius": 1, "truncate": 3}"#,
            "radius and truncate are given",
        ),
        (
            r#"{"method": "svls", "truncate": 0}"#,
            "truncate is 0; it must be finite",
        ),
        (r#"{"method": "svls", "truncate": [1, 2, 2]}"#, "invalid type: sequence"),
        (r#"{"method": "svls", "truncate": 1e9}"#, "is too large"),
        (
            r#"{"method": "one_hot", "truncate": 3}"#,
            "one_hot has no truncate; leave it out",
        ),
        (
            r#"{"method": "svls", "sigma": [1, 1], "radius": [1, 1, 1]}"#,
            "a list of 2 is given for sigma",
        ),
    ] {
        let error = from_str::<Encoding>(json).unwrap_err().to_string();
        assert!(error.contains(why), "{json}: {error}");
    }
}

#[test]
fn classes_keep_their_form() {
    let brats = || Classes::from_values([0, 1, 2, 4]).unwrap();
    for (json, classes) in [
        (r#"{"count":4}"#, Classes::contiguous(4).unwrap()),
        (
            r#"{"count":19,"ignore":255}"#,
            Classes::contiguous(19).unwrap().with_ignore(255).unwrap(),
        ),
        (
            r#"{"values":[0,1,2,4],"ignore":255}"#,
            brats().with_ignore(255).unwrap(),
        ),
        (
            r#"{"values":[4,0],"ignore":-1}"#,
            Classes::from_values([4, 0]).unwrap().with_ignore(-1).unwrap(),
        ),
        (
            r#"{"values":[18446744073709551615]}"#,
            Classes::from_values([u64::MAX]).unwrap(),
        ),
        (
            r#"{"values":[-9223372036854775808,0]}"#,
            Classes::from_values([i64::MIN, 0]).unwrap(),
        ),
    ] {
        assert_eq!(from_str::<Classes>(json).unwrap(), classes);
        assert_eq!(to_string(&classes).unwrap(), json);
    }
    let listed = from_str::<Classes>(r#"{"values": [0, 1, 2]}"#).unwrap();
    assert_eq!(listed, Classes::contiguous(3).unwrap());
}

#[test]
fn wrong_classes_are_errors_that_say_why() {
    for (json, why) in [
        (r#"{}"#, "classes need count or values"),
        (r#"{"count": 2, "values": [0, 1]}"#, "count and values are given"),
        (r#"{"count": 0}"#, "there are no classes; give at least one"),
        (r#"{"count": 65536}"#, "65536 classes are too many; use at most 65535"),
        (r#"{"count": -1}"#, "invalid value: integer `-1`"),
        (r#"{"values": []}"#, "there are no classes"),
        (
            r#"{"values": [0, 7, 7]}"#,
            "value 7 is listed twice, as class 1 and as class 2",
        ),
        (r#"{"values": [0, 1.5]}"#, "expected a whole number"),
        (
            r#"{"count": 4, "ignore": 3}"#,
            "value 3 cannot be ignored, it is class 3",
        ),
        (r#"{"count": 4, "ignored": 255}"#, "unknown field `ignored`"),
    ] {
        let error = from_str::<Classes>(json).unwrap_err().to_string();
        assert!(error.contains(why), "{json}: {error}");
    }
}

/// Writes a value and reads it again; it has to be the same.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> T {
    let again: T = from_str(&to_string(value).unwrap()).unwrap();
    assert_eq!(again, *value);
    again
}

#[test]
fn results_of_metrics_keep_their_form() {
    let overlap = Overlap {
        prediction: 3,
        reference: 5,
        both: 2,
    };
    assert_eq!(
        to_string(&overlap).unwrap(),
        r#"{"prediction":3,"reference":5,"both":2}"#
    );
    round_trip(&overlap);

    let region = Region::of_labels(&Classes::contiguous(5).unwrap(), [3, 1]).unwrap();
    assert_eq!(to_string(&region).unwrap(), "[1,3]");
    round_trip(&region);
    assert_eq!(from_str::<Region>("[3, 1, 3]").unwrap(), region);

    let classes = Classes::contiguous(2).unwrap().with_ignore(255).unwrap();
    let (prediction, reference) = (array![[0_u8, 1, 255, 1]], array![[0_u8, 0, 1, 1]]);
    let confusion = Confusion::count(&prediction, &reference, &classes).unwrap();
    assert_eq!(
        to_string(&confusion).unwrap(),
        r#"{"classes":2,"counts":[[null,1,1],[0,0,1],[1,0,1],[1,1,1]]}"#
    );
    round_trip(&confusion);
    round_trip(&Confusion::default());
    let with_zeros = r#"{"classes":2,"counts":[[1,1,1],[0,1,0],[1,0,1],[null,1,1],[0,0,1]]}"#;
    assert_eq!(from_str::<Confusion>(with_zeros).unwrap(), confusion);
}

#[test]
fn a_reliability_has_the_same_bits_after_it_was_read() {
    let classes = Classes::contiguous(3).unwrap();
    let labels = Array2::from_shape_fn((40, 50), |(h, w)| ((h * 7 + w * 3) % 3) as u8);
    let probabilities = Array3::from_shape_fn((3, 40, 50), |(class, h, w)| {
        let weight = |class: usize| 1.0 + ((h * 31 + w * 17 + class * 13) % 23) as f64;
        weight(class) / (weight(0) + weight(1) + weight(2))
    });
    let mut bins = Reliability::new(15).unwrap();
    bins.add(&probabilities, &labels, &classes, Scope::All).unwrap();
    let mut again = round_trip(&bins);
    assert_eq!(again.ece().to_bits(), bins.ece().to_bits());
    // What was read is counted on.
    again.add(&probabilities, &labels, &classes, Scope::All).unwrap();
    bins.add(&probabilities, &labels, &classes, Scope::All).unwrap();
    assert_eq!(again, bins);

    // Probabilities may be a little above 1.
    let mut above = Reliability::new(10).unwrap();
    above
        .add(
            &array![[[1.001]], [[0.0]], [[0.0]]],
            &array![[0_u8]],
            &classes,
            Scope::All,
        )
        .unwrap();
    round_trip(&above);
    round_trip(&Reliability::new(1).unwrap());

    let bin = Reliability::new(2).unwrap().bins()[1];
    assert_eq!(
        to_string(&bin).unwrap(),
        r#"{"lower":0.5,"upper":1.0,"count":0,"correct":0,"accuracy":null,"confidence":null}"#
    );
}

#[test]
fn wrong_results_are_errors_that_say_why() {
    fn check<T: DeserializeOwned + std::fmt::Debug>(json: &str, why: &str) {
        let error = from_str::<T>(json).unwrap_err().to_string();
        assert!(error.contains(why), "{json}: {error}");
    }
    check::<Overlap>(r#"{"prediction":3,"reference":5}"#, "missing field `both`");
    check::<Overlap>(
        r#"{"prediction":-3,"reference":5,"both":2}"#,
        "invalid value: integer `-3`",
    );
    check::<Overlap>(
        r#"{"prediction":3,"reference":5,"both":2,"dice":0.5}"#,
        "unknown field `dice`",
    );
    check::<Region>("[]", "there are no classes; give at least one");
    check::<Region>("[-1]", "invalid value: integer `-1`");
    check::<Region>("2", "invalid type: integer `2`");
    for (json, why) in [
        (r#"{"counts":[]}"#, "missing field `classes`"),
        (
            r#"{"classes":65536,"counts":[]}"#,
            "65536 classes are too many; use at most 65535",
        ),
        (
            r#"{"classes":2,"counts":[[2,0,1]]}"#,
            "class 2 is none of the 2 classes",
        ),
        (
            r#"{"classes":2,"counts":[[0,2,1]]}"#,
            "class 2 is none of the 2 classes",
        ),
        (r#"{"classes":2,"counts":[[0,null,1]]}"#, "invalid type: null"),
        (r#"{"classes":2,"counts":[[0,1]]}"#, "invalid length 2"),
        (
            r#"{"classes":2,"counts":[[null,1,1],[null,1,0]]}"#,
            "classes null and 1 are listed twice; list each pair once",
        ),
        (
            r#"{"classes":2,"counts":[[0,0,18446744073709551615],[0,1,1]]}"#,
            "there are more than 9007199254740992 voxels",
        ),
    ] {
        check::<Confusion>(json, why);
    }
    let bin = |count: u64, correct: u64, confidence: &str| {
        format!(r#"{{"bins":[{{"count":{count},"correct":{correct},"confidence":{confidence}}}]}}"#)
    };
    for (json, why) in [
        (r#"{"bins":[]}"#.to_owned(), "there are no bins; give at least one"),
        (bin(2, 3, "1.5"), "bin 0 has 3 correct voxels of 2; use at most 2"),
        (bin(2, 1, "-0.5"), "the confidences of bin 0 sum to -0.5"),
        (bin(2, 1, "2.5"), "for 2 voxels it must be within 0 and 2"),
        (bin(0, 0, "0.5"), "the confidences of bin 0 sum to 0.5"),
        (bin(2, 1, "null"), "invalid type: null"),
        (bin(1 << 54, 1, "2.5"), "there are more than 9007199254740992 voxels"),
        (
            r#"{"bins":[{"count":1,"confidence":1}]}"#.to_owned(),
            "missing field `correct`",
        ),
    ] {
        check::<Reliability>(&json, why);
    }
    // More bins than a Reliability can have.
    let empty = r#"{"count":0,"correct":0,"confidence":0}"#;
    let many = vec![empty; (1 << 20) + 1].join(",");
    check::<Reliability>(&format!(r#"{{"bins":[{many}]}}"#), "1048577 bins are too many");
}
