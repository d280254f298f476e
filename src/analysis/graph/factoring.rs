//! Exact availability of parts that are shared, by factoring. The formula is in `availability`.

use super::availability::{Need, Part, System, at_least};
use super::order::components;

/// Only what `of` needs, directly or not, and where `of` is in it. Of no such part: nothing.
pub(super) fn cone(system: &System, of: usize) -> (System, usize) {
    let mut new: Vec<Option<usize>> = vec![None; system.parts.len()];
    let mut order = Vec::new();
    let mut open = vec![of];
    while let Some(at) = open.pop() {
        let Some(part) = system.parts.get(at) else { continue };
        if new[at].is_none() {
            new[at] = Some(order.len());
            order.push(at);
            open.extend(part.needs.iter().flat_map(|need| need.of.iter().copied()));
        }
    }
    let moved = |need: &Need| Need {
        least: need.least,
        of: need.of.iter().filter_map(|of| new.get(*of).copied().flatten()).collect(),
    };
    let parts = order.iter().map(|at| {
        let part = &system.parts[*at];
        Part { own: part.own, needs: part.needs.iter().map(moved).collect() }
    });
    (System { parts: parts.collect() }, 0)
}

/// The chance that `of` works; `None` when it would take more work than
/// `limit`, about two microseconds each.
pub(super) fn solve(system: &System, of: usize, limit: usize) -> Option<f64> {
    system.parts.get(of)?;
    let (cone, root) = cone(system, of);
    let acyclic = without_rings(&cone, root)?;
    let mut left = limit;
    factor(acyclic.0, acyclic.1, &mut left)
}

/// Parts of a ring of plain needs work all or none: they become one part. `None` where a ring goes
/// through an alternative.
fn without_rings(system: &System, root: usize) -> Option<(System, usize)> {
    let needs = |at: usize| system.parts[at].needs.iter().flat_map(|need| need.of.iter().copied());
    let all = (0..system.parts.len()).flat_map(|at| needs(at).map(move |to| (at, to)));
    let rings = components(system.parts.len(), all);
    let mut ring_of = vec![0; system.parts.len()];
    for (number, ring) in rings.iter().enumerate() {
        ring.iter().for_each(|at| ring_of[*at] = number);
    }
    let mut parts = Vec::with_capacity(rings.len());
    for (number, ring) in rings.iter().enumerate() {
        let mut merged = Part { own: 1.0, needs: Vec::new() };
        for at in ring {
            merged.own *= system.parts[*at].own;
            for need in &system.parts[*at].needs {
                let inside = need.of.iter().any(|of| ring_of[*of] == number);
                if inside && need.least < need.of.len() {
                    return None;
                }
                let mut of: Vec<usize> = need.of.iter().map(|of| ring_of[*of]).collect();
                of.sort_unstable();
                let count = of.len();
                of.dedup();
                if need.least == count {
                    // All of them: plain needs, of which those inside the ring are met by it.
                    let outside = of.into_iter().filter(|of| *of != number);
                    merged.needs.extend(outside.map(Need::one));
                } else if of.len() < count {
                    // Two members of one alternative are in one ring, and would count once.
                    return None;
                } else {
                    merged.needs.push(Need { least: need.least, of });
                }
            }
        }
        parts.push(merged);
    }
    Some((System { parts }, ring_of[root]))
}

/// Parts are ordered so that each comes after all it needs.
fn factor(system: System, root: usize, left: &mut usize) -> Option<f64> {
    let (mut parts, mut root) = (system.parts, root);
    let mut factor = 1.0;
    loop {
        settle(&mut parts);
        if parts[root].own <= 0.0 {
            return Some(0.0);
        }
        // What the root needs plainly, and what that needs plainly, has to work: no branch.
        for at in plain_needs(&parts, root) {
            factor *= std::mem::replace(&mut parts[at].own, 1.0);
        }
        settle(&mut parts);
        if parts[root].own <= 0.0 {
            return Some(0.0);
        }
        if parts[root].needs.is_empty() {
            return Some(factor * parts[root].own);
        }
        // Only what is still needed takes part, so that branches get smaller.
        (parts, root) = cone_in_order(&parts, root);
        *left = left.checked_sub(1 + parts.len() * parts.len() / 256)?;
        if !collapse(&mut parts, root, left)? {
            break;
        }
    }
    // The part that most others need; one that needs nothing itself is gone, given its state.
    let mut needed = vec![0_usize; parts.len()];
    for of in parts.iter().flat_map(|part| &part.needs).flat_map(|need| &need.of) {
        needed[*of] += 1;
    }
    let pivot = (0..parts.len())
        .filter(|at| *at != root && parts[*at].own < 1.0)
        .max_by_key(|at| (parts[*at].needs.is_empty(), needed[*at], *at))?;
    let chance = parts[pivot].own;
    let mut given = |own: f64| {
        let mut parts = parts.clone();
        parts[pivot].own = own;
        self::factor(System { parts }, root, left)
    };
    let (up, down) = (given(1.0)?, given(0.0)?);
    Some(factor * (chance * up + (1.0 - chance) * down))
}

