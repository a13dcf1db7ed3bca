//! What is shown: soft labels of the part of a slice where the structures are, as colours.

use std::f64::consts::LN_2;
use std::ops::Range;

use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use ndarray::{Array2, Array3, ArrayD, ArrayViewD, Axis, Ix3};
use soft_labels::{Classes, LabelSmoothing, OneHot, Raters, Result, SoftEncoder, Svls};

use crate::canvas::{Canvas, blend};
use crate::grid::{Item, Scale, paint_voxels};

/// Class colours; those of Okabe & Ito can be told apart by colour-blind readers too.
const CLASS: [Rgb888; 8] = [
    Rgb888::new(226, 230, 236),
    Rgb888::new(0, 114, 178),
    Rgb888::new(230, 159, 0),
    Rgb888::new(0, 158, 115),
    Rgb888::new(204, 121, 167),
    Rgb888::new(86, 180, 233),
    Rgb888::new(213, 94, 0),
    Rgb888::new(240, 228, 66),
];

/// The colour of a class. There are eight, which repeat.
pub fn class_color(class: usize) -> Rgb888 {
    CLASS[class % CLASS.len()]
}

/// The colour of each voxel: its classes' colours, mixed as its soft labels say.
pub fn mixed(soft: &Array3<f64>) -> Array2<Rgb888> {
    soft.map_axis(Axis(0), |p| {
        blend(p.iter().enumerate().map(|(class, &p)| (class_color(class), p)))
    })
}

/// A slice of a volume (D, H, W), or an image (H, W), as its raters labelled it.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Their label maps.
    pub raters: Vec<ArrayViewD<'a, i64>>,
    /// Class 0 is the background.
    pub classes: Classes,
    /// The index on the first axis, which an image does not have.
    pub slice: Option<usize>,
    /// What the classes are called.
    pub names: Vec<String>,
    /// How far rows and columns are apart, in any unit: voxels are drawn in this proportion.
    pub spacing: [f64; 2],
}

