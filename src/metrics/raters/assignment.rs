//! The assignment problem.

/// The row of each column in the cheapest one-to-one matching of `count` rows and columns. Costs are finite.
///
/// This is the Hungarian method with shortest augmenting paths: rows enter one after another, and prices of rows and columns
/// keep `cost - row price - column price` at 0 for matched pairs and not below 0 for the others.
pub(super) fn cheapest(count: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // The last column is none of the table. The row that enters is put there, and a path leads from it to a free column.
    let outside = count;
    let mut row_of = vec![None; count + 1];
    let (mut row_price, mut column_price) = (vec![0.0; count], vec![0.0; count + 1]);
    for entering in 0..count {
        row_of[outside] = Some(entering);
        let mut column = outside;
        let (mut slack, mut before) = (vec![f64::INFINITY; count], vec![outside; count]);
        let mut reached = vec![false; count + 1];
        while let Some(row) = row_of[column] {
            reached[column] = true;
            let (mut least, mut next) = (f64::INFINITY, outside);
            for other in (0..count).filter(|&other| !reached[other]) {
                let reduced = cost(row, other) - row_price[row] - column_price[other];
                if reduced < slack[other] {
                    (slack[other], before[other]) = (reduced, column);
                }
                if slack[other] < least {
                    (least, next) = (slack[other], other);
                }
            }
            for other in 0..=count {
                match row_of[other] {
                    Some(row) if reached[other] => {
                        row_price[row] += least;
                        column_price[other] -= least;
                    }
                    _ if other != outside => slack[other] -= least,
                    _ => {}
                }
            }
            column = next;
        }
        // Each row of the path moves on to the next column.
        while column != outside {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    row_of.into_iter().take(count).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least cost by trying every matching.
    fn least(table: &[Vec<f64>], row: usize, taken: &mut Vec<bool>) -> f64 {
        if row == table.len() {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..table.len() {
            if !taken[column] {
                taken[column] = true;
                best = best.min(table[row][column] + least(table, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }

    #[test]
    fn nothing_is_cheaper() {
        let mut state = 1_u64;
        let mut draw = |most: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        };
        for case in 0..400 {
            // Few values make ties.
            let (count, values) = (case % 7, 2 + draw(40));
            let row = |draw: &mut dyn FnMut(u64) -> u64| (0..count).map(|_| draw(values) as f64 / -7.0).collect();
            let table: Vec<Vec<f64>> = (0..count).map(|_| row(&mut draw)).collect();
            let rows = cheapest(count, |row, column| table[row][column]);
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..count).collect::<Vec<_>>());
            let cost: f64 = rows.iter().enumerate().map(|(column, &row)| table[row][column]).sum();
            let expected = least(&table, 0, &mut vec![false; count]);
            assert!(
                (cost - expected).abs() < 1e-12,
                "{table:?}: {cost}, expected {expected}"
            );
        }
    }
}