/// Removes what is decided: needs of parts that surely work or surely do not.
fn settle(parts: &mut [Part]) {
    for at in 0..parts.len() {
        let mut part = std::mem::take(&mut parts[at]);
        let (mut own, mut plain) = (part.own, Vec::new());
        part.needs.retain_mut(|need| {
            let before = need.of.len();
            let sure = |of: &usize| parts[*of].needs.is_empty() && parts[*of].own >= 1.0;
            need.of.retain(|of| !sure(of));
            need.least = need.least.saturating_sub(before - need.of.len());
            need.of.retain(|of| parts[*of].own > 0.0);
            if need.least > need.of.len() {
                own = 0.0;
            }
            let all = need.least == need.of.len();
            if all {
                plain.append(&mut need.of);
            }
            !all && need.least > 0
        });
        part.own = own;
        plain.sort_unstable();
        plain.dedup();
        part.needs.extend(plain.into_iter().map(Need::one));
        if own <= 0.0 {
            part.needs.clear();
        }
        parts[at] = part;
    }
}

/// The root and all that it needs plainly, directly or through such.
fn plain_needs(parts: &[Part], root: usize) -> Vec<usize> {
    let mut seen = vec![false; parts.len()];
    let mut open = vec![root];
    let mut found = Vec::new();
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        found.push(at);
        let plain = parts[at].needs.iter().filter(|need| need.least == need.of.len());
        open.extend(plain.flat_map(|need| need.of.iter().copied()));
    }
    found
}

/// Turns parts below the root whose whole cone nobody else needs into one probability each. Whether
/// anything changed.
fn collapse(parts: &mut [Part], root: usize, left: &mut usize) -> Option<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let mut live = vec![false; parts.len()];
    live[root] = true;
    for at in (0..=root).rev() {
        if live[at] {
            for of in parts[at].needs.iter().flat_map(|need| need.of.iter()) {
                live[*of] = true;
                users[*of].push(at);
            }
        }
    }
    let mut changed = false;
    for at in 0..parts.len() {
        if !live[at] || parts[at].needs.is_empty() {
            continue;
        }
        if let Some(direct) = independent(&parts[at], parts, &users, at) {
            parts[at] = Part { own: direct, needs: Vec::new() };
            changed = true;
        } else if at != root && is_closed(parts, &users, at) {
            let (inner, top) = cone_in_order(parts, at);
            let own = factor(System { parts: inner }, top, left)?;
            parts[at] = Part { own, needs: Vec::new() };
            changed = true;
        }
    }
    Some(changed)
}

/// The chance of a part all of whose needs are of parts that need nothing, each used once and here.
fn independent(part: &Part, parts: &[Part], users: &[Vec<usize>], at: usize) -> Option<f64> {
    let mut all = part.needs.iter().flat_map(|need| need.of.iter());
    let alone = |of: &usize| parts[*of].needs.is_empty() && users[*of] == [at];
    all.all(alone).then(|| {
        let need = |need: &Need| at_least(need.least, need.of.iter().map(|of| parts[*of].own));
        part.own * part.needs.iter().map(need).product::<f64>()
    })
}

/// Whether nothing outside a part's cone needs anything inside it.
fn is_closed(parts: &[Part], users: &[Vec<usize>], at: usize) -> bool {
    let mut inside = vec![false; parts.len()];
    let mut open = vec![at];
    let mut found = Vec::new();
    while let Some(next) = open.pop() {
        if !std::mem::replace(&mut inside[next], true) {
            found.push(next);
            open.extend(parts[next].needs.iter().flat_map(|need| need.of.iter().copied()));
        }
    }
    found.iter().all(|of| *of == at || users[*of].iter().all(|user| inside[*user]))
}

/// A part's cone, still ordered so that each part comes after what it needs.
fn cone_in_order(parts: &[Part], at: usize) -> (Vec<Part>, usize) {
    let mut inside = vec![false; parts.len()];
    inside[at] = true;
    for next in (0..=at).rev() {
        if inside[next] {
            parts[next]
                .needs
                .iter()
                .flat_map(|need| need.of.iter())
                .for_each(|of| inside[*of] = true);
        }
    }
    let mut new = vec![0; parts.len()];
    let mut kept: Vec<Part> = Vec::new();
    for next in (0..=at).filter(|next| inside[*next]) {
        new[next] = kept.len();
        let moved = |need: &Need| Need {
            least: need.least,
            of: need.of.iter().map(|of| new[*of]).collect(),
        };
        kept.push(Part {
            own: parts[next].own,
            needs: parts[next].needs.iter().map(moved).collect(),
        });
    }
    let top = kept.len() - 1;
    (kept, top)
}
