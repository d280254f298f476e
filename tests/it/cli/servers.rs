//! The command line against real servers: a first day from `init` to a recording, and a Prometheus
//! behind client certificates and a password.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::tape::{Player, Tape};
use quarterdeck::connectors::{Ask, Clock, Method, Reply};
use quarterdeck::domain::{SourceId, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Home, Said};
use crate::connectors_http::Authority;
use crate::lab::{
    Lab, Options, PATIENCE, Server, eventually, find_program, free_ports, post, required,
};
use crate::pty::{Program, Start};

const ID: &str = "checkout-requests-availability";

/// What Sloth made of its own example, here about the lab's checkout.
fn sloth_rules() -> (String, String) {
    let made = include_str!("../../../fixtures/slo/sloth/gen/getting-started.yml");
    let rules = made
        .replace("http_request_duration_seconds_count", "http_requests_total")
        .replace("job=\"myservice\"", "service=\"checkout\"")
        .replace("myservice", "checkout");
    ("sloth".to_owned(), rules)
}

fn json(home: &Home, args: &[&str]) -> Result<(i32, Value)> {
    let said = home.run(args);
    let value = serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))?;
    Ok((said.code, value))
}

#[test]
fn a_first_day_on_the_command_line() -> Result<()> {
    let options = Options { rules: vec![sloth_rules()], ..Options::default() };
    let Some(mut lab) = Lab::start_or_skip(&options)? else { return Ok(()) };
    eventually("Sloth's rules have recorded everything", PATIENCE, || {
        let metrics = ["sli_error:ratio_rate5m", "sli_error:ratio_rate30d", "objective:ratio"];
        for metric in [&metrics[..], &["time_period:days"]].concat() {
            let ratio = lab.query(&format!("slo:{metric}{{sloth_id=\"{ID}\"}}"))?;
            ensure!(ratio.is_some_and(f64::is_finite), "{metric}: {ratio:?}");
        }
        Ok(())
    })?;

    let home = Home::new();
    init(&home, &lab)?;
    objectives(&home)?;
    alerts(&home, &lab)?;
    doctor(&home)?;
    recording(&home)?;
    evidence(&home)?;
    review(&home)?;

    lab.server("prometheus")?.freeze()?;
    let (code, told) = json(&home, &["status", "--json", "--timeout", "3s"])?;
    lab.server("prometheus")?.thaw()?;
    assert_eq!((code, &told["complete"]), (1, &Value::Bool(false)));
    assert_eq!(told["slos"][0]["verdict"], "unknown");
    assert_eq!(told["sources"][1]["state"], "no answer");
    Ok(())
}

/// Copied from a browser, and without a scheme: both are understood.
fn init(home: &Home, lab: &Lab) -> Result<()> {
    let page = lab.url("PROMETHEUS", "/graph?g0.expr=up&g0.tab=1");
    let bare = format!("127.0.0.1:{}", lab.port("ALERTMANAGER"));
    let given = ["init", "--name", "robin", "--site", "lab", "--catalog", "none"];
    let with = |prometheus: &str, alertmanager: &str| {
        let sources = ["--prometheus", prometheus, "--alertmanager", alertmanager];
        home.run(&[&given[..], &sources].concat())
    };
    let swapped = with(&bare, "none");
    assert_eq!(swapped.code, 2);
    let why =
        format!("At http://{bare} there is an Alertmanager, not a Prometheus. Nothing was written");
    ensure!(swapped.err.contains(&why), "{}", swapped.err);
    let encrypted = with(&lab.url("PROMETHEUS", "").replace("http:", "https:"), "none");
    ensure!(encrypted.err.contains("does not speak TLS on this port"), "{}", encrypted.err);
    assert_eq!((encrypted.code, home.files().len()), (2, 0));

    let said = with(&page, &bare);
    assert_eq!(said.code, 0, "{}", said.err);
    ensure!(said.err.contains("1 objective in Sloth's recording rules"), "{}", said.err);
    let catalog = home.read("catalog.toml");
    ensure!(catalog.contains("owner = \"myteam\"") && catalog.contains("\"99.9%\""), "{catalog}");
    Ok(())
}

