//! Boxes: products of sets, one set per dimension, and the search for a cell outside a union of them.

use fixedbitset::FixedBitSet;

/// Dimensions that stay free once client, device, platform and flow are chosen.
const FREE: usize = 5;

/// A set of cells: target, network, sign-in risk, user risk, insider risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cells(pub(crate) [FixedBitSet; FREE]);

/// The search was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GaveUp;

impl Cells {
    fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .all(|(own, other)| !own.is_disjoint(other))
    }

    fn is_empty(&self) -> bool {
        self.0.iter().any(FixedBitSet::is_clear)
    }

    /// The first cell.
    fn first(&self) -> Option<[usize; FREE]> {
        let mut cell = [0; FREE];
        for (place, set) in cell.iter_mut().zip(&self.0) {
            *place = set.minimum()?;
        }
        Some(cell)
    }
}

/// A cell of `space` that lies in none of `boxes`; `None`: the boxes cover it, which is the proof that there
/// is none.
///
/// Splits the space along one box at a time into disjoint parts, so no cell is visited twice. `steps` bounds
/// the work; it is counted down.
pub(crate) fn escape(
    space: &Cells,
    boxes: &[&Cells],
    steps: &mut usize,
) -> Result<Option<[usize; FREE]>, GaveUp> {
    *steps = steps.checked_sub(1).ok_or(GaveUp)?;
    if space.is_empty() {
        return Ok(None);
    }
    let live: Vec<&Cells> = boxes.iter().copied().filter(|b| b.meets(space)).collect();
    // The box that sticks out in the fewest dimensions leaves the fewest parts to look at.
    let Some((chosen, outside)) = live
        .iter()
        .enumerate()
        .map(|(index, b)| {
            let outside: Vec<usize> = (0..FREE)
                .filter(|d| !space.0[*d].is_subset(&b.0[*d]))
                .collect();
            (index, outside)
        })
        .min_by_key(|(_, outside)| outside.len())
    else {
        return Ok(space.first());
    };
    let rest: Vec<&Cells> = live
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != chosen)
        .map(|(_, b)| *b)
        .collect();
    let mut inside = space.clone();
    for d in outside {
        let mut part = inside.clone();
        part.0[d].difference_with(&live[chosen].0[d]);
        if let Some(cell) = escape(&part, &rest, steps)? {
            return Ok(Some(cell));
        }
        inside.0[d].intersect_with(&live[chosen].0[d]);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZES: [usize; FREE] = [4, 3, 2, 2, 2];

    fn set(bits: u32, size: usize) -> FixedBitSet {
        let mut set = FixedBitSet::with_capacity(size);
        for bit in 0..size {
            set.set(bit, bits & (1 << bit) != 0);
        }
        set
    }

    fn cells(bits: [u32; FREE]) -> Cells {
        Cells(std::array::from_fn(|d| set(bits[d], SIZES[d])))
    }

    fn holds(cells: &Cells, cell: [usize; FREE]) -> bool {
        cells.0.iter().zip(cell).all(|(set, at)| set.contains(at))
    }

    proptest! {
        #[test]
        fn finds_a_cell_exactly_when_there_is_one_x1(
            space in any::<[u32; FREE]>(),
            boxes in prop::collection::vec(any::<[u32; FREE]>(), 0..8),
        ) {
            let space = cells(space);
            let boxes: Vec<Cells> = boxes.into_iter().map(cells).collect();
            let refs: Vec<&Cells> = boxes.iter().collect();
            let found = escape(&space, &refs, &mut 100_000).unwrap();
            let free = |cell| holds(&space, cell) && !boxes.iter().any(|b| holds(b, cell));
            match found {
                Some(cell) => prop_assert!(free(cell)),
                None => for t in 0..4 { for n in 0..3 { for a in 0..2 { for b in 0..2 { for c in 0..2 {
                    prop_assert!(!free([t, n, a, b, c]));
                }}}}},
            }
        }
    }
}
