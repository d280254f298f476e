//! Sentences that blame, and sentences that only report.

use proptest::prelude::*;

use super::{Finding, Slip, lint};

const PEOPLE: &[(&str, &str)] =
    &[("alice", "the incident commander"), ("Bob Ray", "the ops lead"), ("will", "responder A")];

fn found(text: &str) -> Vec<(&str, Slip)> {
    lint(text, PEOPLE).into_iter().map(|one| (&text[one.at.clone()], one.slip)).collect()
}

#[test]
fn what_blames_is_found_where_it_stands() {
    use Slip::{Blame, Counterfactual, Hindsight, Name};
    for (text, wanted) in [
        ("The team should have tested it.", vec![("should have", Counterfactual)]),
        ("It Should Not  Have gone out.", vec![("Should Not  Have", Counterfactual)]),
        ("This could’ve been caught.", vec![("could’ve", Counterfactual)]),
        ("A dry run would have shown it.", vec![("would have", Counterfactual)]),
        ("We should have known.", vec![("should have known", Hindsight)]),
        ("The engineer failed to read the runbook.", vec![("failed to", Blame)]),
        ("Failed to look at the graph.", vec![("Failed to", Blame)]),
        ("Somebody forgot to renew it.", vec![("forgot to", Blame)]),
        ("The operator ignored the page.", vec![("ignored", Blame)]),
        ("Root cause: human error.", vec![("human error", Blame)]),
        ("A careless change; their fault.", vec![("careless", Blame), ("their fault", Blame)]),
        ("In hindsight the limit was low.", vec![("In hindsight", Hindsight)]),
        ("alice rolled back.", vec![("alice", Name)]),
        ("Then Bob Ray failed to answer.", vec![("Bob Ray", Name), ("failed to", Blame)]),
        ("it is up to will now", vec![("will", Name)]),
        (
            "Obviously alice should have asked.",
            vec![("Obviously", Hindsight), ("alice", Name), ("should have", Counterfactual)],
        ),
    ] {
        assert_eq!(found(text), wanted, "{text}");
    }
}

#[test]
fn what_reports_is_left_alone() {
    for text in [
        "",
        "The probe failed to connect within 2 s.",
        "Requests failed. To see them, open the map.",
        "The retry budget ignored the header.",
        "Two replicas missed their heartbeat.",
        "The load balancer should drain before it stops.",
        "We have decided to roll back. They have approved it.",
        "`should have` is a phrase, and so is `human error`.",
        "```\nERROR operator error: should have\n```",
        "commander: alice, ops Bob Ray, scribe (will)",
        "The malice of the network; Alicent.",
        "Will it hold? It Will.",
        "The default timeout was 30 s; the alert fired 4 min later.",
        "The fault domain eu-1a was lost. Could it have another?",
        "The SLO burned at 14.4 times the allowed rate.",
        "The deploy had no preview that showed the dropped column.",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn every_offer_is_free_of_what_it_replaces() {
    let text =
        "We should have seen that the engineer failed to test; human error, careless, obviously.";
    for Finding { offer, at, .. } in lint(text, &[]) {
        let blames = lint(&offer, &[]);
        let blames: Vec<&Finding> =
            blames.iter().filter(|one| one.slip != Slip::Counterfactual).collect();
        assert_eq!(blames, Vec::<&Finding>::new(), "{} -> {offer}", &text[at]);
    }
}

proptest! {
    #[test]
    fn any_text_gives_places_in_it_in_order_without_overlap(
        text in "(\\PC|\n|should have |failed to |we |alice |`|’){0,60}"
    ) {
        let mut end = 0;
        for one in lint(&text, PEOPLE) {
            prop_assert!(one.at.start >= end && one.at.end > one.at.start);
            prop_assert!(text.get(one.at.clone()).is_some());
            end = one.at.end;
        }
    }

    #[test]
    fn a_phrase_is_found_whatever_stands_around_it(
        before in "[a-z ,]{0,30}", after in "[a-z ,]{0,30}"
    ) {
        let text = format!("{before} careless {after}");
        let hit = lint(&text, &[]).iter().any(|one| &text[one.at.clone()] == "careless");
        prop_assert!(hit);
    }
}
