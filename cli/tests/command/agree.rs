use std::path::PathBuf;

use ndarray::{Array3, ArrayD, array};
use serde_json::Value;
use soft_labels::fusion::{Staple, Ties, leave_one_out_majority};
use soft_labels::metrics::{EmptyRegion, Region, Surfaces};
use soft_labels::multirater::{self, Votes};
use soft_labels::{Classes, SoftEncoder, Svls};

use super::{Folder, args, ball, read_npy, well, wrong};

/// The rows of a table in which these columns have these words.
fn rows<'a>(json: &'a Value, table: &str, wanted: &[(&str, &str)]) -> Vec<&'a Value> {
    let rows = json[table].as_array().unwrap();
    let fits = |row: &&Value| wanted.iter().all(|(column, word)| row[column] == *word);
    rows.iter().filter(fits).collect()
}

#[track_caller]
fn number(json: &Value, table: &str, wanted: &[(&str, &str)], column: &str) -> f64 {
    let found = rows(json, table, wanted);
    assert_eq!(found.len(), 1, "{wanted:?}");
    found[0][column].as_f64().unwrap_or(f64::NAN)
}

#[track_caller]
fn near(found: f64, expected: f64) {
    let same = (found - expected).abs() < 1e-9 || found.is_nan() && expected.is_nan();
    assert!(same, "{found} {expected}");
}

/// Two cases of three raters; the third did not draw the second.
fn two_cases(folder: &Folder) -> Vec<Vec<Array3<u8>>> {
    let cases = vec![vec![ball(1), ball(2), ball(4)], vec![ball(6), ball(3)]];
    for (case, maps) in cases.iter().enumerate() {
        for (rater, map) in maps.iter().enumerate() {
            folder.nifti(&format!("rater_{rater}/case_{case}.nii"), map);
        }
    }
    cases
}

