use super::{Folder, ball, well, wrong};

fn size(path: &std::path::Path) -> (u32, u32) {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap()));
    let reader = decoder.read_info().unwrap();
    (reader.info().width, reader.info().height)
}

#[test]
fn one_rater_and_several() {
    let folder = Folder::new();
    folder.nifti("a.nii.gz", &ball(1));
    folder.nifti("b.nii.gz", &ball(2));
    let (a, b) = (folder.text("a.nii.gz"), folder.text("b.nii.gz"));
    // The middle of the ball.
    let text = well(["show", "--classes", "3", "--out", &folder.text("one.png"), &a]);
    assert!(text.ends_with(", slice 2=3\n"), "{text}");
    well([
        "show",
        "--classes",
        "3",
        "--slice",
        "0=4",
        "--out",
        &folder.text("two.png"),
        &a,
        &b,
    ]);
    let (one, two) = (size(&folder.path("one.png")), size(&folder.path("two.png")));
    assert!(one.0 > 400 && one.1 > 200 && two != one, "{one:?} {two:?}");
    for (slice, says) in [("3=0", "no axis 3"), ("0=9", "no slice 9"), ("x", "like 0=12")] {
        let error = wrong([
            "show",
            "--classes",
            "3",
            "--slice",
            slice,
            "--out",
            &folder.text("c.png"),
            &a,
        ]);
        assert!(error.contains(says), "{error}");
    }
}

/// An image has no slices. It is encoded in 2D.
#[test]
fn images() {
    let folder = Folder::new();
    let slice = ball(1).index_axis_move(ndarray::Axis(2), 3);
    folder.npy("a.npy", &slice.into_dyn());
    well([
        "show",
        "--classes",
        "3",
        "--out",
        &folder.text("a.png"),
        &folder.text("a.npy"),
    ]);
    let error = wrong([
        "show",
        "--classes",
        "3",
        "--slice",
        "0=1",
        "--out",
        &folder.text("b.png"),
        &folder.text("a.npy"),
    ]);
    assert!(error.contains("no slices"), "{error}");
    assert!(
        wrong([
            "show",
            "--classes",
            "3",
            "--out",
            &folder.text("b.svg"),
            &folder.text("a.npy")
        ])
        .contains(".png")
    );
}

/// A slice along x shows voxels of 1 x 2.5 mm.
#[test]
fn voxels_have_their_proportion() {
    let folder = Folder::new();
    folder.nifti("a.nii", &ball(1));
    let picture = |name: &str, slice: &str| {
        let out = folder.text(&format!("{name}.png"));
        let options = ["show", "--classes", "3", "--overwrite", "--slice", slice, "--out"];
        well([&options[..], &[&out, &folder.text(name)]].concat());
        size(&folder.path(&format!("{name}.png")))
    };
    // Along x the rows are z: 7 of 25 pixels, where an array without a spacing has 12 of 10.
    assert_eq!(picture("a.nii", "0=4").1, 2 * (28 + 7 * 25 + 20) + 48 - 20);
}
