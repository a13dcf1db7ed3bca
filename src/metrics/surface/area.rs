//! The area of the surface at a point of the dual grid, for each way in which the 8 voxels around it can be inside.
//!
//! The surface is that of marching cubes with its vertices at the middle of cube edges, as in the surface-distance
//! package. A corner of the cube is a number of three bits, its offsets on the axes D, H, W; a *code* says which corners
//! are inside, corner (0, 0, 0) by its highest bit. Every code's surface is made of pieces, each with an area vector for unit
//! spacing; most follow from symmetry, and where four corners can be cut in two ways a table says which one it is.

/// An area vector: along its normal, as long as its area.
type Vector = [f64; 3];

/// A set of corners: corner `v` is bit `v`.
type Corners = u8;

/// 24 codes are zigzags. For each pair of complementary codes: the lower code, and the inner corner with the larger
/// triangle.
const ZIGZAG: [(u8, u8); 12] = [
    (27, 0b111),
    (29, 0b111),
    (39, 0b110),
    (46, 0b100),
    (53, 0b111),
    (58, 0b010),
    (71, 0b101),
    (78, 0b100),
    (83, 0b011),
    (92, 0b001),
    (114, 0b010),
    (116, 0b001),
];

/// For codes in which three connected corners and one single corner are inside, and so also outside: the rank of each
/// corner as an elbow. The three whose elbow has the higher rank are cut off.
const RANK: [u8; 8] = [2, 1, 1, 0, 0, 2, 2, 1];

/// The areas for all codes of 8 voxels, with the spacing on the axes D, H, W.
pub(super) fn of_codes(spacing: [f64; 3]) -> [f64; 256] {
    let [d, h, w] = spacing;
    let scale = [h * w, d * w, d * h];
    std::array::from_fn(|code| {
        let length = |piece: &Vector| {
            let [a, b, c] = [0, 1, 2].map(|axis| (piece[axis] * scale[axis]).powi(2));
            (a + b + c).sqrt()
        };
        let code = u8::try_from(code).expect("there are 256 codes");
        pieces(code).iter().map(length).sum()
    })
}

/// The lengths of contour for all codes of 4 pixels, of which (0, 0) is the highest bit, with the spacing on the axes H, W.
pub(super) fn of_flat_codes([h, w]: [f64; 2]) -> [f64; 16] {
    let corner = 0.5 * h.hypot(w);
    std::array::from_fn(|code| match code {
        0b0000 | 0b1111 => 0.0,
        0b0011 | 0b1100 => w,
        0b0101 | 0b1010 => h,
        0b0110 | 0b1001 => 2.0 * corner,
        _ => corner,
    })
}

fn pieces(code: u8) -> Vec<Vector> {
    match code.count_ones() {
        0 | 8 => return Vec::new(),
        5..8 => return pieces(!code),
        _ => {}
    }
    let inside = code.reverse_bits();
    let mut parts = components(inside);
    parts.sort_unstable_by_key(|part| part.count_zeros());
    if let [three, one] = *parts
        && three.count_ones() == 3
        && one.count_ones() == 1
    {
        let (elbow, axis) = (elbow(three), elbow_axis(three));
        if RANK[usize::from(elbow)] < RANK[usize::from(neighbour(elbow, axis))] {
            parts = components(!inside);
        }
    }
    parts.iter().flat_map(|&part| pieces_of_component(part, code)).collect()
}