#[test]
fn raters_in_folders_and_one_who_drew_less() {
    let folder = Folder::new();
    let cases = two_cases(&folder);
    let raters = [0, 1, 2].map(|rater| folder.text(&format!("rater_{rater}")));
    let fixed = args(["agree", "--classes", "3", "--quiet", "--json", "--raters"]);
    let json: Value = serde_json::from_str(&well(fixed.iter().chain(&raters))).unwrap();
    let classes = Classes::contiguous(3).unwrap();
    let votes: Vec<_> = cases
        .iter()
        .map(|maps| Votes::count(&maps.iter().map(|map| map.view()).collect::<Vec<_>>(), &classes).unwrap())
        .collect();
    let mut pooled = votes[0].clone();
    pooled.merge(&votes[1]);
    for class in 1..3 {
        let (name, region) = (class.to_string(), Region::class(class));
        let dice = |votes: &Votes, a, b| votes.confusion(a, b).unwrap().dice(&region, EmptyRegion::Nan);
        let pair = |metric: &'static str, second: &'static str| {
            let json = &json;
            let name = name.clone();
            move |column: &str| {
                let wanted = [
                    ("structure", &*name),
                    ("metric", metric),
                    ("first", "rater_0"),
                    ("second", second),
                ];
                number(json, "pairs", &wanted, column)
            }
        };
        // Both drew both cases.
        let of = pair("Dice", "rater_1");
        let each = [dice(&votes[0], 0, 1), dice(&votes[1], 0, 1)];
        near(of("mean"), (each[0] + each[1]) / 2.0);
        near(of("pooled"), dice(&pooled, 0, 1));
        assert_eq!((of("cases"), of("left_out")), (2.0, 0.0));
        near(of("pooled_low"), each[0].min(each[1]));
        // The third drew one.
        let of = pair("Dice", "rater_2");
        near(of("mean"), dice(&votes[0], 0, 2));
        near(of("pooled"), dice(&votes[0], 0, 2));
        assert_eq!((of("cases"), of("left_out")), (1.0, 1.0));
        let masks = [0, 2].map(|rater: usize| region.mask(&cases[0][rater], &classes).unwrap());
        let surfaces = Surfaces::new(&masks[0], &masks[1], [1.0, 1.0, 2.5]).unwrap();
        near(pair("surface Dice", "rater_2")("mean"), surfaces.dice(2.0).unwrap());

        let agreement = |measure: &str, column: &str| {
            number(
                &json,
                "agreement",
                &[("structure", &*name), ("measure", measure)],
                column,
            )
        };
        let inside = votes
            .iter()
            .map(|votes| votes.structure(&region).union())
            .collect::<Vec<_>>();
        near(agreement("Fleiss' kappa", "mean"), inside[0].fleiss_kappa());
        near(agreement("Fleiss' kappa", "pooled"), inside[0].fleiss_kappa());
        assert_eq!(agreement("Fleiss' kappa", "left_out"), 1.0);
        let alphas = [inside[0].krippendorff_alpha(), inside[1].krippendorff_alpha()];
        near(agreement("Krippendorff's alpha", "mean"), (alphas[0] + alphas[1]) / 2.0);
        near(
            agreement("Krippendorff's alpha", "pooled"),
            pooled.structure(&region).union().krippendorff_alpha(),
        );
        let majority = leave_one_out_majority(&votes[0], Ties::Lowest);
        let staple = Staple::new().leave_one_out(&votes[0], Ties::Lowest).unwrap();
        for (against, expected) in [("majority vote", majority), ("STAPLE", staple)] {
            let wanted = [("structure", &*name), ("rater", "rater_2"), ("against", against)];
            near(
                number(&json, "others", &wanted, "mean"),
                expected[2].dice(&region, EmptyRegion::Nan),
            );
        }
        let volume = number(&json, "volumes", &[("structure", &*name), ("rater", "rater_2")], "mean");
        near(volume, 2.5 * votes[0].voxels_of(2, &region).unwrap() as f64);
        assert_eq!(number(&json, "correlation", &[("structure", &*name)], "left_out"), 1.0);
    }
    let all = [("structure", "all classes"), ("measure", "Krippendorff's alpha")];
    near(
        number(&json, "agreement", &all, "pooled"),
        pooled.union().krippendorff_alpha(),
    );
    assert_eq!(number(&json, "raters", &[("rater", "rater_2")], "missing"), 1.0);
    assert!(rows(&json, "agreement", &[]).iter().all(|row| row["region"] == "union"));

    // Cases that a rater did not draw are an error if that is asked for.
    let strict = fixed
        .iter()
        .take(4)
        .chain(["--missing".to_owned(), "error".into(), "--raters".into()].iter())
        .cloned()
        .collect::<Vec<_>>();
    assert!(wrong(strict.iter().chain(&raters)).contains("rater_2 has no case case_1"));
}

#[test]
fn regions_of_kappa() {
    let folder = Folder::new();
    // 3, 2, 1 and 2 of three raters see the structure, and there are 100 voxels of background.
    for (rater, votes) in [[1_u8, 1, 1, 1], [1, 1, 0, 1], [1, 0, 0, 0]].iter().enumerate() {
        let mut map = ArrayD::<u8>::zeros(vec![1, 104]);
        map.iter_mut().zip(votes).for_each(|(voxel, vote)| *voxel = *vote);
        folder.npy(&format!("rater_{rater}.npy"), &map);
    }
    let files = [0, 1, 2].map(|rater| folder.text(&format!("rater_{rater}.npy")));
    let kappa = |more: &[&str]| {
        let fixed = ["agree", "--classes", "2", "--json"];
        let words = fixed.iter().chain(more).map(|word| (*word).to_owned());
        let json: Value = serde_json::from_str(&well(words.chain(files.clone()))).unwrap();
        let found = rows(&json, "agreement", &[("measure", "Fleiss' kappa")])[0].clone();
        (
            found["value"].as_f64().unwrap(),
            found["region"].as_str().unwrap().to_owned(),
            found["voxels"].as_u64().unwrap(),
        )
    };
    let (value, region, voxels) = kappa(&[]);
    near(value, -0.125);
    assert_eq!((&*region, voxels), ("union", 4));
    let (value, region, voxels) = kappa(&["--region", "all"]);
    assert!((value - 0.615).abs() < 5e-4);
    assert_eq!((&*region, voxels), ("all voxels", 104));
    // Four voxels of 0.5 mm on the other side of the boundary, and four of the union.
    let (value, region, voxels) = kappa(&["--region", "band", "--band-mm", "2", "--spacing-mm", "0.5"]);
    assert!((value - 0.437).abs() < 5e-4);
    assert_eq!((&*region, voxels), ("band of 2 mm", 8));
}

