use ndarray::{Array2, Array4, ArrayD, Axis};
use soft_labels::{Classes, SoftEncoder, Svls};

use super::{Folder, ball, run, well, wrong};

/// The address of each picture of a page.
fn pictures(page: &str) -> Vec<&str> {
    let parts = page.split("<img src=\"").skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

#[test]
fn a_page_of_two_folders() {
    let folder = Folder::new();
    let classes = Classes::contiguous(3).unwrap();
    for case in 0..4 {
        let name = format!("{case}<script>alert('1')&\"");
        folder.nifti(&format!("truth/{name}.nii.gz"), &ball(case));
        let soft: Array4<f32> = Svls::default().encode(&ball(case + 1), &classes).unwrap();
        if case < 3 {
            folder.npy(&format!("found/{name}.npy"), &soft.into_dyn());
        }
    }
    let (page, found, truth) = (folder.text("a.html"), folder.text("found"), folder.text("truth"));
    let fixed = [
        "judge",
        "--classes",
        "3",
        "--regions",
        "<b>x=1+2",
        "--quiet",
        "--html",
        &page,
    ];
    let output = run(fixed.into_iter().chain(["--worst", "2", &found, &truth]));
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let html = std::fs::read_to_string(&page).unwrap();
    for tag in ["<script", "<b>", "http:", "https:"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(html.contains("0&lt;script&gt;alert(&#39;1&#39;)&amp;&quot;"), "{html}");
    assert!(
        html.contains("One of them failed") && html.contains("has no prediction"),
        "{html}"
    );
    // Prediction, reference, error and confidence, of two structures.
    let pictures = pictures(&html);
    assert_eq!(pictures.len(), 8);
    assert!(
        pictures.iter().all(|src| src.starts_with("data:image/png;base64,")),
        "{pictures:?}"
    );
    // The tables of cases are on the page, whether or not they are printed.
    assert!(html.contains("id=\"table-overlap\"") && html.contains("id=\"table-scores\""));

    let args = ["judge", "--classes", "3", "--quiet", "--html", &page, &found, &truth];
    assert!(wrong(args).contains("--overwrite"));
    let again = folder.text("again.html");
    run(fixed[..6]
        .iter()
        .chain(&["--html", &again, "--worst", "0", &found, &truth]));
    assert!(self::pictures(&std::fs::read_to_string(again).unwrap()).is_empty());
}

/// Label maps, images, regions and structures have their slices, too.
#[test]
fn a_page_of_everything_that_is_judged() {
    let folder = Folder::new();
    let page = |args: &[&str]| {
        let out = folder.text("page.html");
        well(["judge", "--html", &out, "--overwrite"].iter().chain(args));
        std::fs::read_to_string(out).unwrap()
    };
    folder.nifti("a.nii.gz", &ball(1));
    folder.nifti("b.nii.gz", &ball(2));
    let (a, b) = (folder.text("a.nii.gz"), folder.text("b.nii.gz"));
    let html = page(&["--classes", "3", &a, &b]);
    assert_eq!(pictures(&html).len(), 2 * 3);
    assert!(html.contains(" along z, ") && !html.contains("Calibration"), "{html}");

    let image = |seed: usize| Array2::from_shape_fn((20, 30), |(y, x)| u8::from(x > 4 + seed && y > 5)).into_dyn();
    folder.npy("image.npy", &image(1));
    folder.npy("other.npy", &image(3));
    let html = page(&["--classes", "2", &folder.text("image.npy"), &folder.text("other.npy")]);
    assert_eq!(pictures(&html).len(), 3);
    assert!(!html.contains(" along "), "{html}");

    let regions: ArrayD<f32> = image(2).mapv(f32::from).insert_axis(Axis(0));
    folder.npy("regions.npy", &regions);
    let channels = ["--classes", "2", "--channels", "regions", "--regions", "front=1"];
    let files = [folder.text("regions.npy"), folder.text("other.npy")];
    let html = page(&[&channels[..], &[&files[0], &files[1]]].concat());
    assert!(
        pictures(&html).len() == 4 && html.contains("alt=\"Probability of structure front\""),
        "{html}"
    );

    folder.npy("found/front.npy", &image(1));
    folder.npy("masks/front.npy", &image(2));
    let html = page(&["--structures", &folder.text("found"), &folder.text("masks")]);
    assert!(pictures(&html).len() == 3 && html.contains("outside</li>"), "{html}");
}

#[test]
fn wrong_pages() {
    let folder = Folder::new();
    folder.nifti("a.nii.gz", &ball(1));
    let (a, out) = (folder.text("a.nii.gz"), folder.text("out.html"));
    let error = wrong(["judge", "--classes", "3", "--html", &out, "--csv", &out, &a, &a]);
    assert!(error.contains("--csv and --html are the same file"), "{error}");
    assert!(wrong(["judge", "--classes", "3", "--worst", "3", &a, &a]).contains("--html"));
    assert!(wrong(["judge", "--classes", "3", "--html", &a, "--overwrite", &a, &a]).contains("is an input"));
    assert!(!folder.path("out.html").exists());
}
