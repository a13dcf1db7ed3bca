//! Where the voxels of an array are.

mod header;
#[cfg(feature = "zarr")]
pub(crate) mod ome;
mod place;
mod unit;

use nifti::NiftiHeader;
pub use unit::Unit;
pub(crate) use unit::length_in_mm;

/// Where voxels are: three rows, for x, y and z in millimetres. The first three columns are the steps along the first three
/// axes of the array, and the last is the place of voxel (0, 0, 0). x runs to the right of the patient, y to the front and z
/// upwards, as NIfTI has it.
pub type Affine = [[f64; 4]; 3];

/// The order of an array's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Axes {
    /// Depth or slices first, (D, H, W), or (H, W): rows from top to bottom, columns from left to right.
    Dhw,
    /// The axes x, y, z of a NIfTI file, (x, y, z) or (x, y). Files have x fastest.
    Xyz,
}

/// The spacing and the place of the voxels of a label map or of probabilities, as far as the file tells it.
///
/// What comes from a NIfTI file keeps its header, with sform, qform and description. So a result that is written with the
/// geometry of its input has that header, too. In the same way an image of OME-Zarr keeps its axes and its version.
///
/// ```
/// use soft_labels_files::Geometry;
///
/// // Slices 2.5 mm apart.
/// let geometry = Geometry::from_spacing_mm(&[2.5, 0.7, 0.7]);
/// assert_eq!(geometry.spacing_mm(), Some(&[2.5, 0.7, 0.7][..]));
/// assert_eq!(Geometry::unknown().spacing_mm(), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    axes: Axes,
    unit: Unit,
    spacing: Option<Vec<f64>>,
    affine: Option<Affine>,
    header: Option<Box<NiftiHeader>>,
    #[cfg(feature = "zarr")]
    ome: Option<Box<ome::Ome>>,
}

impl Geometry {
    /// Nothing is known but the order of axes, (D, H, W): so it is for NumPy and PNG.
    pub fn unknown() -> Self {
        Self {
            axes: Axes::Dhw,
            unit: Unit::Unknown,
            spacing: None,
            affine: None,
            header: None,
            #[cfg(feature = "zarr")]
            ome: None,
        }
    }

    /// The voxel spacing along each axis of the array in millimetres, and no place.
    pub fn from_spacing_mm(spacing: &[f64]) -> Self {
        Self {
            unit: Unit::Millimetre,
            spacing: Some(spacing.to_vec()),
            ..Self::unknown()
        }
    }

    /// The voxels of an array (x, y, z) by their affine in millimetres.
    ///
    /// ```
    /// use soft_labels_files::{Axes, Geometry};
    ///
    /// let affine = [[0.0, 0.5, 0.0, -10.0], [0.7, 0.0, 0.0, 4.0], [0.0, 0.0, -2.5, 8.0]];
    /// let geometry = Geometry::from_affine(&affine);
    /// assert_eq!(geometry.axes(), Axes::Xyz);
    /// assert_eq!(geometry.spacing_mm(), Some(&[0.7, 0.5, 2.5][..]));
    /// ```
    pub fn from_affine(affine: &Affine) -> Self {
        let length = |axis: usize| affine.iter().map(|row| row[axis] * row[axis]).sum::<f64>().sqrt();
        Self {
            axes: Axes::Xyz,
            affine: Some(*affine),
            ..Self::from_spacing_mm(&[0, 1, 2].map(length))
        }
    }

    /// The same of an array whose first axis is x.
    pub(crate) fn x_first(self) -> Self {
        Self {
            axes: Axes::Xyz,
            ..self
        }
    }

    pub(crate) fn of_nifti(header: NiftiHeader) -> Self {
        let unit = header::unit(&header);
        let mm = |length: f64| length * unit.millimetres();
        Self {
            axes: Axes::Xyz,
            unit,
            spacing: Some(header::spacing(&header).into_iter().map(mm).collect()),
            affine: Some(header::affine(&header).map(|row| row.map(mm))),
            header: Some(Box::new(header)),
            #[cfg(feature = "zarr")]
            ome: None,
        }
    }

    /// The header that a NIfTI file with this geometry has.
    pub(crate) fn nifti(&self) -> NiftiHeader {
        let mut header = match &self.header {
            Some(header) => (**header).clone(),
            None => header::plain(self.spacing.as_deref(), &self.place()),
        };
        // What the input says of its values and its fourth axis is not true of the result.
        (header.cal_max, header.cal_min, header.intent_code, header.pixdim[4]) = (0.0, 0.0, 0, 1.0);
        header
    }

    /// The order of the array's axes.
    pub fn axes(&self) -> Axes {
        self.axes
    }

    /// The unit in the file. Lengths are in millimetres here, whatever it is.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The voxel spacing along each spatial axis of the array in millimetres, if the file tells it.
    pub fn spacing_mm(&self) -> Option<&[f64]> {
        self.spacing.as_deref()
    }