impl Scene<'_> {
    /// Confidence and entropy of one-hot, LS and SVLS beside the first rater's labels: figure 1(b) of the paper.
    ///
    /// # Errors
    ///
    /// Those of the encoders, such as an unknown label.
    pub fn confidence(&self) -> Result<Canvas> {
        let first = self.raters.get(..1).unwrap_or_default();
        let window = self.window(first);
        let confidence = Scale {
            title: "confidence".to_string(),
            low: 0.5,
            high: 1.0,
        };
        let labels = self.soft(&OneHot, first, &window)?;
        let title = match self.slice {
            Some(slice) => format!("label map, slice {slice}"),
            None => "label map".to_owned(),
        };
        let names = (0..).map(class_color).zip(self.names.iter().cloned());
        let mut rows = [
            vec![Item::Panel(title, mixed(&labels))],
            vec![Item::Legend(names.collect())],
        ];
        let encodings = [
            ("one-hot", labels),
            ("LS, α = 0.1", self.soft(&LabelSmoothing::new(0.1)?, first, &window)?),
            ("SVLS", self.soft(&Svls::default(), first, &window)?),
        ];
        let entropy = entropy_scale(&encodings);
        for (name, soft) in &encodings {
            let most = soft.map_axis(Axis(0), |p| p.iter().copied().fold(0.0, f64::max));
            rows[0].push(Item::Panel(name.to_string(), confidence.colors(&most)));
            rows[1].push(Item::Panel(String::new(), entropy.colors(&entropies(soft))));
        }
        rows[0].push(Item::Bar(&confidence));
        rows[1].push(Item::Bar(&entropy));
        Ok(paint_voxels(&rows, shape(&window), voxel(&window, self.spacing)))
    }

    /// The raters' labels, and the probability of the foreground and entropy of mOH and mSVLS: figure 3 of the paper.
    ///
    /// # Errors
    ///
    /// Those of the encoders, such as an unknown label.
    pub fn several(&self) -> Result<Canvas> {
        let window = self.window(&self.raters);
        let name = match &*self.names {
            [_, name] => name,
            _ => "foreground",
        };
        let foreground = Scale {
            title: format!("p({name})"),
            low: 0.0,
            high: 1.0,
        };
        let mut rows = [Vec::new(), Vec::new()];
        for (rater, map) in self.raters.iter().enumerate() {
            let labels = self.soft(&OneHot, std::slice::from_ref(map), &window)?;
            let row = usize::from(2 * rater >= self.raters.len());
            rows[row].push(Item::Panel(format!("rater {}", rater + 1), mixed(&labels)));
        }
        if rows[1].len() < rows[0].len() {
            rows[1].push(Item::Legend(Vec::new()));
        }
        let means = [
            ("mOH", self.soft(&OneHot, &self.raters, &window)?),
            ("mSVLS", self.soft(&Svls::default(), &self.raters, &window)?),
        ];
        let entropy = entropy_scale(&means);
        for (name, soft) in &means {
            let not_background = 1.0 - &soft.index_axis(Axis(0), 0);
            rows[0].push(Item::Panel(name.to_string(), foreground.colors(&not_background)));
            rows[1].push(Item::Panel(name.to_string(), entropy.colors(&entropies(soft))));
        }
        rows[0].push(Item::Bar(&foreground));
        rows[1].push(Item::Bar(&entropy));
        Ok(paint_voxels(&rows, shape(&window), voxel(&window, self.spacing)))
    }

    /// Mean soft labels of the raters within a window of one slice, (C, H, W).
    ///
    /// Only the window is encoded. What is around it counts, too, also in the slices above and below.
    fn soft(
        &self,
        encoder: &impl SoftEncoder,
        raters: &[ArrayViewD<'_, i64>],
        window: &[Range<usize>],
    ) -> Result<Array3<f64>> {
        let axes: Vec<_> = [self.classes.len()]
            .into_iter()
            .chain(window.iter().map(Range::len))
            .collect();
        let mut soft = ArrayD::zeros(axes);
        encoder.encode_raters_window_into(&Raters::new(raters)?, &self.classes, window, &mut soft)?;
        if self.slice.is_some() {
            soft = soft.index_axis_move(Axis(1), 0);
        }
        Ok(soft.into_dimensionality::<Ix3>().unwrap_or_default())
    }

    /// The part of the slice where a rater labelled something but background, in it or beside it, with a margin.
    fn window(&self, raters: &[ArrayViewD<'_, i64>]) -> Vec<Range<usize>> {
        let beside = self.slice.map(|slice| slice.saturating_sub(1)..=slice + 1);
        let slices: Vec<_> = raters
            .iter()
            .flat_map(|map| match &beside {
                Some(beside) => map
                    .axis_iter(Axis(0))
                    .take(beside.end() + 1)
                    .skip(*beside.start())
                    .collect(),
                None => vec![map.view()],
            })
            .collect();
        let of_slice = self.slice.map(|slice| slice..slice + 1);
        let picture = [0, 1].map(|axis| self.extent(&slices, axis));
        of_slice.into_iter().chain(picture).collect()
    }

    /// The indices on an axis at which a label is not the background, and two more on either side; all indices if there is
    /// none.
    fn extent(&self, slices: &[ArrayViewD<'_, i64>], axis: usize) -> Range<usize> {
        let len = slices.first().map_or(0, |slice| slice.len_of(Axis(axis)));
        let labelled = |&at: &usize| {
            slices.iter().any(|slice| {
                slice
                    .index_axis(Axis(axis), at)
                    .iter()
                    .any(|&label| self.is_structure(label))
            })
        };
        match ((0..len).find(labelled), (0..len).rfind(labelled)) {
            (Some(first), Some(last)) => first.saturating_sub(2)..len.min(last + 3),
            _ => 0..len,
        }
    }

    /// Whether a label is neither background, which is class 0, nor ignored.
    fn is_structure(&self, label: i64) -> bool {
        self.classes.class_of(label).is_some_and(|class| class > 0)
    }
}

/// Rows and columns of the picture.
fn shape(window: &[Range<usize>]) -> (usize, usize) {
    match window {
        [.., rows, columns] => (rows.len(), columns.len()),
        _ => (0, 0),
    }
}

/// The longest edge of a panel of voxels that are not square, in pixels.
const LONGEST: f64 = 8192.0;

/// Size of a voxel in pixels: up to 10 along its shorter edge, smaller if there are many.
fn voxel(window: &[Range<usize>], spacing: [f64; 2]) -> Size {
    let (rows, columns) = shape(window);
    let [row, column] = match spacing.map(|step| step.is_finite() && step > 0.0) {
        [true, true] => spacing,
        _ => [1.0; 2],
    };
    let shorter = row.min(column);
    let (row, column) = (row / shorter, column / shorter);
    let (rows, columns) = (rows.max(1) as f64, columns.max(1) as f64);
    let side = (432.0 / (rows * row).max(columns * column)).floor().clamp(1.0, 10.0);
    let pixels = |step: f64, count: f64| (side * step).min(LONGEST / count).round().max(1.0) as u32;
    Size::new(pixels(column, columns), pixels(row, rows))
}

/// Entropy of each voxel in nats.
fn entropies(soft: &Array3<f64>) -> Array2<f64> {
    soft.map_axis(Axis(0), |p| p.iter().filter(|&&p| p > 0.0).map(|p| -p * p.ln()).sum())
}

/// From 0 to the highest entropy, at least to that of a tie of two classes.
fn entropy_scale(encodings: &[(&str, Array3<f64>)]) -> Scale {
    let all = encodings.iter().flat_map(|(_, soft)| entropies(soft));
    Scale {
        title: "entropy (nats)".to_string(),
        low: 0.0,
        high: all.fold(LN_2, f64::max),
    }
}
