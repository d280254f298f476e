//! The drawing: pictures of small graphs, and what must hold of every one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::super::samples::{graph, names, some_edges};
use super::*;

fn widths(graph: &Graph) -> Vec<u16> {
    graph.nodes().iter().map(|node| node.key.label().chars().count() as u16).collect()
}

fn laid_out(graph: &Graph) -> Layout {
    layout(graph, &widths(graph), Layering::Short, None).expect("small")
}

fn all(layout: &Layout) -> Window {
    Window { column: 0, row: 0, width: layout.width + 1, height: layout.height }
}

/// As a person would see it.
fn picture(graph: &Graph, layout: &Layout) -> String {
    let mut rows = vec![vec![' '; layout.width as usize + 1]; layout.height as usize];
    for cell in layout.cells(all(layout), |_| 1) {
        rows[cell.row as usize][cell.column as usize] = cell.glyph();
    }
    for placed in &layout.nodes {
        for (i, c) in names(graph, &[placed.node]).chars().enumerate() {
            rows[placed.row as usize][placed.column as usize + i] = c;
        }
    }
    let line = |row: Vec<char>| row.into_iter().collect::<String>().trim_end().to_owned() + "\n";
    rows.into_iter().map(line).collect()
}

fn drawn(text: &str) -> String {
    let graph = graph(text);
    format!("\n{}", picture(&graph, &laid_out(&graph)))
}

#[test]
fn small_graphs_look_as_a_person_would_draw_them() {
    insta::assert_snapshot!("chain", drawn("web→checkout checkout→payments payments→psp"));
    insta::assert_snapshot!(
        "shop",
        drawn(
            "web→checkout app→checkout checkout→payments checkout→cart cart→redis web→ads ads→redis"
        )
    );
    insta::assert_snapshot!("crossing", drawn("a→y b→x a→x b→y"));
    insta::assert_snapshot!("ring", drawn("a→b b→c c→a c→c"));
}

#[test]
fn nothing_and_one_and_strangers_have_a_drawing() {
    let empty = laid_out(&graph(""));
    assert_eq!((empty.width, empty.height, empty.nodes.len()), (0, 0, 0));
    assert_eq!(drawn("alone"), "\nalone\n");
    assert_eq!(drawn("a b"), "\na\n\nb\n");
    let ring = graph("a→a");
    assert!(laid_out(&ring).nodes[0].calls_itself);
    assert_eq!(laid_out(&ring).routes[0].points, []);
}

#[test]
fn too_much_is_refused_with_a_way_out() {
    // A ladder: each of 1,200 services calls all that come later, with bends in every layer between.
    let count = 1_200_usize;
    let words: Vec<String> =
        (0..count).flat_map(|a| [a + 1, a + 600].map(|b| format!("n{a}→n{b}"))).collect();
    let graph = graph(&words.join(" "));
    let refused = layout(&graph, &[], Layering::Short, None).expect_err("too many bends");
    assert!(refused.to_string().contains("narrow the map down"), "{refused}");
}

#[test]
fn a_refresh_moves_little_when_little_changes() {
    let text = "web→shop app→shop shop→cart shop→pay cart→redis pay→psp pay→db cart→db mail→smtp";
    let old = graph(text);
    let first = laid_out(&old);
    let again = layout(&old, &widths(&old), Layering::Short, Some(&first)).expect("small");
    assert_eq!(again, first);
    let new = graph(&format!("{text} pay→fraud web→ads"));
    let next = layout(&new, &widths(&new), Layering::Short, Some(&first)).expect("small");
    let mut moved = Vec::new();
    for placed in &first.nodes {
        let key = &old.node(placed.node).key;
        let now = next.nodes[new.find(key).expect("still there").index()];
        if (now.layer, now.row) != (placed.layer, placed.row) {
            moved.push(key.label().to_string());
        }
    }
    assert!(
        moved.len() <= 2,
        "moved: {moved:?}\n{}\n{}",
        picture(&old, &first),
        picture(&new, &next)
    );
    // One fewer: nothing else moves.
    let gone = graph(&text.replace("mail→smtp", ""));
    let next = layout(&gone, &widths(&gone), Layering::Short, Some(&first)).expect("small");
    for placed in &next.nodes {
        let key = &gone.node(placed.node).key;
        let before = first.nodes[old.find(key).expect("was there").index()];
        assert_eq!((before.layer, before.row), (placed.layer, placed.row), "{}", key.label());
    }
}

/// Segments of one cell's length: which edges' lines run between each two neighbouring cells.
fn runs(layout: &Layout) -> HashMap<(Point, Point), BTreeSet<usize>> {
    let mut runs: HashMap<(Point, Point), BTreeSet<usize>> = HashMap::new();
    for route in &layout.routes {
        for pair in route.points.windows(2) {
            let (a, b) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            assert!(a.column == b.column || a.row == b.row, "level or upright");
            let mut at = a;
            while at != b {
                let mut next = at;
                if at.column < b.column {
                    next.column += 1
                } else {
                    next.row += 1
                }
                runs.entry((at, next)).or_default().insert(route.edge.index());
                at = next;
            }
        }
    }
    runs
}

