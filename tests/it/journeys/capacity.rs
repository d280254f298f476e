//! What runs out, what would break first, and what belongs together: from the key to what is seen, at every
//! size; all of it without colour.

use quarterdeck::app::State;

use super::Journey;
use crate::screens::SIZES;
use crate::{stories, suspects};

fn seen(name: &str, of: fn() -> State, keys: &str) {
    for size in SIZES {
        let screen = Journey::sized(of(), size).keys(keys).screen();
        insta::assert_snapshot!(format!("journey__{name}_{}x{}", size.0, size.1), screen);
    }
}

#[test]
fn what_runs_out_first_is_seen_and_explained() {
    seen("capacity", stories::capacity::short, "5");
    seen("capacity_explained", stories::capacity::short, "5 e");
}

#[test]
fn what_would_break_first_is_seen_for_more_traffic_and_a_drain() {
    seen("whatif_traffic", stories::capacity::short, ": 'whatif payments x3' enter");
    seen("whatif_drain", stories::capacity::short, ": 'whatif drain payments' enter");
}

#[test]
fn what_belongs_together_opens_with_its_reasons_and_shows_all_at_one_key() {
    seen("situation_open", suspects::cascade, "2 enter");
    seen("situation_all", suspects::cascade, "2 z");
}
