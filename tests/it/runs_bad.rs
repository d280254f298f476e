//! Procedures that meet something bad, from proposal to end: a pipeline that misbehaves, a second name for one
//! key, words that would be others to a shell. Each in one sentence, recorded, nothing run twice. The server is
//! our double of GitHub Actions, which holds every request to its description; the programs are real.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::double::{Actions, Answer, Fault, Hosted};
use crate::runs::{Room, wait_until};

/// A room whose procedure rolls back by the workflow of a server, which has so long for it.
fn room(server: &Hosted<Actions>, deadline: &str) -> Room {
    let playbook = format!(
        "[[pipeline]]\nname = \"ci\"\nkind = \"github-actions\"\nurl = {:?}\n\
         repository = \"acme/checkout\"\nauth = {{ token = {{ command = [\"/bin/echo\", \"ghp-x\"] }} }}\n\
         [[procedure]]\nname = \"rollback-checkout\"\ntitle = \"Roll checkout back\"\n\
         kind = \"rollback\"\nservice = \"checkout\"\nsecond_person = false\ncancel_window = \"1s\"\n\
         [[procedure.param]]\nname = \"to\"\n\
         [[procedure.step]]\ntitle = \"roll back\"\npipeline = \"ci\"\njob = \"rollback.yml\"\n\
         ref = \"{{to}}\"\nparams = {{ to = \"{{to}}\" }}\ndeadline = {deadline:?}\n",
        server.url("")
    );
    let room = Room::on(&playbook);
    room.declare();
    room
}

/// Proposed and released; the newest run.
fn released(room: &Room, to: &str) {
    room.said("alice", &["rollback", "checkout", "-p", &format!("to={to}")]);
    let id = newest(room)["id"].as_str().unwrap().to_owned();
    room.said("alice", &["action", "release", &id]);
}

fn newest(room: &Room) -> Value {
    room.runs("alice").pop().unwrap()
}

/// Carries out what is released; the exit code says whether somebody has to look.
fn carried(room: &Room, code: i32) -> String {
    let (was, out, err) = room.run("alice", &["action", "run", "--for", "60s"]);
    assert_eq!(was, code, "{out}{err}");
    out
}

/// The newest run's standing, and everything the timeline says.
fn stands(room: &Room) -> (String, String) {
    let timeline = room.said("bob", &["timeline"]);
    (newest(room)["standing"].as_str().unwrap().to_owned(), timeline)
}

#[test]
fn a_pipeline_that_hangs_is_unknown_after_its_deadline_and_is_not_asked_again() {
    let server = Hosted::start(Actions::default());
    let room = room(&server, "3s");
    released(&room, "v41");
    let out = carried(&room, 1);
    assert!(out.contains("nobody can tell") && out.contains("outbox settle"), "{out}");
    let (standing, timeline) = stands(&room);
    assert_eq!(standing, "unknown");
    let waiting = room.run("bob", &["outbox"]).1;
    assert!(waiting.contains("It had not ended after 3s."), "{waiting}\n{timeline}");
    // It ends after all, unseen: whoever looks again finds it by its name.
    server.there().goes("completed", Some("success"));
    wait_until("it is looked for once more, and found to have ended", || {
        room.run("bob", &["action", "run", "--for", "20s"]);
        room.standing() == "watched"
    });
    assert_eq!(server.there().runs.len(), 1);
    room.log_is_whole();
}

#[test]
fn a_pipeline_that_answers_500_after_it_accepted_is_found_and_followed_to_its_end() {
    let server = Hosted::start(Actions::default());
    let room = room(&server, "60s");
    released(&room, "v41");
    server.fail_at("POST", "dispatches", Fault::DoneButSays(Answer::new(500, "{}")));
    let child = room.command("alice", &["action", "run", "--for", "60s"]).spawn().unwrap();
    wait_until("it was taken", || !server.there().runs.is_empty());
    server.there().goes("completed", Some("success"));
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!((stands(&room).0.as_str(), server.there().runs.len()), ("watched", 1));
    room.log_is_whole();
}

#[test]
fn a_pipeline_whose_run_vanishes_midway_is_unknown_and_never_done() {
    let server = Hosted::start(Actions::default());
    let room = room(&server, "60s");
    released(&room, "v41");
    let child = room.command("alice", &["action", "run", "--for", "60s"]).spawn().unwrap();
    wait_until("it is followed", || {
        newest(&room)["receipts"].as_array().is_some_and(|all| !all.is_empty())
    });
    server.there().runs.clear();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    let waiting = room.run("bob", &["outbox"]).1;
    assert!(waiting.contains("GitHub has no run with our key"), "{waiting}");
    // Nobody starts it anew, however often it is looked for; a person says what is there.
    carried(&room, 1);
    assert_eq!((stands(&room).0.as_str(), server.there().runs.len()), ("unknown", 0));
    let dispatched = server.asked().iter().filter(|one| one.method == "POST").count();
    assert_eq!(dispatched, 1);
    room.log_is_whole();
}