/// The table of Shrout & Fleiss as volumes in voxels.
#[test]
fn the_correlation_of_volumes() {
    let folder = Folder::new();
    let volumes = [
        [9, 2, 5, 8],
        [6, 1, 3, 2],
        [8, 4, 6, 8],
        [7, 1, 2, 6],
        [10, 5, 6, 9],
        [6, 2, 4, 7],
    ];
    for (case, volumes) in volumes.iter().enumerate() {
        for (rater, &volume) in volumes.iter().enumerate() {
            let map = ArrayD::from_shape_fn(vec![3, 4], |at| u8::from(4 * at[0] + at[1] < volume));
            folder.npy(&format!("cases/{case}/rater_{rater}.npy"), &map);
        }
    }
    // In one folder a rater's file is missing: the case is left out.
    let map = ArrayD::<u8>::ones(vec![3, 4]);
    folder.npy("cases/6/rater_1.npy", &map);
    folder.npy("cases/6/rater_3.npy", &map);
    let cases = folder.text("cases");
    let fixed = [
        "agree",
        "--classes",
        "2",
        "--quiet",
        "--json",
        "--rater-files",
        "rater_*.npy",
        &cases,
    ];
    let json: Value = serde_json::from_str(&well(fixed)).unwrap();
    let of = |column: &str| number(&json, "correlation", &[("structure", "1")], column);
    assert!((of("icc") - 0.29).abs() < 5e-3);
    assert!((of("interval_low") - 0.019).abs() < 5e-4 && (of("interval_high") - 0.761).abs() < 5e-4);
    assert_eq!((of("cases"), of("left_out")), (6.0, 1.0));
    // Files are of the rater that their names tell.
    assert_eq!(number(&json, "raters", &[("rater", "rater_0")], "missing"), 1.0);
    assert_eq!(number(&json, "raters", &[("rater", "rater_3")], "missing"), 0.0);
}

#[test]
fn tables_pictures_and_maps() {
    let folder = Folder::new();
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    let files = ["lidc_0001_4raters_native.npy", "lidc_0179_4raters_native.npy"];
    let files = files.map(|name| data.join(name).to_str().unwrap().to_owned());
    let (tables, picture, maps) = (folder.text("tables"), folder.text("raters.svg"), folder.text("maps"));
    let fixed = args([
        "agree",
        "--classes",
        "2",
        "--foreground",
        "1",
        "--stacked-raters",
        "--quiet",
        "--per-case",
    ]);
    let more = args(["--tables", &tables, "--picture", &picture, "--maps", &maps]);
    let all: Vec<String> = fixed.iter().chain(&more).chain(&files).cloned().collect();
    let text = well(&all);
    assert!(text.contains("Fleiss' kappa") && text.contains("--region union") && text.contains("--empty skip"));
    assert_eq!(folder.names("tables").len(), 7);
    let pairs = std::fs::read_to_string(folder.path("tables/pairs.csv")).unwrap();
    assert!(pairs.starts_with("structure,metric,first,second,mean,"));
    assert_eq!(pairs.lines().count(), 1 + 2 * 6);
    let svg = std::fs::read_to_string(&picture).unwrap();
    // Six pairs on either side of the diagonal, of Dice and of surface Dice, of which two have no small numbers.
    assert_eq!(svg.matches("\n0.").count(), 2 * 2 * 6);
    let stacked = read_npy::<u8>(files[0].as_ref()).mapv(|label| u8::from(label != 0));
    let raters: Vec<_> = stacked.outer_iter().collect();
    let expected = multirater::disagreement(&raters, &Classes::contiguous(2).unwrap()).unwrap();
    let entropy = read_npy::<f32>(&folder.path("maps/lidc_0001_4raters_native_entropy.npy"));
    assert_eq!(entropy, expected.entropy.mapv(|value| value as f32));
    assert_eq!(folder.names("maps").len(), 4);
    assert!(wrong(&all).contains("--overwrite"));
}

