//! What is found, what is left alone, and that no secret survives.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

fn words() -> Words {
    Words {
        inside: vec!["corp.example.org".into(), "Acme".into()],
        people: vec![
            ("Robin Doe".into(), "the incident commander".into()),
            ("kim".into(), "a responder".into()),
            ("jürgen".into(), "the scribe".into()),
            ("+49 30 5550100".into(), "[number removed]".into()),
        ],
    }
}

/// Findings as `kind: words`.
fn found(text: &str) -> Vec<String> {
    findings(text, &words(), Audience::External)
        .iter()
        .map(|one| format!("{:?}: {}", one.kind, &text[one.range.clone()]))
        .collect()
}

#[test]
fn secrets_are_found_by_their_shape() {
    for (text, secret) in [
        ("password=hunter2 works", "hunter2"),
        ("the Password: swordfish", "swordfish"),
        ("{\"api_key\": \"a1b2c3\"}", "a1b2c3"),
        ("curl --password hunter2 x", "hunter2"),
        ("DB_PASSWORD='correct horse'", "correct horse"),
        ("?token=abcdef&x=1", "abcdef"),
        ("Authorization: Bearer abc123def456", "abc123def456"),
        ("basic cm9iaW46aHVudGVyMg==", "cm9iaW46aHVudGVyMg=="),
        ("https://robin:hunter2@db.example.org/x", "robin:hunter2"),
        ("use ghp_0123456789abcdefABCDEF now", "ghp_0123456789abcdefABCDEF"),
        ("(AKIAIOSFODNN7EXAMPLE)", "AKIAIOSFODNN7EXAMPLE"),
        ("xoxb-1234-5678-abcdef.", "xoxb-1234-5678-abcdef"),
        ("https://hooks.slack.com/services/T0/B0/XyZ ok", "T0/B0/XyZ"),
        (
            "key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        ),
        ("wJalrXUtnFEMI7K7MDENGbPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI7K7MDENGbPxRfiCYEXAMPLEKEY"),
        (
            "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\nb",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\ncut off", "-----BEGIN RSA PRIVATE KEY-----\ncut off"),
    ] {
        let all = findings(text, &words(), Audience::Internal);
        let told: Vec<(&str, FindingKind)> =
            all.iter().map(|one| (&text[one.range.clone()], one.kind)).collect();
        assert!(told.contains(&(secret, FindingKind::Secret)), "{text}: {told:?}");
        assert!(!redacted(text, &all).contains(secret), "{}", redacted(text, &all));
    }
}

#[test]
fn ordinary_words_are_left_alone() {
    for text in [
        "We are investigating a problem with checkout. Next update by 16:40 UTC.",
        "See https://status.example.org/incidents/INC-7K2QD for the token bucket and its keys.",
        "Version 2026.11.22-rc1 of payments-service-frontend-europe-west is out.",
        "Request 123e4567-e89b-12d3-a456-426614174000 failed at 2026-11-22T16:40:00Z.",
        "The secret of our success is a password manager.",
        "Public address 203.0.113.7, 2001:db8::1 and version 10.4.",
        "The local team is kimono; robinson sings; Acmeist.",
    ] {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn hosts_people_words_and_guesses_stay_inside() {
    assert_eq!(
        found("db1.corp.example.org:5432 and api.default.svc, 10.2.3.4, [fd00::1]:80, x.internal."),
        [
            "Host: db1.corp.example.org:5432",
            "Host: api.default.svc",
            "Host: 10.2.3.4",
            "Host: fd00::1]:80",
            "Host: x.internal",
        ]
    );
    assert_eq!(
        found("Kim's note: @kim, ROBIN   doe, Robin and JÜRGEN (kim@example.org, +49 30 5550100)"),
        [
            "Person: Kim",
            "Person: @kim",
            "Person: ROBIN   doe",
            "Person: Robin",
            "Person: JÜRGEN",
            "Person: kim@example.org",
            "Person: +49 30 5550100",
        ]
    );
    assert_eq!(
        found("This is probably caused by Acme. We   think so."),
        ["Guess: probably ", "Guess: caused by", "Word: Acme", "Guess: We   think"]
    );
    let text = "Kim thinks it is probably db1.corp.example.org, password=hunter2.";
    let all = findings(text, &words(), Audience::External);
    assert_eq!(
        redacted(text, &all),
        "a responder thinks it is [internal host], password=[secret removed]"
    );
    // Those inside may read all but secrets.
    let inside = findings(text, &words(), Audience::Internal);
    assert_eq!(inside.iter().map(|one| one.kind).collect::<Vec<_>>(), [FindingKind::Secret]);
}

#[test]
fn an_update_is_blocked_until_each_finding_is_settled() {
    let text = "Kim is on it. The cause is probably Acme.";
    let open = |confirmed: &[&str]| -> Vec<FindingKind> {
        let confirmed = confirmed.iter().map(ToString::to_string).collect();
        let open = open_findings(text, &words(), Audience::External, &confirmed);
        open.iter().map(|one| one.kind).collect()
    };
    assert_eq!(open(&[]), [FindingKind::Person, FindingKind::Guess, FindingKind::Word]);
    assert_eq!(open(&["Kim", "probably "]), [FindingKind::Word]);
    assert_eq!(open(&["Kim", "probably ", "Acme"]), []);
    let inside = open_findings(text, &words(), Audience::Internal, &BTreeSet::new());
    assert_eq!(inside, []);
}

/// Pieces that make trouble when they stand next to each other.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password=".to_owned()),
        Just("token: ".to_owned()),
        Just("Bearer ".to_owned()),
        Just("://".to_owned()),
        Just("@".to_owned()),
        Just("-----BEGIN PRIVATE KEY-----".to_owned()),
        Just("-----END".to_owned()),
        Just("kim".to_owned()),
        Just("Robin Doe".to_owned()),
        Just("10.0.0.1".to_owned()),
        Just("[::1]:9".to_owned()),
        Just(".svc".to_owned()),
        Just("we think".to_owned()),
        Just("hooks.slack.com/services/".to_owned()),
        "[a-zA-Z0-9]{20,40}",
        "\\PC{0,6}",
        "[ \"'=:\n/İßé🚒]{1,3}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn ranges_are_valid_in_order_and_apart(text in hostile()) {
        for audience in [Audience::Internal, Audience::External] {
            let all = findings(&text, &words(), audience);
            let mut end = 0;
            for one in &all {
                prop_assert!(one.range.start >= end && one.range.start < one.range.end);
                prop_assert!(text.get(one.range.clone()).is_some());
                end = one.range.end;
            }
            let _ = redacted(&text, &all);
        }
    }

    #[test]
    fn no_secret_survives_wherever_it_stands(
        before in hostile(), after in hostile(),
        secret in prop_oneof!["ghp_[A-Za-z0-9]{20}", "AKIA[A-Z0-9]{16}", "glpat-[a-z0-9]{20}", "xoxb-[0-9]{10}-[a-z]{10}"],
    ) {
        let text = format!("{before} {secret} {after}");
        let clean = redacted(&text, &findings(&text, &words(), Audience::Internal));
        prop_assert!(!clean.contains(&secret), "{}", clean);
    }

    #[test]
    fn a_password_is_gone_whatever_it_looks_like(value in "[a-zA-Z0-9!$%*_.-]{8,30}", name in "(password|db_password|client_secret|PASSWD)(=|: |=\"|\": \")") {
        let text = format!("set {name}{value} and go");
        let clean = redacted(&text, &findings(&text, &words(), Audience::Internal));
        prop_assert!(!clean.contains(&value), "{}", clean);
    }
}