#[test]
fn an_expired_token_starts_nothing_and_the_run_can_be_proposed_anew() {
    let server = Hosted::start(Actions::default());
    let room = room(&server, "60s");
    released(&room, "v41");
    let expired = || Fault::Says(Answer::new(401, r#"{"message":"Bad credentials"}"#));
    // The credential is read anew and tried once more.
    for _ in 0..2 {
        server.fail_at("POST", "dispatches", expired());
    }
    carried(&room, 1);
    let words = newest(&room)["words"].as_str().unwrap().to_owned();
    assert!(
        words.contains("does not accept our credentials (401)")
            && words.ends_with("Nothing was started."),
        "{words}"
    );
    assert!(!words.contains("ghp-x"), "{words}");
    assert_eq!((stands(&room).0.as_str(), server.there().runs.len()), ("failed", 0));
    // Two runs of one title: the second is meant by its id.
    released(&room, "v41");
    let child = room.command("alice", &["action", "run", "--for", "60s"]).spawn().unwrap();
    wait_until("it was taken", || !server.there().runs.is_empty());
    server.there().goes("completed", Some("success"));
    child.wait_with_output().unwrap();
    assert_eq!((stands(&room).0.as_str(), server.there().runs.len()), ("watched", 1));
    room.log_is_whole();
}

#[test]
fn a_target_that_no_longer_exists_is_refused_in_the_servers_words() {
    let server = Hosted::start(Actions::default());
    let room = room(&server, "60s");
    released(&room, "v40");
    carried(&room, 1);
    let words = newest(&room)["words"].as_str().unwrap().to_owned();
    assert!(words.contains("No ref found for: v40. Nothing was started."), "{words}");
    assert_eq!((stands(&room).0.as_str(), server.there().runs.len()), ("failed", 0));
    room.log_is_whole();
}

#[test]
fn another_name_does_not_make_another_person_of_one_key() {
    let room = Room::with_policy("");
    room.declare();
    room.said("alice", &["rollback", "checkout", "-p", "to=v811"]);
    let config = room.path("alice").join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("me = \"alice\"", "me = \"bob\"")).unwrap();
    let no = room.refused("alice", &["action", "approve", "Roll", "fine"]);
    assert!(no.contains("key"), "{no}");
    assert_eq!(room.standing(), "proposed");
    fs::write(&config, text).unwrap();
    let no = room.refused("alice", &["action", "release", "Roll"]);
    assert!(no.contains("waits for a second person"), "{no}");
    assert_eq!(room.done(), [""; 0]);
    room.log_is_whole();
}

#[test]
fn words_with_spaces_quotes_and_signs_of_a_shell_arrive_as_one_word() {
    let dir = tempfile::Builder::new().prefix("quarterdeck-words-").tempdir().unwrap();
    let (script, heard) = (dir.path().join("hear it"), dir.path().join("heard"));
    fs::write(&script, "#!/bin/sh\nfor word; do printf '[%s]\\n' \"$word\" >> \"$HEARD\"; done\n")
        .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let room = Room::on(&format!(
        "[[pipeline]]\nname = \"here\"\nkind = \"command\"\nallow = [{script:?}]\n\
         [pipeline.env]\nPATH = \"/usr/bin:/bin\"\nHEARD = {heard:?}\n\
         [[procedure]]\nname = \"tell\"\nkind = \"flag\"\nservice = \"checkout\"\n\
         second_person = false\ncancel_window = \"1s\"\n\
         [[procedure.param]]\nname = \"why\"\nform = \"text\"\n\
         [[procedure.step]]\npipeline = \"here\"\nargv = [{script:?}, \"{{why}}\", \"end\"]\n"
    ));
    room.declare();
    let odd = r#"a b "c" 'd' $(touch x) `id` ; | > y \ {service} * ~ --force"#;
    for broken in ["one\ntwo", "bell\u{7}", "hidden\u{200b}"] {
        let no =
            room.refused("alice", &["action", "propose", "tell", "-p", &format!("why={broken}")]);
        assert!(no.contains("is passed to nobody"), "{no}");
    }
    let said = room.said("alice", &["action", "propose", "tell", "-p", &format!("why={odd}")]);
    assert!(said.contains("hear it"), "{said}");
    room.said("alice", &["action", "release", "tell"]);
    room.said("alice", &["action", "run", "--for", "60s"]);
    assert_eq!(fs::read_to_string(heard).unwrap(), format!("[{odd}]\n[end]\n"));
    room.log_is_whole();
}