fn pieces_of_component(part: Corners, code: u8) -> Vec<Vector> {
    let degree = |corner: u8| neighbours(corner).filter(|&next| part & 1 << next != 0).count();
    let first = corners(part).next().expect("a component has a corner");
    match part.count_ones() {
        1 => vec![sign(first).map(|s| s / 8.0)],
        2 => {
            let axis = (0..3)
                .find(|&axis| part & 1 << neighbour(first, axis) != 0)
                .expect("two connected corners are neighbours");
            vec![without(sign(first).map(|s| s / 2.0), axis)]
        }
        3 => {
            let elbow = sign(elbow(part)).map(|s| 3.0 * s / 8.0);
            vec![unit(elbow_axis(part)).map(|s| s / 2.0), elbow]
        }
        _ => {
            if let Some(axis) = shared_axis(part) {
                return vec![unit(axis)];
            }
            if let Some(star) = corners(part).find(|&corner| degree(corner) == 3) {
                return vec![sign(star).map(|s| 3.0 * s / 4.0)];
            }
            zigzag(part, code, degree)
        }
    }
}

/// Four corners on a path with two turns.
fn zigzag(part: Corners, code: u8, degree: impl Fn(u8) -> usize) -> Vec<Vector> {
    let chosen = ZIGZAG
        .iter()
        .find(|(low, _)| *low == code.min(!code))
        .expect("all 24 codes of zigzags are listed")
        .1;
    let is_inner = |corner: u8| part & 1 << corner != 0 && degree(corner) == 2;
    // For the complement, the diagonally opposite corner.
    let large = if is_inner(chosen) { chosen } else { 7 - chosen };
    let small = corners(part)
        .find(|&corner| is_inner(corner) && corner != large)
        .expect("a zigzag has two inner corners");
    // The axis on which the end of the row beside an inner corner lies.
    let end_axis = |inner: u8| {
        (0..3)
            .find(|&axis| part & 1 << neighbour(inner, axis) != 0 && degree(neighbour(inner, axis)) == 1)
            .expect("an end is beside each inner corner")
    };
    let quarter = sign(small).map(|s| s / 4.0);
    vec![
        sign(large).map(|s| s / 2.0),
        without(quarter, end_axis(large)),
        without(quarter, end_axis(small)),
    ]
}

/// Sets of corners joined by edges of the cube.
fn components(mut rest: Corners) -> Vec<Corners> {
    let mut parts = Vec::new();
    while rest != 0 {
        let mut part: Corners = 1 << rest.trailing_zeros();
        loop {
            let grown = corners(part)
                .flat_map(neighbours)
                .fold(part, |grown, next| grown | (1 << next & rest));
            if grown == part {
                break;
            }
            part = grown;
        }
        rest &= !part;
        parts.push(part);
    }
    parts
}

fn corners(set: Corners) -> impl Iterator<Item = u8> {
    (0..8).filter(move |corner| set & 1 << corner != 0)
}

/// The neighbouring corner along an axis.
fn neighbour(corner: u8, axis: usize) -> u8 {
    corner ^ (4 >> axis)
}

fn neighbours(corner: u8) -> impl Iterator<Item = u8> {
    (0..3).map(move |axis| neighbour(corner, axis))
}

/// Of three corners, the one beside both others.
fn elbow(three: Corners) -> u8 {
    corners(three)
        .find(|&corner| neighbours(corner).filter(|&next| three & 1 << next != 0).count() == 2)
        .expect("three connected corners have an elbow")
}

/// Across the face in which three corners lie.
fn elbow_axis(three: Corners) -> usize {
    shared_axis(three).expect("three connected corners lie in a face")
}

/// The axis on which all corners lie alike.
fn shared_axis(set: Corners) -> Option<usize> {
    (0..3).find(|axis| {
        let far = corners(set).filter(|corner| corner & (4 >> axis) != 0).count();
        far == 0 || far == set.count_ones() as usize
    })
}

fn sign(corner: u8) -> Vector {
    [0, 1, 2].map(|axis| if corner & (4 >> axis) == 0 { -1.0 } else { 1.0 })
}

fn unit(axis: usize) -> Vector {
    [0, 1, 2].map(|other| if other == axis { 1.0 } else { 0.0 })
}

fn without(mut vector: Vector, axis: usize) -> Vector {
    vector[axis] = 0.0;
    vector
}
