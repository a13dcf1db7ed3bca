use ndarray::{ArrayD, array};
use serde_json::Value;
use soft_labels::Classes;
use soft_labels::fusion::{Staple, Ties, majority_vote};

use super::{Folder, ball, read_npy, well, wrong};

#[test]
fn votes_keep_the_type_of_labels() {
    let folder = Folder::new();
    let maps = [1, 2, 4].map(ball);
    for (rater, map) in ["rater_1", "rater_2", "rater_3"].iter().zip(&maps) {
        folder.npy(&format!("{rater}/a.npy"), &map.mapv(i16::from).into_dyn());
    }
    let raters = ["rater_1", "rater_2", "rater_3"].map(|rater| folder.text(rater));
    let fuse = ["fuse", "--classes", "3", "--out", &folder.text("agreed"), "--raters"];
    well(fuse.into_iter().chain(raters.iter().map(String::as_str)));
    let classes = Classes::contiguous(3).unwrap();
    let expected = majority_vote(&maps.each_ref().map(|map| map.view()), &classes, Ties::Lowest).unwrap();
    assert_eq!(
        read_npy::<i16>(&folder.path("agreed/a.npy")),
        expected.mapv(i16::from).into_dyn()
    );
}

#[test]
fn staple_with_its_table() {
    let folder = Folder::new();
    let maps = [1, 2, 4].map(ball);
    for (seed, map) in maps.iter().enumerate() {
        folder.npy(&format!("{seed}.npy"), &map.clone().into_dyn());
    }
    let files = [0, 1, 2].map(|seed| folder.text(&format!("{seed}.npy")));
    let out = folder.text("truth.npy");
    let fixed = [
        "fuse",
        "--classes",
        "3",
        "--method",
        "staple",
        "--output",
        "probabilities",
        "--json",
        "--out",
        &out,
        "--raters",
    ];
    let text = well(fixed.into_iter().chain(files.iter().map(String::as_str)));
    let classes = Classes::contiguous(3).unwrap();
    let expected = Staple::new()
        .fuse::<_, f32, _>(&maps.each_ref().map(|map| map.view()), &classes)
        .unwrap();
    assert_eq!(read_npy::<f32>(out.as_ref()), expected.posterior().clone().into_dyn());
    let json: Value = serde_json::from_str(&text).unwrap();
    for rater in 0..3 {
        for class in 0..3 {
            let found = json["cases"][0]["performance"][rater][class]["sensitivity"].as_f64();
            assert_eq!(found, expected.sensitivity(rater, class));
        }
    }
}

#[test]
fn ties_and_pictures() {
    let folder = Folder::new();
    folder.npy("a.npy", &array![[0_u8, 1], [1, 1]].into_dyn());
    folder.npy("b.npy", &array![[0_u8, 0], [1, 0]].into_dyn());
    let (a, b) = (folder.text("a.npy"), folder.text("b.npy"));
    let fuse = |ties: &str, out: &str| {
        let out = folder.text(out);
        [
            "fuse",
            "--classes",
            "2",
            "--overwrite",
            "--ties",
            ties,
            "--out",
            &out,
            "--raters",
            &a,
            &b,
        ]
        .map(str::to_owned)
    };
    for (ties, tied) in [("lowest", 0_u8), ("highest", 1), ("prefer=1", 1), ("undecided=7", 7)] {
        well(fuse(ties, "out.npy"));
        let expected: ArrayD<u8> = array![[0, tied], [1, tied]].into_dyn();
        assert_eq!(read_npy::<u8>(&folder.path("out.npy")), expected, "{ties}");
    }
    well(fuse("highest", "out.png"));
    assert!(wrong(fuse("undecided=300", "out.npy")).contains("300"));
    assert!(wrong(fuse("first", "out.npy")).contains("prefer=V"));
    assert!(
        wrong([
            "fuse",
            "--classes",
            "2",
            "--output",
            "probabilities",
            "--out",
            "x.npy",
            &a,
            &b
        ])
        .contains("majority")
    );
}
