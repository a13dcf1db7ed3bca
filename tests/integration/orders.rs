//! Maps that are larger than the squares in which labels are read: the same bits in every order of memory.

use ndarray::{Array3, ArrayD, ArrayViewD, IxDyn, Slice};
use soft_labels::{Classes, Encoding, Label, LabelSmoothing, Raters, SoftEncoder, Svls, SvlsKernel, quantize};

use crate::layout::Layout;

/// Blobs of some classes and, seldom, ignored voxels.
fn map<L: Label + From<u8>>(shape: [usize; 3], classes: usize, seed: usize) -> ArrayD<L> {
    Array3::from_shape_fn(shape, |(d, h, w)| {
        let blob = (d / 9 + 1) * (h / 7 + 2) * (w / 11 + seed);
        let ignored = (d * 31 + h * 17 + w * 13 + seed).is_multiple_of(997);
        L::from(if ignored { 255 } else { (blob % classes) as u8 })
    })
    .into_dyn()
}

fn encoders() -> Vec<Encoding> {
    let kernel = |builder: soft_labels::SvlsKernelBuilder| Svls::new(builder.build().unwrap()).into();
    vec![
        Encoding::default(),
        kernel(SvlsKernel::builder().sigma([0.7, 1.0, 1.3]).radius([1, 2, 3])),
        kernel(SvlsKernel::builder().radius([3, 0, 1]).strength(0.3)),
        Encoding::OneHot,
        LabelSmoothing::new(0.1).unwrap().into(),
    ]
}

/// The soft labels of a window, in floating point and in 255ths, from maps and to outputs in the given layouts.
fn encode<L: Label>(
    encoder: &Encoding,
    maps: &[ArrayViewD<'_, L>],
    classes: &Classes,
    window: &[std::ops::Range<usize>],
    out: &Layout,
) -> (ArrayD<u32>, ArrayD<u8>) {
    let raters = Raters::new(maps).unwrap();
    let lengths = window.iter().map(|range| range.len());
    let shape: Vec<_> = std::iter::once(classes.len()).chain(lengths).collect();
    let (mut soft, mut parts) = (
        out.store(&ArrayD::from_elem(IxDyn(&shape), f32::NAN), 7.0),
        out.store(&ArrayD::from_elem(IxDyn(&shape), 77_u8), 7),
    );
    encoder
        .encode_raters_window_into(&raters, classes, window, &mut soft.view_mut())
        .unwrap();
    quantize::encode_into(encoder, &raters, classes, window, &mut parts.view_mut()).unwrap();
    (soft.view().mapv(f32::to_bits), parts.view().to_owned())
}

fn check<L: Label + From<u8>>(shape: [usize; 3], classes: usize, all_classes: &Classes) {
    let (first, second) = (map::<L>(shape, classes, 3), map::<L>(shape, classes, 4));
    let whole = shape.map(|len| 0..len);
    let part = shape.map(|len| len / 3..len - len / 5);
    let (of_maps, of_outputs) = (Layout::catalogue(3), Layout::catalogue(4));
    for (number, encoder) in encoders().iter().enumerate() {
        let c = |maps: &[ArrayViewD<'_, L>]| encode(encoder, maps, all_classes, &whole, &of_outputs[0]);
        let one = c(&[first.view()]);
        let two = c(&[first.view(), second.view()]);
        // Every layout of the map with every fifth of the output, another fifth for each encoder.
        for (i, layout) in of_maps.iter().enumerate() {
            let stored = layout.store(&first, L::from(0));
            for out in of_outputs.iter().skip((i + number) % 5).step_by(5) {
                let found = encode(encoder, &[stored.view()], all_classes, &whole, out);
                assert!(found == one, "{encoder:?} {layout:?} {out:?}");
            }
            let out = &of_outputs[(3 * i + number) % of_outputs.len()];
            let found = encode(encoder, &[stored.view(), second.view()], all_classes, &whole, out);
            assert!(found == two, "two raters, {encoder:?} {layout:?} {out:?}");
            let found = encode(encoder, &[stored.view()], all_classes, &part, out);
            let slice = |axis: usize| {
                if axis == 0 {
                    Slice::from(..)
                } else {
                    part[axis - 1].clone().into()
                }
            };
            let expected = one.0.slice_each_axis(|axis| slice(axis.axis.index()));
            assert!(found.0 == expected, "window, {encoder:?} {layout:?} {out:?}");
            let expected = one.1.slice_each_axis(|axis| slice(axis.axis.index()));
            assert!(found.1 == expected, "window in 255ths, {encoder:?} {layout:?} {out:?}");
        }
    }
}

#[test]
fn indices_of_8_bits() {
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    check::<u8>([66, 7, 70], 3, &classes);
}

#[test]
fn indices_of_16_bits() {
    let values = [0_i64, 2, 1].into_iter().chain(1000..1260);
    let classes = Classes::from_values(values).unwrap().with_ignore(255).unwrap();
    check::<i64>([5, 6, 20], 3, &classes);
}

#[test]
fn an_axis_of_one_voxel() {
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    check::<i16>([67, 1, 40], 3, &classes);
    check::<u64>([1, 67, 70], 3, &classes);
    check::<u16>([66, 35, 1], 3, &classes);
}

/// Small maps, and windows that are mostly thin on some axis, where labels side by side in memory are not read together.
#[test]
fn windows_of_every_thickness() {
    let mut state = 2021_u64;
    let mut below = move |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let (of_maps, of_outputs, encoders) = (Layout::catalogue(3), Layout::catalogue(4), encoders());
    for _ in 0..600 {
        let shape = [0; 3].map(|_| if below(3) == 0 { 64 + below(5) } else { 1 + below(9) });
        let part = shape.map(|len| {
            let start = below(len);
            let most = if below(2) == 0 { 1 } else { len - start };
            start..start + 1 + below(most)
        });
        let labels = map::<u8>(shape, 3, below(9));
        let encoder = &encoders[below(encoders.len())];
        let whole = encode(
            encoder,
            &[labels.view()],
            &classes,
            &shape.map(|len| 0..len),
            &of_outputs[0],
        );
        let stored = of_maps[below(of_maps.len())].store(&labels, 0);
        let out = &of_outputs[below(of_outputs.len())];
        let found = encode(encoder, &[stored.view()], &classes, &part, out);
        let slice = |axis: usize| {
            if axis == 0 {
                Slice::from(..)
            } else {
                part[axis - 1].clone().into()
            }
        };
        let of_window = whole.0.slice_each_axis(|axis| slice(axis.axis.index()));
        assert!(
            found.0 == of_window,
            "{encoder:?} {shape:?} {part:?} {out:?} {stored:?}"
        );
        assert!(found.1 == whole.1.slice_each_axis(|axis| slice(axis.axis.index())));
    }
}

/// The planes that are read together may leave a single one for the last time.
#[test]
fn maps_of_every_depth() {
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let fortran = Layout::catalogue(3).into_iter().nth(7).unwrap();
    let out = &Layout::catalogue(4)[0];
    for depth in (1..9).chain(58..70).chain(123..133) {
        let shape = [depth, 5, 9];
        let labels = map::<u8>(shape, 3, depth);
        let stored = fortran.store(&labels, 0);
        assert!(stored.view().strides().is_sorted());
        for encoder in &encoders() {
            let whole = shape.map(|len| 0..len);
            let expected = encode(encoder, &[labels.view()], &classes, &whole, out);
            let found = encode(encoder, &[stored.view()], &classes, &whole, out);
            assert!(found == expected, "{depth} {encoder:?}");
        }
    }
}
