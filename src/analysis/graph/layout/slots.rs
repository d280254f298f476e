//! Where in its column each vertex stands: near its neighbours, in the order found.
//!
//! For each layer in turn the places that are nearest to the wishes, in least squares, with the order
//! kept: isotonic regression by pooling adjacent violators (Barlow and others, 1972), O(vertices).

use super::layers::Proper;
use super::ordering::Order;

/// Sweeps over the layers.
const SWEEPS: usize = 4;
/// How much more a place from before weighs than a neighbour.
const KEPT: f64 = 1_000.0;
/// How much a straight bend weighs: long lines bend rarely.
const STRAIGHT: f64 = 4.0;

/// A slot for each vertex, increasing within each layer; `before` says where some stood.
pub(super) fn slots(proper: &Proper, order: &Order, before: &[Option<i32>]) -> Vec<i32> {
    let mut slot: Vec<i32> = order.place.iter().map(|place| *place as i32).collect();
    let count = order.layers.len();
    let kept = before.iter().any(Option::is_some);
    if !kept {
        // Centred to begin with.
        let widest = order.layers.iter().map(Vec::len).max().unwrap_or(0);
        for layer in &order.layers {
            let shift = ((widest - layer.len()) / 2) as i32;
            layer.iter().for_each(|at| slot[*at as usize] += shift);
        }
    }
    let (mut wishes, mut sorted) = (Vec::new(), Vec::new());
    for sweep in 0..SWEEPS {
        for step in 0..count {
            let rightwards = sweep % 2 == 0;
            let layer = if rightwards { step } else { count - 1 - step };
            wishes.clear();
            for at in &order.layers[layer] {
                let (up, down) = (proper.up.of_vertex(*at), proper.down.of_vertex(*at));
                let near =
                    if (rightwards && !up.is_empty()) || down.is_empty() { up } else { down };
                let is_bend = |v: u32| v as usize >= proper.nodes;
                let weight =
                    if is_bend(*at) && near.iter().all(|to| is_bend(*to)) { STRAIGHT } else { 1.0 };
                wishes.push(match before[*at as usize] {
                    Some(place) => (f64::from(place), KEPT),
                    None => (
                        middle(near, &slot, &mut sorted).unwrap_or(f64::from(slot[*at as usize])),
                        weight,
                    ),
                });
            }
            place(&wishes, &order.layers[layer], &mut slot);
        }
    }
    let top = slot.iter().min().copied().unwrap_or(0);
    if !kept || top < 0 {
        slot.iter_mut().for_each(|at| *at -= top);
    }
    slot
}

/// The median of neighbours' slots.
fn middle(near: &[u32], slot: &[i32], sorted: &mut Vec<i32>) -> Option<f64> {
    // Most are bends, and a bend has one neighbour on each side.
    if let [one] = near {
        return Some(f64::from(slot[*one as usize]));
    }
    sorted.clear();
    sorted.extend(near.iter().map(|to| slot[*to as usize]));
    sorted.sort_unstable();
    let half = sorted.len() / 2;
    let above = *sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(f64::from(above));
    }
    Some(f64::midpoint(f64::from(sorted[half - 1]), f64::from(above)))
}

/// The increasing whole slots nearest to the wishes.
fn place(wishes: &[(f64, f64)], layer: &[u32], slot: &mut [i32]) {
    // Blocks of (sum of weight · wish, weight, how many), after taking each one's number off its wish.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(wishes.len());
    for (i, (wish, weight)) in wishes.iter().enumerate() {
        let mut block = ((wish - i as f64) * weight, *weight, 1);
        while let Some(last) = blocks.last().filter(|last| last.0 / last.1 >= block.0 / block.1) {
            block = (last.0 + block.0, last.1 + block.1, last.2 + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut i = 0;
    for (sum, weight, count) in blocks {
        let start = (sum / weight).round() as i32;
        for at in &layer[i..i + count] {
            slot[*at as usize] = start + i as i32;
            i += 1;
        }
    }
}
