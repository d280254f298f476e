//! The graph as seen from the symptom: who can be reached, and who through services that are away
//! from their usual range. Breadth first, so that paths are shortest and cycles are walked once.

use std::collections::{BTreeSet, VecDeque};

/// Caller to callees and back, without repetitions and without numbers nobody knows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Graph {
    callees: Vec<BTreeSet<usize>>,
    callers: Vec<BTreeSet<usize>>,
}

impl Graph {
    pub(super) fn new(services: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut graph = Self {
            callees: vec![BTreeSet::new(); services],
            callers: vec![BTreeSet::new(); services],
        };
        for (caller, callee) in edges {
            if caller >= services || callee >= services || caller == callee {
                continue;
            }
            if let Some(all) = graph.callees.get_mut(caller) {
                all.insert(callee);
            }
            if let Some(all) = graph.callers.get_mut(callee) {
                all.insert(caller);
            }
        }
        graph
    }

    pub(super) fn is_empty(&self) -> bool {
        self.callees.iter().all(BTreeSet::is_empty)
    }

    pub(super) fn callees(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        self.callees.get(of).into_iter().flatten().copied()
    }

    pub(super) fn callers(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        self.callers.get(of).into_iter().flatten().copied()
    }

    /// The way to each service from `start` over those for which `open` holds; `start` and the
    /// last of each way are not asked.
    pub(super) fn ways(&self, start: usize, open: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        let mut from: Vec<Option<usize>> = vec![None; self.callees.len()];
        let mut queue = VecDeque::from([start]);
        if let Some(own) = from.get_mut(start) {
            *own = Some(start);
        }
        while let Some(at) = queue.pop_front() {
            if at != start && !open(at) {
                continue;
            }
            for next in self.callees(at) {
                if let Some(way @ None) = from.get_mut(next) {
                    *way = Some(at);
                    queue.push_back(next);
                }
            }
        }
        from
    }
}

/// The way from the start to `to`, both included.
pub(super) fn path(ways: &[Option<usize>], to: usize) -> Vec<usize> {
    let mut path = Vec::new();
    let mut at = to;
    while let Some(Some(from)) = ways.get(at) {
        path.push(at);
        if *from == at {
            path.reverse();
            return path;
        }
        at = *from;
    }
    Vec::new()
}
