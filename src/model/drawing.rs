//! The drawing of a part of the map, made beside the loop from the drawing before it, so that a refresh
//! moves little.

use std::sync::Arc;

use crate::analysis::graph::layout::{Layering, Layout, TooLarge, layout};
use crate::domain::Graph;

/// Cells beside a label: its health on the left, marks on the right.
const BESIDE: usize = 3;
/// Most cells of a label.
const WIDEST: usize = 28;

/// Which part is to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawingStudy {
    graph: Arc<Graph>,
    before: Option<Arc<Layout>>,
}

/// A part of the map, drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// What is drawn.
    pub graph: Arc<Graph>,
    /// The drawing, or why there is none.
    pub layout: Result<Arc<Layout>, TooLarge>,
}

/// The latest drawing.
#[derive(Debug, Clone, Default)]
pub struct DrawingBook {
    latest: Option<Drawing>,
    under_way: bool,
}

impl DrawingStudy {
    pub(super) fn carry_out(self) -> Drawing {
        let widths: Vec<u16> = self
            .graph
            .nodes()
            .iter()
            .map(|node| {
                let cells = node.key.label().as_str().chars().count().min(WIDEST) + BESIDE;
                u16::try_from(cells).unwrap_or(u16::MAX)
            })
            .collect();
        let found = layout(&self.graph, &widths, Layering::default(), self.before.as_deref());
        Drawing { graph: self.graph, layout: found.map(Arc::new) }
    }
}

impl DrawingBook {
    /// The latest drawing.
    pub const fn latest(&self) -> Option<&Drawing> {
        self.latest.as_ref()
    }

    /// What has to be drawn for this part of the map, unless it is drawn or is being drawn.
    pub fn wanted(&mut self, graph: &Arc<Graph>) -> Option<DrawingStudy> {
        let drawn = |latest: &Drawing| Arc::ptr_eq(&latest.graph, graph);
        if self.under_way || self.latest.as_ref().is_some_and(drawn) {
            return None;
        }
        self.under_way = true;
        let before = self.latest.as_ref().and_then(|latest| latest.layout.clone().ok());
        Some(DrawingStudy { graph: Arc::clone(graph), before })
    }

    pub(super) fn found(&mut self, drawing: Drawing) {
        self.under_way = false;
        self.latest = Some(drawing);
    }
}