#[test]
fn what_neither_map_holds() {
    let folder = Folder::new();
    for rater in ["rater_1", "rater_2"] {
        folder.npy(&format!("{rater}.npy"), &array![[0_u8, 1, 1, 0]].into_dyn());
    }
    let files = ["rater_1", "rater_2"].map(|rater| folder.text(&format!("{rater}.npy")));
    for (empty, expected) in [("skip", f64::NAN), ("one", 1.0), ("zero", 0.0)] {
        let fixed = args(["agree", "--classes", "3", "--json", "--empty", empty]);
        let json: Value = serde_json::from_str(&well(fixed.iter().chain(&files))).unwrap();
        for metric in ["Dice", "surface Dice"] {
            near(
                number(&json, "pairs", &[("structure", "2"), ("metric", metric)], "value"),
                expected,
            );
            near(
                number(&json, "pairs", &[("structure", "1"), ("metric", metric)], "value"),
                1.0,
            );
        }
    }
    let one = args(["agree", "--classes", "2"]);
    assert!(wrong(one.iter().chain(&files[..1])).contains("two raters"));
    let one = args(["agree", "--classes", "1"]);
    assert!(wrong(one.iter().chain(&files)).contains("one class"));
    let tied = args(["agree", "--classes", "2", "--ties", "prefer=7"]);
    assert!(wrong(tied.iter().chain(&files)).contains("label 7"));
}

#[test]
fn staple_in_the_other_commands() {
    let folder = Folder::new();
    let cases = two_cases(&folder);
    let raters = [0, 1].map(|rater| folder.text(&format!("rater_{rater}")));
    // Over several cases there is a summary.
    let out = folder.text("fused");
    let fuse = args([
        "fuse",
        "--classes",
        "3",
        "--method",
        "staple",
        "--crop-to-disagreement",
        "1",
        "--ties",
        "highest",
        "--json",
    ]);
    let fuse = fuse
        .into_iter()
        .chain(args(["--quiet", "--out", &out, "--raters"]))
        .chain(raters.clone());
    let json: Value = serde_json::from_str(&well(fuse)).unwrap();
    let classes = Classes::contiguous(3).unwrap();
    let staple = Staple::new().crop_to_disagreement(1);
    let fused: Vec<_> = cases
        .iter()
        .map(|maps| {
            staple
                .fuse::<_, f32, _>(&[maps[0].view(), maps[1].view()], &classes)
                .unwrap()
        })
        .collect();
    let found = &json["summary"].as_array().unwrap()[1];
    assert_eq!(
        (found["class"].as_str(), found["measure"].as_str()),
        (Some("0"), Some("specificity"))
    );
    let each = [0, 1].map(|case: usize| fused[case].specificity(0, 0).unwrap());
    near(found["mean"].as_f64().unwrap(), (each[0] + each[1]) / 2.0);
    let part = fused[0]
        .window()
        .ranges()
        .iter()
        .map(|range| vec![range.start, range.end])
        .collect::<Vec<_>>();
    assert_eq!(json["cases"][0]["box"], serde_json::to_value(part).unwrap());
    // Two raters of equal standing tie wherever they differ.
    let labels = soft_labels_files::read_labels(folder.path("fused/case_0.nii.gz")).unwrap();
    let expected: ArrayD<i64> =
        soft_labels::metrics::top_labels_with_ties(&fused[0].posterior().clone().into_dyn(), &classes, Ties::Highest)
            .unwrap();
    assert_eq!(labels.labels.into_i64(), expected);

    // mSVLS of raters that are weighed by STAPLE.
    let soft = folder.text("soft");
    let encode = args([
        "encode",
        "--classes",
        "3",
        "--format",
        "npy",
        "--dtype",
        "f64",
        "--quiet",
        "--rater-weights",
        "staple",
    ]);
    let encode = encode
        .into_iter()
        .chain(args(["--out", &soft, "--raters"]))
        .chain(raters.clone());
    let text = well(encode);
    assert!(text.is_empty() || text.contains("case"));
    let weighted = Staple::new()
        .weighted_raters(&[cases[0][0].view(), cases[0][1].view()], &classes)
        .unwrap();
    let expected: ndarray::Array4<f64> = Svls::default().encode_raters(&weighted, &classes).unwrap();
    assert_eq!(read_npy::<f64>(&folder.path("soft/case_0.npy")), expected.into_dyn());
    let wrong_weights = args([
        "encode",
        "--classes",
        "3",
        "--rater-weights",
        "stable",
        "--out",
        &soft,
        "--raters",
    ]);
    assert!(wrong(wrong_weights.into_iter().chain(raters)).contains("staple"));
}

