//! The order of vertices within each layer, so that few lines cross.
//!
//! Barycentre sweeps (Sugiyama, Tagawa and Toda, 1981) down and up from a depth-first order, then
//! exchanges of neighbours; the best order seen is kept. Crossings are counted with a Fenwick tree
//! (Barth, Jünger and Mutzel, "Simple and efficient bilayer cross counting", 2002).
//! O(segments · log width) for each sweep.

use super::layers::Proper;

/// Sweeps without a better order before giving up.
const PATIENCE: usize = 4;
/// Segments looked at in all sweeps together, so that a large graph has fewer of them.
const SWEPT: usize = 75_000;
/// Segments looked at in all rounds of exchanging neighbours together.
const EXCHANGED: usize = 10_000;

/// Vertices by layer in order, and each vertex's place in its layer.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) layers: Vec<Vec<u32>>,
    pub(super) place: Vec<u32>,
}

impl Order {
    pub(super) fn of(layers: Vec<Vec<u32>>, count: usize) -> Self {
        let mut order = Self { layers, place: vec![0; count] };
        (0..order.layers.len()).for_each(|layer| order.number(layer));
        order
    }

    fn number(&mut self, layer: usize) {
        for (i, at) in self.layers[layer].iter().enumerate() {
            self.place[*at as usize] = i as u32;
        }
    }
}

/// An order with few crossings, and how many it has.
pub(super) fn few_crossings(proper: &Proper) -> (Order, u64) {
    let mut order = depth_first(proper);
    let mut count = Counter::new(proper);
    let mut fewest = count.all(proper, &order);
    let mut best = order.clone();
    let segments = proper.down.len().max(1);
    let sweeps = (SWEPT / segments).clamp(6, 24);
    let mut tired = 0;
    let mut keys = Vec::new();
    for sweep in 0..sweeps {
        barycentres(proper, &mut order, sweep % 2 == 0, &mut keys);
        let crossings = count.all(proper, &order);
        if crossings < fewest {
            (fewest, tired) = (crossings, 0);
            best.clone_from(&order);
        } else {
            tired += 1;
            if tired == PATIENCE || fewest == 0 {
                break;
            }
        }
    }
    if fewest > 0 {
        fewest -= exchange(proper, &mut best, (EXCHANGED / segments).clamp(1, 32));
    }
    (best, fewest)
}

/// Crossings of an order.
pub(super) fn crossings(proper: &Proper, order: &Order) -> u64 {
    Counter::new(proper).all(proper, order)
}

/// Each layer in the order in which a walk from the left first comes by.
fn depth_first(proper: &Proper) -> Order {
    let mut layers: Vec<Vec<u32>> =
        proper.layers.iter().map(|layer| Vec::with_capacity(layer.len())).collect();
    let mut seen = vec![false; proper.layer.len()];
    let mut open = Vec::new();
    for first in proper.layers.iter().flatten() {
        open.push(*first);
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at as usize], true) {
                continue;
            }
            layers[proper.layer[at as usize] as usize].push(at);
            let next = proper.down.of_vertex(at).iter().rev();
            open.extend(next.filter(|to| !seen[**to as usize]));
        }
    }
    Order::of(layers, proper.layer.len())
}

/// Sorts each layer by the mean place of each vertex's neighbours in the layer before.
fn barycentres(proper: &Proper, order: &mut Order, rightwards: bool, keys: &mut Vec<u64>) {
    let count = order.layers.len();
    let neighbours = if rightwards { &proper.up } else { &proper.down };
    for step in 1..count {
        let layer = if rightwards { step } else { count - 1 - step };
        keys.clear();
        for (i, at) in order.layers[layer].iter().enumerate() {
            let near = neighbours.of_vertex(*at);
            let sum: u64 = near.iter().map(|to| u64::from(order.place[*to as usize])).sum();
            // Twelve bits after the point; equal ones stay as they are.
            let mean =
                if near.is_empty() { (i as u64) << 12 } else { (sum << 12) / near.len() as u64 };
            keys.push(mean << 24 | i as u64);
        }
        keys.sort_unstable();
        let old = std::mem::take(&mut order.layers[layer]);
        order.layers[layer] = keys.iter().map(|key| old[(key & 0xff_ffff) as usize]).collect();
        order.number(layer);
    }
}