/// The objective that was found is judged at once, from what the rules have recorded.
fn objectives(home: &Home) -> Result<()> {
    let status = eventually("the objective is judged", PATIENCE, || {
        let (_, told) = json(home, &["slo", "--json"])?;
        ensure!(told["complete"] == true, "{told:#}");
        let slo = told["slos"][0].clone();
        ensure!(slo["budget_left"].is_number(), "{slo:#}");
        Ok(slo)
    })?;
    assert_eq!((&status["slo"], &status["service"]), (&ID.into(), &"checkout".into()));
    assert_eq!((&status["objective"], &status["period"]), (&0.999.into(), &"30d".into()));
    for (window, burn) in status["burn"].as_object().context("no burns")? {
        ensure!(burn.is_number(), "{window}: {burn}");
    }
    for condition in status["conditions"].as_array().context("no conditions")? {
        ensure!(condition["holds"].is_boolean(), "{condition}");
    }
    let one = home.run(&["slo", ID]);
    let asked = format!("Asked over 5m: slo:sli_error:ratio_rate5m{{sloth_id=\"{ID}\"}}\n");
    ensure!(one.out.contains(&asked), "{}", one.out);
    Ok(())
}

fn alerts(home: &Home, lab: &Lab) -> Result<()> {
    lab.set_weights(50, 50)?;
    let about = ["service=checkout", "alertname=ErrorBudgetBurnFast"];
    let group = eventually("the burn alert is told", PATIENCE, || {
        let (code, told) = json(home, &[&["alerts", "--json"], &about[..]].concat())?;
        ensure!(code == 1 && told["groups"].as_array().is_some_and(|g| g.len() == 1), "{told:#}");
        Ok(told["groups"][0].clone())
    })?;
    assert_eq!(
        [&group["title"], &group["site"], &group["severity"], &group["runbook"], &group["owner"]],
        [
            "ErrorBudgetBurnFast checkout",
            "lab",
            "SEV-2",
            "https://runbooks.example/error-budget-burn",
            "myteam"
        ]
    );
    assert_eq!(group["alerts"][0]["state"], "firing");
    assert_eq!(group["alerts"][0]["labels"]["window"], "10s_30s");
    // One group folds into nothing less, and that is what is said of it.
    let (code, told) = json(home, &[&["alerts", "--situations", "--json"], &about[..]].concat())?;
    assert_eq!((code, &told["groups"], &told["alerts"]), (1, &1.into(), &1.into()), "{told:#}");
    let one = &told["situations"][0]["groups"][0];
    assert_eq!(
        [&one["title"], &one["site"], &one["severity"]],
        ["ErrorBudgetBurnFast checkout", "lab", "SEV-2"],
        "{told:#}"
    );

    let said = home.run(&[&["ack", "--all", "--note", "on it"], &about[..]].concat());
    let acked = "Acknowledged ErrorBudgetBurnFast checkout (1 alert).\n";
    assert_eq!((said.code, said.out.as_str()), (0, acked), "{}", said.err);
    let (_, told) = json(home, &[&["alerts", "--json"], &about[..]].concat())?;
    assert_eq!(told["groups"][0]["acknowledged_by"], "robin");
    let again = home.run(&[&["ack", "--all"], &about[..]].concat());
    assert_eq!(again.code, 2, "{again:?}");

    let until = "2099-01-01T00:00:00Z";
    let matcher =
        r#"{"name":"alertname","value":"ErrorBudgetBurnFast","isRegex":false,"isEqual":true}"#;
    let silence = format!(
        r#"{{"matchers":[{matcher}],"startsAt":"2020-01-01T00:00:00Z","endsAt":"{until}","createdBy":"robin","comment":"test"}}"#
    );
    let made = post(&lab.url("ALERTMANAGER", "/api/v2/silences"), "application/json", &silence)?;
    ensure!(made.status == 200, "{made:?}");
    eventually("the silenced alert is hidden and counted", PATIENCE, || {
        let said = home.run(&[&["alerts"], &about[..]].concat());
        ensure!(said.code == 0, "{said:?}");
        ensure!(said.out == "No alerts to show.\n1 muted; --muted lists them too\n", "{said:?}");
        Ok(())
    })?;
    let (code, told) = json(home, &[&["alerts", "--muted", "--json"], &about[..]].concat())?;
    assert_eq!((code, &told["groups"][0]["silenced"]), (1, &1.into()));
    assert_eq!(told["groups"][0]["alerts"][0]["state"], "silenced");
    let table = home.run(&[&["alerts", "--muted"], &about[..]].concat());
    let row = table.out.lines().nth(1).context("no row")?;
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
    assert_eq!(cells[..6], ["SEV-2", "ErrorBudgetBurnFast checkout", "lab", "0", "1", "0"]);
    lab.set_weights(100, 0)
}

