//! Runs of equal elements, of which label maps mostly consist.

/// Elements that are compared at once.
const TOGETHER: usize = 64;

/// Visits the runs of equal elements from the first to the last: the element and how many there are.
pub(crate) fn for_each_run<T: Copy + PartialEq>(mut elements: &[T], mut visit: impl FnMut(T, usize)) {
    while let Some(&first) = elements.first() {
        let len = run(elements, first);
        visit(first, len);
        elements = &elements[len..];
    }
}

/// Visits the runs of equal pairs of elements of two slices, as far as both reach: the pair and how many there are.
pub(crate) fn for_each_run_of_pairs<T: Copy + PartialEq, U: Copy + PartialEq>(
    mut left: &[T],
    mut right: &[U],
    mut visit: impl FnMut((T, U), usize),
) {
    let (mut left_run, mut right_run) = (0, 0);
    while let (Some(&a), Some(&b)) = (left.first(), right.first()) {
        if left_run == 0 {
            left_run = run(left, a);
        }
        if right_run == 0 {
            right_run = run(right, b);
        }
        let len = left_run.min(right_run);
        visit((a, b), len);
        (left, right) = (&left[len..], &right[len..]);
        (left_run, right_run) = (left_run - len, right_run - len);
    }
}

/// Visits the runs in which each of several slices has equal elements, as far as all reach: where it begins, and how many there are.
pub(crate) fn for_each_common_run<T: Copy + PartialEq>(slices: &[&[T]], mut visit: impl FnMut(usize, usize)) {
    let end = slices.iter().map(|slice| slice.len()).min().unwrap_or(0);
    // Where the run of each slice ends.
    let mut ends = vec![0; slices.len()];
    let mut start = 0;
    while start < end {
        for (slice, end) in slices.iter().zip(&mut ends) {
            if *end == start {
                *end = start + run(&slice[start..], slice[start]);
            }
        }
        let stop = ends.iter().copied().min().unwrap_or(end).min(end);
        visit(start, stop - start);
        start = stop;
    }
}

/// How many of the elements from the first on are alike.
fn run<T: Copy + PartialEq>(elements: &[T], first: T) -> usize {
    // Without a branch for each element, so that it becomes vector code.
    let alike = |chunk: &[T; TOGETHER]| !chunk.iter().fold(false, |other, &element| other | (element != first));
    let (chunks, _) = elements.as_chunks();
    let in_chunks = TOGETHER * chunks.iter().take_while(|chunk| alike(chunk)).count();
    in_chunks
        + elements[in_chunks..]
            .iter()
            .take_while(|&&element| element == first)
            .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length() {
        let lengths = [1, 63, 64, 65, 1, 1, 128, 200, 2];
        let elements: Vec<u8> = lengths.iter().zip(0..).flat_map(|(&n, i)| vec![i % 2; n]).collect();
        let mut seen = Vec::new();
        for_each_run(&elements, |element, len| seen.push((element, len)));
        assert_eq!(
            seen,
            lengths.iter().zip(0..).map(|(&n, i)| (i % 2, n)).collect::<Vec<_>>()
        );
        for_each_run(&[0_u8; 0], |_, _| unreachable!());

        let other: Vec<u16> = (0..elements.len()).map(|i| u16::from(i > 70)).collect();
        let mut expanded = Vec::new();
        for_each_run_of_pairs(&elements, &other, |pair, len| expanded.extend(vec![pair; len]));
        assert_eq!(expanded, elements.iter().copied().zip(other).collect::<Vec<_>>());

        let third: Vec<u8> = (0..elements.len()).map(|i| u8::from(i % 100 > 70)).collect();
        let mut seen = Vec::new();
        for_each_common_run(&[&elements, &third], |start, len| {
            assert_eq!(start, seen.len());
            seen.extend(vec![(elements[start], third[start]); len]);
        });
        assert_eq!(seen, elements.into_iter().zip(third).collect::<Vec<_>>());
    }
}