fn check(graph: &Graph, drawing: &Layout) -> Result<(), TestCaseError> {
    let mut labels: BTreeMap<(u32, u32), NodeIx> = BTreeMap::new();
    for placed in &drawing.nodes {
        for column in placed.column..placed.column + u32::from(placed.width) {
            let other = labels.insert((column, placed.row), placed.node);
            prop_assert!(other.is_none(), "labels overlap");
            prop_assert!(column < drawing.width && placed.row < drawing.height);
        }
    }
    for cell in drawing.cells(all(drawing), |_| 1) {
        prop_assert!(!labels.contains_key(&(cell.column, cell.row)), "a line runs through a label");
        prop_assert!(cell.glyph() != ' ' && cell.ascii() != ' ');
    }
    let placed = |at: NodeIx| drawing.nodes[at.index()];
    for route in &drawing.routes {
        let edge = graph.edge(route.edge);
        let (from, to) = (placed(edge.from), placed(edge.to));
        if edge.from == edge.to {
            prop_assert!(route.points.is_empty() && from.calls_itself);
            continue;
        }
        let (first, last) = (route.points[0], route.points[route.points.len() - 1]);
        prop_assert_eq!((first.row, last.row), (from.row, to.row));
        let right_of = |label: Placed| label.column + u32::from(label.width) + 1;
        if route.back {
            prop_assert!(to.layer < from.layer);
            prop_assert_eq!((first.column, last.column), (from.column - 2, right_of(to)));
        } else {
            prop_assert!(from.layer < to.layer);
            prop_assert_eq!((first.column, last.column), (right_of(from), to.column - 2));
        }
    }
    for edges in runs(drawing).into_values() {
        let edges: Vec<_> = edges.iter().map(|edge| &graph.edges()[*edge]).collect();
        // The left and the right end of each line, whichever way its edge runs.
        let ends = |edge: &crate::domain::Edge| {
            let (a, b) = (edge.from, edge.to);
            if placed(a).layer < placed(b).layer { (a, b) } else { (b, a) }
        };
        let same = |pick: fn((NodeIx, NodeIx)) -> NodeIx| {
            edges.windows(2).all(|w| pick(ends(w[0])) == pick(ends(w[1])))
        };
        prop_assert!(same(|e| e.0) || same(|e| e.1), "lines of strangers lie on one another");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_label_overlaps_no_line_hides_another_and_it_is_the_same_twice(edges in some_edges(12)) {
        let graph = graph(&edges);
        for layering in [Layering::Short, Layering::LongestPath] {
            let drawing = layout(&graph, &widths(&graph), layering, None).expect("small");
            check(&graph, &drawing)?;
            let twice = layout(&graph, &widths(&graph), layering, None).expect("small");
            prop_assert_eq!(&twice, &drawing);
            let again = layout(&graph, &widths(&graph), layering, Some(&drawing)).expect("small");
            prop_assert_eq!(again, drawing, "drawn on what it was drawn as, nothing moves");
        }
    }

    #[test]
    fn drawn_on_any_other_drawing_it_is_still_right(a in some_edges(10), b in some_edges(10)) {
        let (a, b) = (graph(&a), graph(&b));
        let first = laid_out(&a);
        let next = layout(&b, &widths(&b), Layering::Short, Some(&first)).expect("small");
        check(&b, &next)?;
    }

    #[test]
    fn crossings_are_those_that_pairs_of_segments_have(edges in some_edges(10)) {
        let graph = graph(&edges);
        let arranged = arrange(&graph, Layering::Short, None).expect("small");
        let place = |at: u32| arranged.order.place[at as usize];
        let mut pieces = Vec::new();
        for (number, line) in arranged.lines.iter().enumerate() {
            let along: Vec<u32> = arranged.proper.along(number, *line).collect();
            pieces.extend(along.windows(2).map(|w| {
                (arranged.proper.layer[w[0] as usize], place(w[0]), place(w[1]))
            }));
        }
        let mut crossings = 0;
        for (i, a) in pieces.iter().enumerate() {
            for b in &pieces[i + 1..] {
                let crossed = (a.1 < b.1 && a.2 > b.2) || (a.1 > b.1 && a.2 < b.2);
                crossings += u64::from(a.0 == b.0 && crossed);
            }
        }
        prop_assert_eq!(arranged.crossings, crossings);
    }

    #[test]
    fn a_window_shows_what_the_whole_does_there(
        edges in some_edges(10), column in 0..40u32, row in 0..20u32, width in 0..30u32, height in 0..9u32,
    ) {
        let graph = graph(&edges);
        let drawing = laid_out(&graph);
        let window = Window { column, row, width, height };
        let part: Vec<LineCell> = drawing.cells(window, |_| 1).collect();
        let mut whole: Vec<LineCell> = drawing.cells(all(&drawing), |_| 1).collect();
        whole.retain(|cell| window.contains(cell.column, cell.row));
        prop_assert_eq!(part, whole);
    }
}