fn doctor(home: &Home) -> Result<()> {
    let (code, told) = json(home, &["doctor", "--json"])?;
    assert_eq!(code, 1);
    let checks = told["checks"].as_array().context("no checks")?;
    let found = |what: &str, part: &str| -> Option<bool> {
        let is = |check: &&Value| {
            check["what"] == what && check["found"].as_str().is_some_and(|f| f.contains(part))
        };
        checks.iter().find(is).and_then(|check| check["good"].as_bool())
    };
    for (what, part, good) in [
        ("configuration", "config.toml", true),
        ("theme", "dark", true),
        ("source prometheus", "prometheus at http://127.0.0.1:", true),
        ("source alertmanager", "site lab, answers in", true),
        ("rules prometheus", "TargetDown", false),
        ("rules prometheus", "without an annotation `runbook_url`", false),
        ("service cart", "has no owner and no runbook; add it to the catalog", false),
    ] {
        assert_eq!(found(what, part), Some(good), "{what}: {part}: {told:#}");
    }
    Ok(())
}

/// What a recording holds of the alerts at its end.
/// What a query shows is frozen on the timeline, as it was answered.
fn evidence(home: &Home) -> Result<()> {
    let (_, declared) = json(home, &["declare", "SEV-3", "a look at the targets", "--json"])?;
    let id = declared["incident"]["id"].as_str().context("an id")?.to_owned();
    let (code, told) = json(
        home,
        &[
            "evidence", "--query", "max(up)", "--from", "30s", "every", "target", "is", "up",
            "--json",
        ],
    )?;
    assert_eq!((code, &told["recorded"][0]["kind"]), (0, &Value::from("entry-made")));
    let (_, timeline) = json(home, &["timeline", "kind=evidence", "-i", &id, "--json"])?;
    let line = &timeline["timeline"][0];
    assert_eq!(line["text"], "every target is up", "{timeline:#}");
    ensure!(line.to_string().contains("max(up)"), "{line:#}");
    let wrong = home.run(&["evidence", "--query", "max(up", "broken"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    ensure!(wrong.err.contains("parse error") || wrong.err.contains("400"), "{}", wrong.err);
    let nothing = home.run(&["evidence", "--query", "no_such_series", "empty"]);
    ensure!(nothing.err.contains("has no value for this"), "{}", nothing.err);
    home.run(&["resolve", "looked"]);
    Ok(())
}

/// The figures of a review are what the objectives' own queries say, and a check is asked of the source.
fn review(home: &Home) -> Result<()> {
    let declare = ["declare", "SEV-3", "a slow minute", "--service", "checkout", "--json"];
    let (_, declared) = json(home, &declare)?;
    let id = declared["incident"]["id"].as_str().context("an id")?.to_owned();
    home.run(&["resolve", "it passed"]);
    let post = |args: &[&str]| home.run(&[&["postmortem"], args, &["-i", &id]].concat());
    let measured = post(&["measure"]);
    ensure!(measured.code == 0, "{measured:?}");
    let again = post(&["measure"]);
    ensure!(again.err.contains("Everything was measured before"), "{again:?}");
    let (_, whole) = json(home, &["postmortem", "show", "--json", "-i", &id])?;
    let hits = whole["objectives"].as_array().context("objectives")?;
    let hit = hits.iter().find(|hit| hit["slo"] == ID).with_context(|| format!("{hits:?}"))?;
    ensure!(hit["error_ratio"] != "unknown", "{hit}");

    let add = |query: &str, text: &str| post(&["follow-up", "add", "--query", query, text]).code;
    assert_eq!((add("max(up) == bool 1", "keep it up"), add("max(up) == bool 2", "twice")), (0, 0));
    let no = post(&["follow-up", "check", "twice"]);
    assert_eq!(no.code, 1, "{no:?}");
    let refused = post(&["follow-up", "done", "twice"]);
    ensure!(refused.err.contains("the last look found: prometheus"), "{refused:?}");
    let yes = post(&["follow-up", "check", "keep it up"]);
    assert_eq!(yes.code, 0, "{yes:?}");
    let done = post(&["follow-up", "done", "keep it up"]);
    assert_eq!(done.code, 0, "{done:?}");
    from_the_console(home, &post)
}

/// The same question, asked by a key on the Review screen.
fn from_the_console(home: &Home, post: &dyn Fn(&[&str]) -> Said) -> Result<()> {
    let added = post(&["follow-up", "add", "--query", "min(up) == bool 1", "--due", "1h", "look"]);
    assert_eq!(added.code, 0, "{added:?}");
    let config = home.config("config.toml").display().to_string();
    let state = home.path().join("state/quarterdeck").display().to_string();
    let console = Program::quarterdeck(&["--config", &config, "--state-dir", &state]);
    let mut session = Start::new(console).size(120, 40).start();
    session.wait_for_text("1 Bridge");
    session.send("8");
    session.wait_for_text("a slow minute");
    // Into the review, down to its follow-ups, and there the first of them.
    session.send("\r");
    while !session.text().contains("done when this holds: min(up)") {
        let before = session.text();
        session.send("j");
        session.wait_until("the next part", |screen| screen.contents() != before);
    }
    session.send("\ta");
    session.wait_for_text("The check holds: prometheus says 1");
    session.send("X");
    session.wait_for_text("The follow-up is done.");
    session.send("q");
    let listed = post(&["follow-up", "list", "--json"]);
    ensure!(listed.out.contains("prometheus says 1"), "{listed:?}");
    let refused = post(&["follow-up", "done", "look"]);
    ensure!(refused.err.contains("is done since"), "{refused:?}");
    Ok(())
}

fn alerts_of(tape: Tape) -> Result<Reply> {
    let end: Timestamp = tape.end();
    let clock: Arc<dyn Clock> = Arc::new(move || end);
    let transport = Player::new(Arc::new(tape), clock).transport(&SourceId::new("alertmanager"));
    let ask = Ask {
        key: "alerts".into(),
        method: Method::Get,
        path: "/api/v2/alerts".into(),
        params: Vec::new(),
        body: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(transport.exchange(&ask)).map_err(|f| anyhow::anyhow!("{f:?}"))
}

/// A recording ended by a signal is whole: it says what is in it, and it plays.
fn recording(home: &Home) -> Result<()> {
    let out = home.path().join("tape");
    let child = home
        .command(&["record", "--out", "tape"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // The first source may fill it before the second has answered; both are asked again meanwhile.
    eventually("both sources are recorded", PATIENCE, || {
        ensure!(std::fs::metadata(&out)?.len() > 4_096, "too little yet");
        let so_far = Tape::read(std::fs::File::open(&out)?)?;
        alerts_of(so_far).map(drop)
    })?;
    kill_process(Pid::from_child(&child), Signal::TERM)?;
    let said = child.wait_with_output()?;
    let told = String::from_utf8(said.stderr)?;
    assert_eq!(said.status.code(), Some(0), "{told}");
    ensure!(told.contains(" answers of 2 sources over "), "{told}");
    ensure!(told.ends_with("; `quarterdeck demo tape` plays it.\n"), "{told}");

    let tape = Arc::new(Tape::read(std::fs::File::open(&out)?)?);
    let names: Vec<&str> = tape.header.sources.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["prometheus", "alertmanager"]);
    ensure!(tape.header.files.iter().any(|(name, _)| name == "catalog.toml"), "no catalog");
    let reply = alerts_of(Tape::read(std::fs::File::open(&out)?)?)?;
    ensure!(reply.status == 200 && reply.body.starts_with(b"["), "{reply:?}");

    let said = home.run(&["record", "--out", "short", "--for", "2s", "--service", "checkout"]);
    assert_eq!(said.code, 0, "{}", said.err);
    ensure!(said.err.starts_with("Recording 2 sources in short until 2s are over.\n"), "{said:?}");
    Ok(())
}

/// `the-bridge-password`, as htpasswd -B writes it.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuubYgpQzG4s6sh0PMxJAap1X2aEsJRFmq";
const PASSWORD: &str = "the-bridge-password";

#[test]
fn a_prometheus_behind_client_certificates_and_a_password() -> Result<()> {
    if !required() {
        println!("skipped: needs Debian's prometheus; run tests/run");
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let authority = Authority::new();
    let write = |name: &str, text: String| -> Result<String> {
        let path = dir.path().join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(path.display().to_string())
    };
    let ca = write("ca.pem", authority.issuer.pem())?;
    let pair = |name: &str| -> Result<(String, String)> {
        let (cert, key) = authority.sign("localhost", false);
        let cert = write(&format!("{name}.pem"), cert.pem())?;
        Ok((cert, write(&format!("{name}.key"), key.serialize_pem())?))
    };
    let ((cert, key), (my_cert, my_key)) = (pair("server")?, pair("me")?);
    let web = write(
        "web.yml",
        format!(
            "tls_server_config: {{cert_file: {cert}, key_file: {key}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: {ca}}}\n\
             basic_auth_users: {{robin: {HASH}}}\n"
        ),
    )?;
    let config = write("prometheus.yml", "global: {}\n".to_owned())?;
    let port = free_ports(1)?[0];
    let mut server = Server::start(
        "prometheus",
        find_program("prometheus").context("prometheus is not installed")?,
        vec![
            format!("--config.file={config}"),
            format!("--storage.tsdb.path={}", dir.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            format!("--web.config.file={web}"),
        ],
        dir.path(),
    )?;

    let password = write("password", format!("{PASSWORD}\n"))?;
    let wrong = write("wrong", "not-it\n".to_owned())?;
    let home = |password: &str, identity: bool| {
        let identity = if identity {
            format!(", cert = \"{my_cert}\", key = \"{my_key}\"")
        } else {
            String::new()
        };
        let source = format!(
            "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"https://localhost:{port}\"\n\
             auth = {{ basic = {{ user = \"robin\", password = {{ file = \"{password}\" }} }} }}\n\
             tls = {{ ca = \"{ca}\"{identity} }}\n"
        );
        Home::with(&[("config.toml", &source)])
    };
    let checked = |home: &Home| -> Result<Vec<(bool, String)>> {
        let (_, told) = json(home, &["doctor", "--json"])?;
        let checks = told["checks"].as_array().context("no checks")?.iter();
        let mine = checks.filter(|check| check["what"] == "source p");
        Ok(mine
            .map(|check| (check["good"] == true, check["found"].as_str().unwrap_or("").to_owned()))
            .collect())
    };
    let good = home(&password, true);
    eventually("doctor reads it", PATIENCE, || {
        ensure!(server.is_running(), "it ended:\n{}", server.log_tail());
        let found = checked(&good)?;
        ensure!(found.len() == 2 && found.iter().all(|(good, _)| *good), "{found:?}");
        assert_eq!(found[0].1, format!("credential from the file {password}"));
        let answers = format!("prometheus at https://localhost:{port}, site p, answers in ");
        ensure!(found[1].1.starts_with(&answers), "{found:?}");
        Ok(())
    })?;
    let found = checked(&home(&wrong, true))?;
    let refused = format!(
        "https://localhost:{port} does not accept our credentials (401); check the source's auth."
    );
    assert_eq!(found[1], (false, refused));
    let found = checked(&home(&password, false))?;
    ensure!(!found[1].0 && found[1].1.contains("client certificate"), "{found:?}");
    for said in [good.run(&["doctor"]), good.run(&["status"])] {
        ensure!(!format!("{said:?}").contains(PASSWORD), "{said:?}");
    }
    Ok(())
}
