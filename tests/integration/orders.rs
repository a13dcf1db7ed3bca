//! Maps that are larger than the squares in which labels are read: the same bits in every order of memory.

use ndarray::{Array3, ArrayD, ArrayViewD, IxDyn, Slice};
use soft_labels::{Classes, Encoding, Label, LabelSmoothing, Raters, SoftEncoder, Svls, SvlsKernel, quantize};

use crate::layout::Layout;

/// Blobs of some classes and, seldom, ignored voxels.
fn map<L: Label + From<u8>>(shape: [usize; 3], classes: usize, seed: usize) -> ArrayD<L> {
    Array3::from_shape_fn(shape, |(d, h, w)| {
        let blob = (d / 9 + 1) * (h / 7 + 2) * (w / 11 + seed);
        let ignored = (d * 31 + h * 17 + w * 13 + seed) % 997 == 0;
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
    check::<u8>([70, 13, 131], 3, &classes);
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
