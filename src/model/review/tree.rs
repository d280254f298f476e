//! Causes as a tree of whys and as a fishbone.

use std::collections::BTreeMap;

use crate::domain::CauseCategory;
use crate::eventlog::RecordId;
use crate::model::incidents::{Review, ReviewCause};

/// A cause in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Which cause.
    pub cause: RecordId,
    /// How many whys lead to it.
    pub depth: usize,
    /// Whether it is the last of its siblings, and so of each cause above it, from the top.
    pub last: Vec<bool>,
}

/// A bone with what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bone {
    /// Which; `None` is for causes nobody put on one.
    pub category: Option<CauseCategory>,
    /// Its causes, as they were found.
    pub causes: Vec<RecordId>,
}

/// Every cause, each below the one it is the why of. Cost: linear in the causes.
pub fn whys(review: &Review) -> Vec<Branch> {
    let mut below: BTreeMap<Option<RecordId>, Vec<RecordId>> = BTreeMap::new();
    for (id, cause) in in_order(review) {
        // A cause whose parent is gone is gone with it; one that is its own ancestor cannot be written.
        below.entry(cause.parent).or_default().push(id);
    }
    let mut tree = Vec::new();
    let mut open: Vec<(RecordId, Vec<bool>)> = Vec::new();
    let push = |open: &mut Vec<(RecordId, Vec<bool>)>, parent, above: &[bool]| {
        let children: &[RecordId] = below.get(&parent).map_or(&[], Vec::as_slice);
        for (at, child) in children.iter().enumerate().rev() {
            let mut last = above.to_vec();
            last.push(at + 1 == children.len());
            open.push((*child, last));
        }
    };
    push(&mut open, None, &[]);
    while let Some((cause, last)) = open.pop() {
        push(&mut open, Some(cause), &last);
        tree.push(Branch { cause, depth: last.len() - 1, last });
    }
    tree
}

/// Causes as they were found.
fn in_order(review: &Review) -> Vec<(RecordId, &ReviewCause)> {
    let mut all: Vec<_> = review.causes.iter().map(|(id, cause)| (*id, cause)).collect();
    all.sort_by_key(|(id, cause)| (cause.at, *id));
    all
}

/// Every bone of the fishbone that has causes, in the usual order; those on none at the end.
pub fn fishbone(review: &Review) -> Vec<Bone> {
    let all = in_order(review);
    let categories = CauseCategory::ALL.into_iter().map(Some).chain([None]);
    let bones = categories.map(|category| {
        let on_it = all.iter().filter(|(_, cause)| cause.category == category);
        Bone { category, causes: on_it.map(|(id, _)| *id).collect() }
    });
    bones.filter(|bone| !bone.causes.is_empty()).collect()
}
