//! Flag servers: a real Unleash on a real PostgreSQL, and a real server that answers OFREP.

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, Scheme};
use quarterdeck::connectors::outbound::{Body, Call, Verb, Web};
use quarterdeck::connectors::pipelines::{Ofrep, Pipeline, Unleash};
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{Flag, PipelineId, Span};
use serde_json::{Value, json};

use super::{KEY, begin, clock, flag, lines, refusal, told};
use crate::behind::{as_postgres, done, postgres};
use crate::channels::emulated::node;
use crate::cli::Home;
use crate::lab::{free_ports, installed};
use crate::rig::Rig;

const ADMIN: &str = "*:*.adm1n-t0ken-for-tests";
const CLIENT: &str = "default:development.client-t0ken-for-tests";

fn endpoint(url: &str, token: Option<&str>) -> Endpoint {
    let token = token.map(|token| SecretRef::Given(token.to_owned()));
    Endpoint { token, timeout: Span::from_secs(20), ..Endpoint::new(url) }
}

/// Somebody else who speaks to the same server.
async fn other(web: &Web, verb: Verb, path: &str, body: Value) -> Result<Value> {
    let body = if body.is_null() { Body::Empty } else { Body::Json(body) };
    let said = web.json(&Call::new(verb, path, body)).await;
    said.map_err(|outcome| anyhow::anyhow!("{path}: {outcome:?}"))
}

/// Key, environment and what callers get.
fn states(flags: &[Flag]) -> Vec<(String, String, Option<bool>, String)> {
    let each = flags.iter().flat_map(|flag| {
        flag.places.iter().map(move |place| {
            let (environment, note) = (place.environment.to_string(), place.note.to_string());
            (flag.key.to_string(), environment, place.on, note)
        })
    });
    each.collect()
}

/// What `flag list --json` says of the flags of one pipeline.
fn listed(pipeline: &str, token: &str) -> Result<Value> {
    let pipeline = format!("[[pipeline]]\nname = \"line\"\n{pipeline}\n");
    let home = Home::with(&[("config.toml", ""), ("playbook.toml", &pipeline)]);
    let output = home.command(&["flag", "list", "--json"]).env("TOKEN", token).output()?;
    let mut said: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(output.status.success() && said["complete"] == true, "{said}");
    for flag in said["flags"].as_array_mut().context("no flags")? {
        // When it was changed differs from run to run.
        flag["changed"].take();
    }
    Ok(said["flags"].take())
}

/// What `changes --json` says of the audit log of one project: when, title, author, before and after of each;
/// `None` when it is not all.
fn switched(unleash: &str, token: &str) -> Result<Option<Vec<[String; 5]>>> {
    let source = format!(
        "[[source]]\nname = \"switches\"\nkind = \"unleash-events\"\nurl = \"{unleash}\"\n\
         project = \"default\"\nauth = {{ bearer = {{ env = \"TOKEN\" }} }}\n"
    );
    let home = Home::with(&[("config.toml", &source), ("catalog.toml", "")]);
    let output = home.command(&["changes", "--json"]).env("TOKEN", token).output()?;
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let told = said["changes"].as_array().context("no changes")?;
    ensure!(told.iter().all(|change| change["kind"] == "flag"), "{said}");
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
    let parts = ["at", "title", "author", "before", "after"];
    let all = told.iter().map(|change| parts.map(|key| text(change, key))).collect();
    Ok((said["complete"] == true).then_some(all))
}

struct Unleashed {
    rig: Rig,
    url: String,
    _home: tempfile::TempDir,
}

