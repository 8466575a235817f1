//! Rows of elements: their equality and their lexicographic order.

use super::Builder;
use crate::ValueId;

impl Builder {
    /// Whether rows of so many lanes are equal.
    pub(super) fn equal_rows(&mut self, x: ValueId, y: ValueId, row: usize) -> ValueId {
        let equal = self.equal(x, y);
        let rows = self.len(equal) / row.max(1);
        if !self.has_room(16 * self.len(equal)) {
            return self.slice(equal, 0, rows);
        }
        let order: Vec<usize> = (0..row).collect();
        let planes = self.planes(equal, &order);
        self.all_planes(planes, rows)
    }

    /// Whether a row of x is before that of y.
    pub(super) fn less_rows(&mut self, x: ValueId, y: ValueId, row: usize) -> ValueId {
        let less = self.less(x, y);
        let equal = self.equal(x, y);
        let rows = self.len(less) / row.max(1);
        if !self.has_room(64 * self.len(less)) {
            return self.slice(less, 0, rows);
        }
        let order = tree_order(row);
        let [mut less, mut equal] = [less, equal].map(|bits| self.planes(bits, &order));
        // In each round the first half of the planes meets the second: a place and the next.
        while self.len(less) > rows {
            let planes = self.len(less) / rows;
            let half = planes / 2 * rows;
            let [
                [less_high, less_low, less_rest],
                [equal_high, equal_low, equal_rest],
            ] = [less, equal].map(|bits| {
                let rest = self.len(bits) - 2 * half;
                [(0, half), (half, half), (2 * half, rest)]
                    .map(|(at, len)| self.slice(bits, at, len))
            });
            let through = self.mul(equal_high, less_low);
            let both = self.mul(equal_high, equal_low);
            let either = self.add(less_high, through);
            less = self.concat(either, less_rest);
            equal = self.concat(both, equal_rest);
        }
        less
    }

    /// The lanes of rows as planes: lane `order[0]` of each row, then lane `order[1]`, and so on.
    fn planes(&mut self, x: ValueId, order: &[usize]) -> ValueId {
        let (row, len) = (order.len(), self.len(x));
        let lanes = order
            .iter()
            .flat_map(|place| (*place..len).step_by(row).map(|lane| lane as u32));
        self.gather(x, lanes.collect())
    }
}

/// The order in which `count` places are to stand, so that whenever the first half meets the second,
/// the last one staying if their number is odd, neighbours meet.
fn tree_order(count: usize) -> Vec<usize> {
    if count < 2 {
        return (0..count).collect();
    }
    let half = count / 2;
    let after = tree_order(half + count % 2);
    // Where each group of one or two places begins.
    let mut at = vec![0; after.len()];
    let mut groups: Vec<usize> = (0..after.len()).collect();
    groups.sort_by_key(|group| after[*group]);
    let mut begin = 0;
    for group in groups {
        at[group] = begin;
        begin += if group < half { 2 } else { 1 };
    }
    let first = at[..half].iter().copied();
    let second = at[..half].iter().map(|begin| begin + 1);
    first
        .chain(second)
        .chain(at[half..].iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::tree_order;

    #[test]
    fn neighbours_meet() {
        for count in 1..70 {
            // Each group is a range of places.
            let mut groups: Vec<(usize, usize)> =
                tree_order(count).into_iter().map(|p| (p, p + 1)).collect();
            while groups.len() > 1 {
                let half = groups.len() / 2;
                let meet = |i: usize| {
                    assert_eq!(groups[i].1, groups[i + half].0, "{count}");
                    (groups[i].0, groups[i + half].1)
                };
                let met: Vec<_> = (0..half).map(meet).collect();
                groups = [&met, &groups[2 * half..]].concat();
            }
            assert_eq!(groups, [(0, count)]);
        }
    }
}
