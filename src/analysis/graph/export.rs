//! A graph as a file: DOT for Graphviz, JSON for programs, SVG for a browser.
//!
//! Filter first ([`Graph::induced`], [`Graph::with_edges`]), then export. Names come from outside: each
//! format's own signs in them are escaped, so that a label can never become markup.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::layout::{Layout, Placed, Point};
use crate::domain::{Edge, Graph, Node, NodeIx};

/// Cells to SVG units.
const CELL_WIDTH: u32 = 8;
const CELL_HEIGHT: u32 = 16;

/// As a digraph in the DOT language. Soft edges are dashed, what was only seen dotted in grey.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph map {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, node) in graph.nodes().iter().enumerate() {
        let label = dot_text(&node.key.label());
        let style = if node.declared { "" } else { ", color=gray, fontcolor=gray" };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  n{at} [label={label}{style}];");
    }
    for edge in graph.edges() {
        let style = if edge.is_hard() { "solid" } else { "dashed" };
        let (from, to) = (edge.from.index(), edge.to.index());
        let rate = edge.calls.map_or(String::new(), |calls| format!(", label=\"{calls:.3}/s\""));
        let _ = writeln!(out, "  n{from} -> n{to} [style={style}{rate}];");
    }
    out.push_str("}\n");
    out
}

/// A quoted string of DOT, in which a backslash begins an escape and HTML has no meaning.
fn dot_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// As `{"nodes": […], "edges": […]}`; times are RFC 3339, what is not known is `null`.
pub fn json(graph: &Graph) -> Value {
    let node = |node: &Node| {
        json!({
            "service": node.key.service,
            "site": some(node.key.site.as_str()),
            "declared": node.declared,
            "team": some(&node.team),
            "tier": node.tier,
            "replicas": node.replicas,
            "requests_per_second": node.traffic,
        })
    };
    let end = |at: NodeIx| {
        let key = &graph.node(at).key;
        json!({ "service": key.service, "site": some(key.site.as_str()) })
    };
    let edge = |edge: &Edge| {
        let origins = edge.origins.iter();
        let origins: serde_json::Map<_, _> = origins
            .map(|(origin, seen)| (origin.name().to_owned(), seen.to_string().into()))
            .collect();
        json!({
            "from": end(edge.from),
            "to": end(edge.to),
            "hardness": if edge.is_hard() { "hard" } else { "soft" },
            "hardness_assumed": edge.assumed,
            "share": edge.share,
            "calls_per_second": edge.calls,
            "stands_in_group": edge.any_of,
            "last_seen": origins,
        })
    };
    json!({
        "nodes": graph.nodes().iter().map(node).collect::<Vec<_>>(),
        "edges": graph.edges().iter().map(edge).collect::<Vec<_>>(),
    })
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// As a picture of a drawing of this graph. Soft lines are dashed, lines that close a ring are red.
pub fn svg(graph: &Graph, layout: &Layout) -> String {
    let (width, height) = ((layout.width + 2) * CELL_WIDTH, (layout.height + 1) * CELL_HEIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" \
         font-size=\"13\">\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for route in layout.routes.iter().filter(|route| !route.points.is_empty()) {
        let edge = graph.edge(route.edge);
        let points: Vec<String> = route.points.iter().map(|point| middle(*point)).collect();
        let dash = if edge.is_hard() { "" } else { " stroke-dasharray=\"5 3\"" };
        let color = if route.back { "#b00" } else { "#555" };
        let title = format!(
            "{} calls {}",
            graph.node(edge.from).key.label(),
            graph.node(edge.to).key.label()
        );
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\"{dash} marker-end=\"url(#arrow)\">\
             <title>{}</title></polyline>",
            points.join(" "),
            xml(&title)
        );
    }
    for placed in &layout.nodes {
        label(graph, placed, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn label(graph: &Graph, placed: &Placed, out: &mut String) {
    let node = graph.node(placed.node);
    let (x, y) = ((placed.column + 1) * CELL_WIDTH, placed.row * CELL_HEIGHT + 2);
    let width = u32::from(placed.width) * CELL_WIDTH;
    let ring = if placed.calls_itself { " ↻" } else { "" };
    let stroke = if node.declared { "black" } else { "#999" };
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" rx=\"2\" fill=\"#f4f4f4\" \
         stroke=\"{stroke}\"/><text x=\"{x}\" y=\"{}\" textLength=\"{width}\" \
         lengthAdjust=\"spacingAndGlyphs\">{}{ring}</text>",
        CELL_HEIGHT - 2,
        y + CELL_HEIGHT - 5,
        xml(&node.key.label())
    );
}

fn middle(point: Point) -> String {
    let x = (point.column + 1) * CELL_WIDTH + CELL_WIDTH / 2;
    format!("{x},{}", point.row * CELL_HEIGHT + CELL_HEIGHT / 2 + 1)
}

/// Text of XML, or an attribute's value.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::layout::{Layering, layout};
    use super::super::samples::{graph, key};
    use super::*;
    use crate::domain::{EdgeOrigin, Hardness, Sighting, Timestamp};

    fn hostile() -> Graph {
        let at = Timestamp::from_millis(1_795_345_055_000);
        let name = "a\"]; evil -> x [label=\"\\";
        let evil = Sighting {
            hardness: Some(Hardness::Soft),
            calls: Some(2.5),
            ..Sighting::new(key(name), key("</text><script>'&@eu"), EdgeOrigin::Traces, at)
        };
        Graph::build([], &[evil])
    }

    #[test]
    fn a_hostile_name_stays_a_name_in_dot() {
        assert_eq!(
            dot(&hostile()),
            "digraph map {\n  rankdir=LR;\n  node [shape=box];\n  \
             n0 [label=\"</text><script>'&@eu\", color=gray, fontcolor=gray];\n  \
             n1 [label=\"a\\\"]; evil -> x [label=\\\"\\\\\", color=gray, fontcolor=gray];\n  \
             n1 -> n0 [style=dashed, label=\"2.500/s\"];\n}\n"
        );
    }

    #[test]
    fn json_says_everything_and_null_for_what_is_not_known() {
        let edge = &json(&graph("a→b"))["edges"][0];
        assert_eq!(edge["share"], Value::Null);
        assert_eq!(edge["hardness"], "hard");
        let all = json(&hostile());
        assert_eq!(
            all["edges"][0],
            json!({
                "from": { "service": "a\"]; evil -> x [label=\"\\", "site": null },
                "to": { "service": "</text><script>'&", "site": "eu" },
                "hardness": "soft",
                "hardness_assumed": false,
                "share": null,
                "calls_per_second": 2.5,
                "stands_in_group": null,
                "last_seen": { "traces": "2026-11-22T10:57:35.000Z" },
            })
        );
        assert_eq!(all["nodes"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_hostile_name_stays_a_name_in_svg() {
        let graph = hostile();
        let drawn = layout(&graph, &[20, 20], Layering::Short, None).expect("small");
        let svg = svg(&graph, &drawn);
        assert!(!svg.contains("<script>") && !svg.contains("</text><"), "{svg}");
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;&#39;&amp;@eu"), "{svg}");
        assert!(svg.contains("stroke-dasharray") && svg.ends_with("</svg>\n"), "{svg}");
        let opened = svg.matches("<polyline").count();
        assert_eq!((opened, svg.matches("</polyline>").count()), (1, 1));
    }
}