#[test]
fn what_is_told_twice_or_without_effect() {
    let folder = Folder::new();
    folder.npy("a/case.npy", &ball(1).into_dyn());
    folder.npy("b/case.npy", &ball(2).into_dyn());
    let [a, b] = ["a", "b"].map(|name| folder.text(name));
    let told = |more: &[&str]| wrong(["agree", "--classes", "3"].iter().chain(more));
    assert!(told(&["--raters", &a, &a]).contains("is given twice"));
    assert!(told(&["--band-mm", "2", "--raters", &a, &b]).contains("--region band"));
    let judged = wrong(["judge", "--classes", "3", &a, "--raters", &b, &b]);
    assert!(judged.contains("is given twice"), "{judged}");
    let missing = wrong(["judge", "--classes", "3", &a, &folder.text("none")]);
    assert!(missing.contains("none: there is no such file or folder"), "{missing}");
}

/// What a rater ignores has no part in surfaces and volumes, and a map that ignores everything is no map.
#[test]
fn ignored_voxels_have_no_part() {
    let folder = Folder::new();
    let whole = ball(1);
    let mut half = whole.clone();
    half.slice_mut(ndarray::s![4.., .., ..]).fill(255);
    folder.npy("whole.npy", &whole.clone().into_dyn());
    folder.npy("half.npy", &half.into_dyn());
    folder.npy("none.npy", &Array3::from_elem(whole.raw_dim(), 255_u8).into_dyn());
    let [whole, half, none] = ["whole.npy", "half.npy", "none.npy"].map(|name| folder.text(name));
    let fixed = [
        "agree",
        "--classes",
        "3",
        "--ignore",
        "255",
        "--json",
        "--raters",
        &whole,
    ];
    let found: Value = serde_json::from_str(&well(fixed.iter().chain(&[half.as_str()]))).unwrap();
    for structure in ["1", "2"] {
        for pair in rows(&found, "pairs", &[("structure", structure)]) {
            assert_eq!(pair["value"], 1.0, "{found}");
        }
        let volumes = rows(&found, "volumes", &[("structure", structure)]);
        assert!(volumes[0]["value"].as_f64() > Some(0.0));
        assert_eq!(volumes[0]["value"], volumes[1]["value"]);
    }
    let told = wrong(fixed.iter().chain(&[none.as_str()]));
    assert!(told.contains("none.npy: ignores every voxel"), "{told}");
    let judged = [
        "judge",
        "--classes",
        "3",
        "--ignore",
        "255",
        &whole,
        "--raters",
        &half,
        &none,
    ];
    assert!(wrong(judged).contains("none.npy: ignores every voxel"));
}

/// Maps beside the raters' files of a case would be raters of the next run.
#[test]
fn maps_do_not_go_where_raters_are_looked_for() {
    let folder = Folder::new();
    for rater in ["a", "b"] {
        folder.npy(&format!("cases/one/{rater}.npy"), &ball(1).into_dyn());
    }
    let [cases, one, maps] = ["cases", "cases/one", "maps"].map(|name| folder.text(name));
    let fixed = [
        "agree",
        "--classes",
        "3",
        "--quiet",
        "--rater-files",
        "*.npy",
        &cases,
        "--maps",
    ];
    assert!(wrong(fixed.iter().chain(&[one.as_str()])).contains("lies in a folder of inputs"));
    well(fixed.iter().chain(&[maps.as_str()]));
    assert_eq!(folder.names("maps"), ["one_entropy.npy", "one_minority.npy"]);
}