    /// Whether the file tells a spacing, also one in a unit that is not known.
    ///
    /// ```
    /// use soft_labels_files::Geometry;
    ///
    /// assert!(Geometry::from_spacing_mm(&[2.5, 0.7, 0.7]).is_known());
    /// assert!(!Geometry::unknown().is_known());
    /// ```
    pub fn is_known(&self) -> bool {
        #[cfg(feature = "zarr")]
        if self.ome.is_some() {
            return true;
        }
        self.spacing.is_some()
    }

    /// From voxels to millimetres, if the file tells it. Of NIfTI it is the sform if its code is set, else the qform if its
    /// code is set, else the spacing along axes that begin at 0. Of OME-Zarr, whose axes are not x, y and z, a row is for each
    /// axis of the array.
    pub fn affine(&self) -> Option<&Affine> {
        self.affine.as_ref()
    }

    /// The same with another spacing in millimetres: one number for all axes, or one for each. Directions and the place of
    /// the first voxel stay.
    ///
    /// ```
    /// use soft_labels_files::Geometry;
    ///
    /// let geometry = Geometry::unknown().with_spacing_mm(&[2.0]);
    /// assert_eq!(geometry.spacing_mm(), Some(&[2.0, 2.0, 2.0][..]));
    /// ```
    #[must_use]
    pub fn with_spacing_mm(mut self, spacing: &[f64]) -> Self {
        let spacing = match (spacing, &self.spacing) {
            ([one], before) => vec![*one; before.as_ref().map_or(3, Vec::len)],
            // Axes that no number is given for keep theirs.
            (new, Some(before)) => new.iter().chain(before.iter().skip(new.len())).copied().collect(),
            (new, None) => new.to_vec(),
        };
        if let (Some(affine), Some(before)) = (&mut self.affine, &self.spacing) {
            for (axis, (&new, &old)) in spacing.iter().zip(before).enumerate().take(3) {
                let factor = if old > 0.0 { new / old } else { 1.0 };
                affine.iter_mut().for_each(|row| row[axis] *= factor);
            }
        }
        if let Some(header) = &mut self.header {
            let of_file: Vec<_> = spacing.iter().map(|step| step / self.unit.millimetres()).collect();
            header::respace(header, &of_file);
        } else {
            self.unit = Unit::Millimetre;
        }
        #[cfg(feature = "zarr")]
        if let Some(ome) = &mut self.ome {
            ome.respace(&spacing);
        }
        self.spacing = Some(spacing);
        self
    }

    /// The geometry of a part of the array, averaged over boxes: the part begins at voxel `start`, by axis, and a box has
    /// `size` voxels along each axis, or along all if there is one number. The first voxel moves to the middle of the first
    /// box. If nothing was known, voxels are taken to be 1 mm apart.
    ///
    /// ```
    /// use soft_labels_files::Geometry;
    ///
    /// let geometry = Geometry::from_spacing_mm(&[3.0, 1.0, 1.0]);
    /// let coarse = geometry.window(&[10, 0, 0], &[1, 2, 2]);
    /// assert_eq!(coarse.spacing_mm(), Some(&[3.0, 2.0, 2.0][..]));
    /// let [x, y, z] = coarse.affine().unwrap().map(|row| row[3]);
    /// assert_eq!([x, y, z], [30.0, 0.5, 0.5]);
    /// ```
    #[must_use]
    pub fn window(mut self, start: &[usize], size: &[usize]) -> Self {
        let size = |axis: usize| size.get(axis).or(size.first()).copied().unwrap_or(1);
        let axes: Vec<_> = start
            .iter()
            .enumerate()
            .map(|(axis, &start)| (start, size(axis)))
            .collect();
        #[cfg(feature = "zarr")]
        if let Some(ome) = &mut self.ome {
            ome.window(&axes);
            if self.spacing.is_none() {
                return self;
            }
        }
        let mut affine = self.place();
        let mut spacing = self.spacing.unwrap_or_else(|| vec![1.0; start.len()]);
        for (axis, &(start, size)) in axes.iter().enumerate().take(3) {
            let voxels = start as f64 + (size as f64 - 1.0) / 2.0;
            for row in &mut affine {
                row[3] += row[axis] * voxels;
                row[axis] *= size as f64;
            }
        }
        for (step, (_, size)) in spacing.iter_mut().zip(&axes) {
            *step *= *size as f64;
        }
        if let Some(header) = &mut self.header {
            header::coarsen(header, &axes);
        }
        (self.affine, self.spacing) = (Some(affine), Some(spacing));
        self
    }

    /// The affine, or the spacing along axes that begin at 0.
    fn place(&self) -> Affine {
        self.affine.unwrap_or_else(|| {
            let step = |axis| {
                self.spacing
                    .as_ref()
                    .and_then(|spacing| spacing.get(axis))
                    .copied()
                    .unwrap_or(1.0)
            };
            std::array::from_fn(|row| std::array::from_fn(|column| if row == column { step(row) } else { 0.0 }))
        })
    }
}

impl Default for Geometry {
    fn default() -> Self {
        Self::unknown()
    }
}