/// Unleash on PostgreSQL, both of this machine.
fn unleash_or_skip() -> Result<Option<Unleashed>> {
    let Some(mut rig) = Rig::new_or_skip(&["psql", "setpriv", "env"])? else { return Ok(None) };
    let program = installed()?.join("unleash/node_modules/unleash-server/dist/server.js");
    ensure!(program.is_file(), "Unleash is missing; tests/run installs it");
    let bin = postgres().context("PostgreSQL's server is not installed; tests/run installs it")?;
    let home = tempfile::Builder::new().prefix("pg-").tempdir_in(rig.dir())?;
    for folder in [rig.dir(), home.path()] {
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    let user = as_postgres();
    if !user.is_empty() {
        let given = std::process::Command::new("chown")
            .arg("postgres:postgres")
            .arg(home.path())
            .status()?;
        ensure!(given.success(), "the folder could not be given to postgres");
    }
    let data = home.path().join("data").to_string_lossy().into_owned();
    done(
        &bin.join("initdb"),
        &["-D", &data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"],
    )?;
    let ports = free_ports(2)?;
    let (database, web) = (ports[0].to_string(), ports[1].to_string());
    let server = bin.join("postgres").to_string_lossy().into_owned();
    let options = [
        &server,
        "-D",
        &data,
        "-p",
        &database,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        "fsync=off",
    ];
    let through = if user.is_empty() { "env" } else { "setpriv" };
    let args: Vec<&str> = user.iter().map(String::as_str).chain(options).collect();
    rig.run("postgres", through, &args)?;
    crate::lab::eventually("PostgreSQL answers", crate::lab::PATIENCE, || {
        let asked = ["-h", "127.0.0.1", "-p", &database, "-U", "postgres", "-c"];
        let made = std::process::Command::new("psql")
            .args(asked)
            .arg("CREATE DATABASE unleash")
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(())
    })?;
    let node = node()?.to_string_lossy().into_owned();
    let program = program.to_string_lossy().into_owned();
    rig.run(
        "unleash",
        "env",
        &[
            &format!("DATABASE_URL=postgres://postgres@127.0.0.1:{database}/unleash"),
            "DATABASE_SSL=false",
            "HTTP_HOST=127.0.0.1",
            &format!("HTTP_PORT={web}"),
            "LOG_LEVEL=warn",
            "CHECK_VERSION=false",
            "SEND_TELEMETRY=false",
            &format!("INIT_ADMIN_API_TOKENS={ADMIN}"),
            &format!("INIT_BACKEND_API_TOKENS={CLIENT}"),
            &node,
            &program,
        ],
    )?;
    let url = format!("http://127.0.0.1:{web}");
    rig.wait_for("unleash", &format!("{url}/health"))?;
    Ok(Some(Unleashed { rig, url, _home: home }))
}

#[tokio::test]
async fn unleash_switches_a_flag_where_it_is_told_and_says_who_did_it() -> Result<()> {
    let Some(mut unleash) = unleash_or_skip()? else { return Ok(()) };
    let plain = Scheme { header: "authorization", before: "" };
    let admin = endpoint(&unleash.url, Some(ADMIN));
    let person = Web::new("Somebody", &admin, plain, clock());
    let features = "/api/admin/projects/default/features";
    let new =
        json!({ "name": "new-checkout", "type": "kill-switch", "description": "the new one" });
    other(&person, Verb::Post, features, new).await?;
    let strategies = format!("{features}/new-checkout/environments/development/strategies");
    let everybody = json!({
        "name": "flexibleRollout",
        "parameters": { "rollout": "100", "stickiness": "default", "groupId": "new-checkout" },
    });
    other(&person, Verb::Post, &strategies, everybody).await?;

    let id = PipelineId::new("line");
    let line = Unleash::new(id.clone(), "", &admin, clock());
    let on = flag("new-checkout", "development", true);
    let off = flag("new-checkout", "development", false);
    assert_eq!(
        line.dry_run(&on).await.unwrap().unwrap().as_str(),
        "new-checkout is off in development and would be on."
    );
    assert_eq!(line.find(&on, KEY).await, Ok(None), "it is certainly not so");
    let begun = begin(&line, &on).await;
    assert_eq!(begun.receipt.as_str(), "new-checkout on in development, was off");
    assert_eq!(
        begun.url.as_str(),
        format!("{}/projects/default/features/new-checkout", unleash.url)
    );
    let seen = line.watch(&on, &begun).await.unwrap();
    assert_eq!(told(&seen).0, "done");
    let last = seen.lines.last().context("no audit")?;
    assert!(last.ends_with(" feature-environment-enabled by admin"), "{last}");
    // What callers get, asked for as they do.
    let caller = Web::new("A caller", &endpoint(&unleash.url, Some(CLIENT)), plain, clock());
    let gets = other(&caller, Verb::Get, "/api/client/features", Value::Null).await?;
    assert_eq!(gets["features"][0]["enabled"], true);
    let row = |environment: &str, on| {
        ("new-checkout".to_owned(), environment.to_owned(), Some(on), String::new())
    };
    let flags = line.flags().await.unwrap().unwrap();
    assert_eq!(states(&flags), [row("development", true), row("production", false)]);
    assert_eq!((flags[0].kind.as_str(), flags[0].title.as_str()), ("kill-switch", "the new one"));
    let declared = format!(
        "kind = \"unleash\"\nurl = \"{}\"\nauth = {{ token = {{ env = \"TOKEN\" }} }}",
        unleash.url
    );
    let place = |name: &str, on: bool| json!({ "environment": name, "on": on, "note": "" });
    let places = [place("development", true), place("production", false)];
    assert_eq!(
        listed(&declared, ADMIN)?,
        json!([{ "pipeline": "line", "key": "new-checkout", "title": "the new one",
                 "kind": "kill-switch", "changed": null, "places": places }])
    );

    begin(&line, &off).await;
    assert_eq!(told(&line.watch(&off, &begun).await.unwrap()).0, "done");
    assert!(line.find(&off, KEY).await.unwrap().is_some());
    // Somebody switches it on again.
    other(
        &person,
        Verb::Post,
        &format!("{features}/new-checkout/environments/development/on"),
        Value::Null,
    )
    .await?;
    let seen = line.watch(&off, &begun).await.unwrap();
    assert_eq!(
        told(&seen),
        (
            "failed",
            "Unleash took it, but new-checkout is on in development: somebody else has switched it since."
                .to_owned()
        )
    );
    assert!(lines(&seen).contains("feature-environment-disabled by admin"), "{}", lines(&seen));

    // Its log as a source of changes: each switch with who and when, newest first.
    let told = switched(&unleash.url, ADMIN)?.context("incomplete")?;
    let gist: Vec<[&str; 4]> =
        told.iter().map(|[_, rest @ ..]| rest.each_ref().map(|s| &**s)).collect();
    let (on_now, off_now) = ("new-checkout on in development", "new-checkout off in development");
    assert_eq!(
        gist,
        [
            [on_now, "admin", "off", "on"],
            [off_now, "admin", "on", "off"],
            [on_now, "admin", "off", "on"],
            ["new-checkout: flexibleRollout for 100% added in development", "admin", "", "100%"],
        ]
    );
    assert!(
        told.windows(2).all(|two| two[0][0] > two[1][0]),
        "in the order of their times: {told:?}"
    );
    assert_eq!(switched(&unleash.url, "*:*.expired")?, None, "401");
    assert_eq!(switched(&unleash.url, CLIENT)?, None, "403");

    let missing = flag("new\ncheckout/../x", "development", false);
    assert_eq!(
        refusal(&line, &missing).await,
        "Unleash has no flag new checkout/../x in the project default; it may have been archived. Nothing \
         was switched."
    );
    assert_eq!(
        refusal(&line, &flag("new-checkout", "", false)).await,
        "The flag new-checkout has no environment \"\"; it has development, production. Nothing was switched."
    );
    let expired =
        Unleash::new(id.clone(), "", &endpoint(&unleash.url, Some("*:*.expired")), clock());
    assert_eq!(
        refusal(&expired, &off).await,
        "The pipeline line does not accept our credentials (401); check them. It said: You must log in to use \
         Unleash. Nothing was switched."
    );
    let weak = Unleash::new(id, "", &endpoint(&unleash.url, Some(CLIENT)), clock());
    let why = refusal(&weak, &off).await;
    assert!(why.contains("does not allow us this (403)"), "{why}");

    unleash.rig.server("unleash")?.kill()?;
    let why = refusal(&line, &off).await;
    assert!(why.ends_with("Nothing was switched."), "{why}");
    assert!(line.find(&off, KEY).await.is_err(), "nobody can tell now");
    Ok(())
}

#[tokio::test]
async fn a_kill_switch_is_off_when_callers_get_false_and_not_when_it_is_called_disabled()
-> Result<()> {
    let Some(mut rig) = Rig::new_or_skip(&["env"])? else { return Ok(()) };
    let program = installed()?.join("fast-feature/bin/fast-feature");
    ensure!(program.is_file(), "fast-feature is missing; tests/run installs it");
    let port = free_ports(1)?[0].to_string();
    let program = program.to_string_lossy().into_owned();
    let serve = [&program, "serve", "--host", "127.0.0.1", "--port", &port];
    rig.run("flags", "env", &[&["FAST_FEATURE_ADMIN=true"][..], &serve].concat())?;
    let url = format!("http://127.0.0.1:{port}");
    rig.wait_for("flags", &format!("{url}/admin/api/flags"))?;
    let address = endpoint(&url, None);
    let person = Web::new("Somebody", &address, Scheme::BEARER, clock());
    let variants = json!({ "on": true, "off": false });
    let checkout = json!({ "key": "new-checkout", "variants": variants, "default_variant": "on" });
    other(&person, Verb::Post, "/admin/api/flags", checkout).await?;
    let colour =
        json!({ "key": "colour", "variants": { "red": "#f00" }, "default_variant": "red" });
    other(&person, Verb::Post, "/admin/api/flags", colour).await?;
    let aimed = json!({
        "key": "beta", "variants": variants, "default_variant": "off",
        "targeting": { "if": [{ "==": [{ "var": "plan" }, "pro"] }, "on", "off"] },
    });
    other(&person, Verb::Post, "/admin/api/flags", aimed).await?;

    let line = Ofrep::new(PipelineId::new("line"), "/admin/api/flags", &address, clock());
    let row = |key: &str, on, note: &str| (key.to_owned(), String::new(), on, note.to_owned());
    assert_eq!(
        states(&line.flags().await.unwrap().unwrap()),
        [
            row("beta", None, "targeted; the others get off"),
            row("colour", None, ""),
            row("new-checkout", Some(true), ""),
        ]
    );
    let declared = format!("kind = \"ofrep\"\nurl = \"{url}\"\nadmin = \"/admin/api/flags\"");
    let one = |key: &str, on: Option<bool>, note: &str| {
        let places = [json!({ "environment": "", "on": on, "note": note })];
        json!({ "pipeline": "line", "key": key, "title": "", "kind": "", "changed": null, "places": places })
    };
    assert_eq!(
        listed(&declared, "")?,
        json!([
            one("beta", None, "targeted; the others get off"),
            one("colour", None, ""),
            one("new-checkout", Some(true), ""),
        ])
    );
    // The trap: disabled, and yet everybody gets it.
    other(&person, Verb::Patch, "/admin/api/flags/new-checkout", json!({ "enabled": false }))
        .await?;
    let off = flag("new-checkout", "", false);
    let disabled = "disabled: everybody gets its default variant, on";
    assert_eq!(
        states(&line.flags().await.unwrap().unwrap())[2],
        row("new-checkout", Some(true), disabled)
    );
    assert_eq!(line.find(&off, KEY).await, Ok(None));
    assert_eq!(
        line.dry_run(&off).await.unwrap().unwrap().as_str(),
        "Callers get new-checkout on (DISABLED) and would get it off.\nDefault variant: on, then off. State: \
         DISABLED, then DISABLED."
    );
    let begun = begin(&line, &off).await;
    let seen = line.watch(&off, &begun).await.unwrap();
    assert_eq!(
        (told(&seen).0, lines(&seen)),
        ("done", "Callers get new-checkout off, read back (DISABLED).".to_owned())
    );
    assert!(line.find(&off, KEY).await.unwrap().is_some(), "our key is in its metadata");
    assert_eq!(line.find(&off, &KEY.replace('5', "6")).await, Ok(None));
    let evaluate = "/ofrep/v1/evaluate/flags/new-checkout";
    let anybody = json!({ "context": { "targetingKey": "u1" } });
    let gets = other(&person, Verb::Post, evaluate, anybody.clone()).await?;
    assert_eq!(gets["value"], false);

    // Back on, to the variant it had.
    let on = flag("new-checkout", "", true);
    begin(&line, &on).await;
    assert_eq!(told(&line.watch(&on, &begun).await.unwrap()).0, "done");
    assert_eq!(other(&person, Verb::Post, evaluate, anybody).await?["variant"], "on");
    let (state, why) = told(&line.watch(&off, &begun).await.unwrap());
    assert_eq!(state, "failed");
    assert!(why.contains("callers get new-checkout on (STATIC), not off"), "{why}");

    // Off is off for those it was aimed at, too; on gives it to them alone.
    begin(&line, &flag("beta", "", false)).await;
    let pro = json!({ "context": { "targetingKey": "u1", "plan": "pro" } });
    let beta = "/ofrep/v1/evaluate/flags/beta";
    assert_eq!(other(&person, Verb::Post, beta, pro.clone()).await?["value"], false);
    begin(&line, &flag("beta", "", true)).await;
    assert_eq!(other(&person, Verb::Post, beta, pro).await?["value"], true);

    assert_eq!(
        refusal(&line, &flag("colour", "", false)).await,
        "The flag colour has no variant that is false, so it cannot be switched off. Nothing was switched."
    );
    let why = refusal(&line, &flag("new-checkout", "production", false)).await;
    assert!(why.starts_with("A server that answers OFREP has no environments"), "{why}");
    assert_eq!(
        refusal(&line, &flag("nope", "", false)).await,
        "The flag server has no flag nope. Nothing was switched."
    );
    let reader = Ofrep::new(PipelineId::new("line"), "", &address, clock());
    assert_eq!(
        refusal(&reader, &off).await,
        "The pipeline line names no admin API, so its flags can be neither listed nor switched; set `admin`. \
         Nothing was switched."
    );
    rig.server("flags")?.kill()?;
    assert!(refusal(&line, &off).await.ends_with("Nothing was switched."));
    Ok(())
}