/// Exchanges neighbours as long as that removes crossings, at most so many times; how many it removed.
fn exchange(proper: &Proper, order: &mut Order, most: usize) -> u64 {
    let mut removed = 0;
    let mut near = Near::default();
    for _ in 0..most {
        let mut changed = false;
        for layer in 0..order.layers.len() {
            near.gather(proper, order, layer);
            for i in 1..order.layers[layer].len() {
                let (a, b) = (near.rows[i - 1], near.rows[i]);
                let count = |first, second| -> u64 {
                    (0..2)
                        .map(|side| pairs_above(near.of(first, side), near.of(second, side)))
                        .sum()
                };
                let (now, then) = (count(a, b), count(b, a));
                if then < now {
                    removed += now - then;
                    changed = true;
                    order.layers[layer].swap(i - 1, i);
                    near.rows.swap(i - 1, i);
                }
            }
            order.number(layer);
        }
        if !changed {
            break;
        }
    }
    removed
}

/// The places of the neighbours of a layer's vertices on both sides, ordered; they stay as they are
/// while the layer's own order changes.
#[derive(Default)]
struct Near {
    places: Vec<u32>,
    /// Where each list of a vertex, left and right, begins; and the end of the last.
    start: Vec<[usize; 3]>,
    /// Which entry of `start` each place of the layer has.
    rows: Vec<usize>,
}

impl Near {
    fn gather(&mut self, proper: &Proper, order: &Order, layer: usize) {
        self.places.clear();
        self.start.clear();
        for at in &order.layers[layer] {
            let mut start = [self.places.len(); 3];
            for (side, table) in [&proper.up, &proper.down].into_iter().enumerate() {
                let neighbours = table.of_vertex(*at).iter();
                self.places.extend(neighbours.map(|to| order.place[*to as usize]));
                self.places[start[side]..].sort_unstable();
                start[side + 1] = self.places.len();
            }
            self.start.push(start);
        }
        self.rows.clear();
        self.rows.extend(0..order.layers[layer].len());
    }

    fn of(&self, row: usize, side: usize) -> &[u32] {
        let start = &self.start[row];
        &self.places[start[side]..start[side + 1]]
    }
}

/// How many pairs have the first above the second; both are ordered.
fn pairs_above(first: &[u32], second: &[u32]) -> u64 {
    let mut below = 0;
    let mut pairs = 0;
    for a in first {
        while second.get(below).is_some_and(|b| b < a) {
            below += 1;
        }
        pairs += below as u64;
    }
    pairs
}

/// Counts crossings without asking for memory each time.
struct Counter {
    /// Places of each vertex's right neighbours, ordered, in the table's layout.
    ends: Vec<u32>,
    filled: Vec<u32>,
    tree: Vec<u32>,
}

impl Counter {
    fn new(proper: &Proper) -> Self {
        let widest = proper.layers.iter().map(Vec::len).max().unwrap_or(0);
        Self {
            ends: vec![0; proper.down.len()],
            filled: vec![0; proper.layer.len()],
            tree: vec![0; widest + 1],
        }
    }

    fn all(&mut self, proper: &Proper, order: &Order) -> u64 {
        (1..order.layers.len()).map(|right| self.between(proper, order, right)).sum()
    }

    fn between(&mut self, proper: &Proper, order: &Order, right: usize) -> u64 {
        let (left, layer) = (&order.layers[right - 1], &order.layers[right]);
        left.iter().for_each(|at| self.filled[*at as usize] = 0);
        for (place, at) in layer.iter().enumerate() {
            for from in proper.up.of_vertex(*at) {
                let filled = &mut self.filled[*from as usize];
                self.ends[proper.down.start(*from) + *filled as usize] = place as u32;
                *filled += 1;
            }
        }
        let tree = &mut self.tree[..=layer.len()];
        tree.fill(0);
        let (mut crossings, mut seen) = (0_u64, 0_u32);
        for at in left {
            let start = proper.down.start(*at);
            let ends = &self.ends[start..start + self.filled[*at as usize] as usize];
            for end in ends {
                // How many of the lines before end further down.
                let mut upto = 0;
                let mut i = *end as usize + 1;
                while i > 0 {
                    upto += tree[i];
                    i &= i - 1;
                }
                crossings += u64::from(seen - upto);
                let mut i = *end as usize + 1;
                while i < tree.len() {
                    tree[i] += 1;
                    i += i & i.wrapping_neg();
                }
                seen += 1;
            }
        }
        crossings
    }
}
